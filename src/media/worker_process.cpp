#include "media/worker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"

namespace cowatch {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double start_seconds = 30;  // loading some 150 libraries from a cold disk
constexpr double grace_seconds =
    5;  // the worker itself kills its child in time; after this, we kill the worker

class Descriptor {
 public:
  explicit Descriptor(int value = -1) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }
  void reset() {
    if (value_ >= 0) ::close(value_);
    value_ = -1;
  }

 private:
  int value_;
};

[[noreturn]] void no_worker(const std::string& found) {
  throw Error(ErrorCode::system, "the media worker does not work",
              {.expected = "cowatch-media beside cowatch",
               .found = found,
               .remedy = "Run `cowatch doctor`, which says what is missing."});
}

// Waits until `descriptor` can be read or its other end is closed. An answer that came while we were stopped,
// and with us the look at the clock, came in time.
void wait_readable(int descriptor, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd entry = {descriptor, POLLIN, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::clamp<int64_t>(left, 0, 1 << 30)));
    if (ready > 0) return;
    if (ready < 0 && errno != EINTR) throw_system_error("wait for", "the media worker");
    if (ready == 0 && left <= 0) no_worker("no answer in time");
  }
}

template <typename T>
T receive(int socket, Clock::time_point deadline) {
  wait_readable(socket, deadline);
  T message;
  const ssize_t got = ::recv(socket, &message, sizeof message, 0);
  if (got != static_cast<ssize_t>(sizeof message)) no_worker(got == 0 ? "it ended" : "a wrong message");
  return message;
}

std::string read_pipe(int descriptor, Clock::time_point deadline) {
  std::string bytes;
  std::vector<char> buffer(size_t{1} << 16);
  for (;;) {
    wait_readable(descriptor, deadline);
    const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return bytes;
    if (bytes.size() + static_cast<size_t>(got) > max_result_bytes)
      return bytes;  // closing the pipe stops it
    bytes.append(buffer.data(), static_cast<size_t>(got));
  }
}

// Only what the libraries need to start quietly with one thread; nothing of the user's environment.
std::vector<std::string> worker_environment() {
  std::vector<std::string> environment = {"LC_ALL=C", "OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1",
                                          "OPENCV_OPENCL_RUNTIME=disabled"};
  for (const char* name : {"LD_LIBRARY_PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"}) {
    if (const char* value = ::getenv(name)) environment.push_back(std::string(name) + "=" + value);
  }
  return environment;
}

pid_t spawn(const Path& program, int socket) {
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
  ::posix_spawn_file_actions_adddup2(&actions, 0, 1);
  ::posix_spawn_file_actions_adddup2(&actions, socket, worker_socket);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, worker_socket + 1);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  // A process group of its own: Ctrl-C is for us, and we end the worker when its file is done.
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
  sigset_t none;
  ::sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);

  std::vector<std::string> environment = worker_environment();
  std::vector<char*> environment_pointers;
  for (std::string& entry : environment) environment_pointers.push_back(entry.data());
  environment_pointers.push_back(nullptr);
  std::string name = program.string(), verb = "extract", flag = "--serve";
  std::array<char*, 4> arguments = {name.data(), verb.data(), flag.data(), nullptr};
  pid_t pid = -1;
  const int failure =
      ::posix_spawn(&pid, name.c_str(), &actions, &attributes, arguments.data(), environment_pointers.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (failure != 0) no_worker(name + ": " + std::strerror(failure));
  return pid;
}

}  // namespace

WorkerProcess::WorkerProcess(const Path& program) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    throw_system_error("make a socket for", program.string());
  }
  Descriptor ours(pair[0]), theirs(::fcntl(pair[1], F_DUPFD_CLOEXEC, worker_socket + 1));
  ::close(pair[1]);  // moved above worker_socket, so that duplicating it there is never onto itself
  pid_ = spawn(program, theirs.get());
  theirs.reset();
  socket_ = ours.release();
  try {
    greeting_ = receive<WorkerGreeting>(
        socket_, Clock::now() + std::chrono::milliseconds(static_cast<int64_t>(start_seconds * 1000)));
    if (greeting_.protocol != worker_protocol_version || greeting_.layout != feature_layout_version) {
      no_worker("a cowatch-media of another version");
    }
  } catch (...) {
    end();
    throw;
  }
}

WorkerProcess::~WorkerProcess() {
  end();
}

void WorkerProcess::end() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);  // it holds nothing worth keeping; its child dies with it
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

void WorkerProcess::send(const WorkerJob& job, int input, int output) {
  WorkerJob copy = job;
  iovec part = {&copy, sizeof copy};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> control = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(2 * sizeof(int));
  const int descriptors[2] = {input, output};
  std::memcpy(CMSG_DATA(header), descriptors, sizeof descriptors);
  if (::sendmsg(socket_, &message, MSG_NOSIGNAL) != static_cast<ssize_t>(sizeof copy)) no_worker("it ended");
}

WorkerProcess::Answer WorkerProcess::run(const WorkerJob& job, int input) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_system_error("make a pipe for", "the media worker");
  Descriptor reading(ends[0]), writing(ends[1]);
  const auto deadline =
      Clock::now() +
      std::chrono::milliseconds(static_cast<int64_t>((job.limits.wall_seconds + grace_seconds) * 1000));
  send(job, input, writing.get());
  writing.reset();
  Answer answer;
  answer.bytes = read_pipe(reading.get(), deadline);
  reading.reset();
  answer.verdict = receive<WorkerVerdict>(socket_, deadline);
  return answer;
}

}  // namespace cowatch

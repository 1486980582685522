#include "media/worker/extract.h"

extern "C" {
#include <libavutil/log.h>
}
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <opencv2/core.hpp>
#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "media/worker/analyse.h"
#include "media/worker/sandbox.h"
#include "media/worker_protocol.h"

namespace cowatch {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int child_input = 3, child_output = 4;

bool write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t done = ::write(descriptor, bytes.data(), bytes.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(done));
  }
  return true;
}

struct ReceivedJob {
  WorkerJob job;
  int input = -1, output = -1;
};

// False when the other side has gone or said something that is not a job.
bool receive_job(ReceivedJob& received) {
  iovec part = {&received.job, sizeof received.job};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(2 * sizeof(int))> control = {};
  msghdr message = {};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(worker_socket, &message, MSG_CMSG_CLOEXEC);
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (got != static_cast<ssize_t>(sizeof received.job) || !header || header->cmsg_type != SCM_RIGHTS ||
      header->cmsg_len != CMSG_LEN(2 * sizeof(int))) {
    return false;
  }
  int descriptors[2];
  std::memcpy(descriptors, CMSG_DATA(header), sizeof descriptors);
  received.input = descriptors[0];
  received.output = descriptors[1];
  return true;
}

// The child of one file: sees descriptors 3 (the file) and 4 (the pipe) and nothing else.
[[noreturn]] void run_child(const ReceivedJob& received) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int input = ::fcntl(received.input, F_DUPFD, 10), output = ::fcntl(received.output, F_DUPFD, 10);
  if (::dup2(input, child_input) < 0 || ::dup2(output, child_output) < 0) ::_exit(4);
  ::syscall(SYS_close_range, child_output + 1, ~0U, 0);
  ::signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  try {
    confine(received.job.limits);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    ::_exit(5);
  }
  if (received.job.task == WorkerTask::try_to_escape) {
    try_to_escape(child_output, received.job.limits);
    ::_exit(0);
  }
  if (received.job.task == WorkerTask::never_end) never_end();
  const bool written = write_all(child_output, encode_result(analyse(child_input, received.job.limits)));
  ::_exit(written ? 0 : 6);
}

// Waits for the child; kills it at the deadline, or when the client goes away.
WorkerVerdict wait_for(pid_t child, int child_signals, double wall_seconds) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(static_cast<int64_t>(wall_seconds * 1000));
  WorkerVerdict verdict;
  int status = 0;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    std::array<pollfd, 2> waited = {{{child_signals, POLLIN, 0}, {worker_socket, POLLRDHUP, 0}}};
    if (left > 0) ::poll(waited.data(), waited.size(), static_cast<int>(left) + 1);
    const bool alone = (waited[1].revents & (POLLHUP | POLLRDHUP | POLLERR)) != 0;
    if (left <= 0 || alone) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      if (alone) ::_exit(0);
      verdict.end = WorkerVerdict::End::timed_out;
      return verdict;
    }
    signalfd_siginfo seen;
    if ((waited[0].revents & POLLIN) != 0 && ::read(child_signals, &seen, sizeof seen) < 0) break;
  }
  const bool signalled = WIFSIGNALED(status);
  verdict.end = signalled ? WorkerVerdict::End::signalled : WorkerVerdict::End::exited;
  verdict.code = signalled ? WTERMSIG(status) : WEXITSTATUS(status);
  return verdict;
}

int serve() {
  warm_up();
  WorkerGreeting greeting;
  greeting.namespaces = enter_namespaces() ? 1 : 0;
  if (::send(worker_socket, &greeting, sizeof greeting, MSG_NOSIGNAL) != sizeof greeting) return 1;
  sigset_t child_ends;
  ::sigemptyset(&child_ends);
  ::sigaddset(&child_ends, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &child_ends, nullptr);
  const int child_signals = ::signalfd(-1, &child_ends, SFD_CLOEXEC | SFD_NONBLOCK);
  for (ReceivedJob received; receive_job(received);) {
    const pid_t child = ::fork();
    if (child == 0) run_child(received);
    ::close(received.input);
    ::close(received.output);
    WorkerVerdict verdict;
    verdict.code = 7;
    if (child > 0) verdict = wait_for(child, child_signals, received.job.limits.wall_seconds);
    if (::send(worker_socket, &verdict, sizeof verdict, MSG_NOSIGNAL) != sizeof verdict) return 0;
  }
  return 0;
}

// What describe() prints of one file.
Json to_json(const MediaFeatures& found) {
  Json json = {{"refused", found.refused}};
  if (found.refused) {
    json["reason"] = found.reason;
    return json;
  }
  json.update({{"seconds", found.seconds},
               {"width", found.width},
               {"height", found.height},
               {"has_picture", found.has_picture},
               {"has_sound", found.has_sound},
               {"container", found.container},
               {"picture_codec", found.picture_codec},
               {"sound_codec", found.sound_codec},
               {"poster_bytes", found.poster.size()},
               {"preview_bytes", found.preview.size()}});
  for (const BlockLayout& block : feature_blocks) {
    const auto* begin = found.values.data() + block_begin(block.block);
    json["features"][std::string(block.name)] = std::vector<float>(begin, begin + block.size);
  }
  return json;
}

// The confined process may write to a pipe but not to a file, which standard output may be.
int copy_to_output(int pipe, pid_t child) {
  std::array<char, 4096> buffer;
  for (ssize_t got; (got = ::read(pipe, buffer.data(), buffer.size())) > 0;) {
    if (!write_all(STDOUT_FILENO, {buffer.data(), static_cast<size_t>(got)})) return 1;
  }
  int status = 0;
  if (::waitpid(child, &status, 0) < 0) return 1;
  if (!WIFSIGNALED(status)) return WEXITSTATUS(status);
  std::fprintf(stderr, "the decoder was ended by SIG%s\n", ::sigabbrev_np(WTERMSIG(status)));
  return 1;
}

// OpenCV's matrix library starts threads when it is loaded, and cannot start them again in a confined child;
// the client of --serve starts us with this set.
void load_without_threads(char** argv) {
  if (::getenv("OPENBLAS_NUM_THREADS")) return;
  ::setenv("OPENBLAS_NUM_THREADS", "1", 1);
  std::array<char*, 4> arguments = {const_cast<char*>("cowatch-media"), argv[0], argv[1], nullptr};
  ::execv("/proc/self/exe", arguments.data());
}

int describe(const char* path) {
  const int input = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (input < 0) throw_system_error("open", path);
  const MediaLimits limits;
  warm_up();
  enter_namespaces();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_system_error("make a pipe for", path);
  const pid_t child = ::fork();
  if (child < 0) throw_system_error("start a process for", path);
  if (child > 0) {
    ::close(ends[1]);
    return copy_to_output(ends[0], child);
  }
  confine(limits);
  const MediaFeatures found = analyse(input, limits);
  const bool written = write_all(ends[1], to_json(found).dump() + "\n");
  ::_exit(written ? (found.refused ? 3 : 0) : 1);
}

}  // namespace

int extract_main(int argc, char** argv) {
  av_log_set_level(AV_LOG_QUIET);
  cv::setNumThreads(1);
  try {
    if (argc == 2 && std::string_view(argv[1]) == "--serve") return serve();
    if (argc == 2 && argv[1][0] != '-') {
      load_without_threads(argv);
      return describe(argv[1]);
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  std::fputs(
      "cowatch-media extract FILE     what is in one media file, as JSON\n"
      "cowatch-media extract --serve  answer jobs on descriptor 3\n",
      stderr);
  return 2;
}

}  // namespace cowatch

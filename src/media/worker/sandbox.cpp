#include "media/worker/sandbox.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstring>

#include "base/error.h"

#if defined(__SANITIZE_ADDRESS__)
// The search for leaks at the end of a process looks at it from another one, which a confined process may not start.
extern "C" const char* __asan_default_options() {
  return "detect_leaks=0";
}
#endif

namespace cowatch {
namespace {

bool write_file(const char* path, const std::string& text) {
  const int descriptor = ::open(path, O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) return false;
  const bool written = ::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(descriptor);
  return written;
}

// An empty, read-only file system becomes the root.
bool empty_root() {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  if (::mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k,mode=0500") != 0)
    return false;
  if (::chdir("/tmp") != 0 || ::syscall(SYS_pivot_root, ".", ".") != 0) return false;
  return ::umount2(".", MNT_DETACH) == 0 && ::chdir("/") == 0;
}

void drop_capabilities() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[2] = {};
  ::syscall(SYS_capset, &header, none);
}

void limit(int resource, uint64_t value, uint64_t most) {
  const rlimit both = {value, most};
  if (::setrlimit(static_cast<__rlimit_resource>(resource), &both) != 0) {
    throw_system_error("limit", "the media worker");
  }
}

void limit(int resource, uint64_t value) {
  limit(resource, value, value);
}

[[noreturn]] void no_filter(int code) {
  throw Error(
      ErrorCode::unsupported, "this system cannot confine the process that decodes media",
      {.expected = "seccomp filters in the kernel",
       .found = std::strerror(-code),
       .remedy = "Use a kernel with CONFIG_SECCOMP_FILTER, and do not forbid seccomp in a container."});
}

class Filter {
 public:
  Filter() : context_(::seccomp_init(SCMP_ACT_KILL_PROCESS)) {
    if (!context_) no_filter(-ENOSYS);
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;
  ~Filter() { ::seccomp_release(context_); }

  template <typename... Conditions>
  void rule(uint32_t action, int call, Conditions... conditions) {
    const int code = ::seccomp_rule_add(context_, action, call, sizeof...(conditions), conditions...);
    if (code != 0) no_filter(code);
  }
  void load() {
    if (const int code = ::seccomp_load(context_); code != 0) no_filter(code);
  }

 private:
  scmp_filter_ctx context_;
};

// What computing with open descriptors needs.
constexpr int allowed_calls[] = {SCMP_SYS(read),
                                 SCMP_SYS(pread64),
                                 SCMP_SYS(write),
                                 SCMP_SYS(lseek),
                                 SCMP_SYS(close),
                                 SCMP_SYS(munmap),
                                 SCMP_SYS(mremap),
                                 SCMP_SYS(brk),
                                 SCMP_SYS(madvise),
                                 SCMP_SYS(futex),
                                 SCMP_SYS(clock_gettime),
                                 SCMP_SYS(clock_nanosleep),
                                 SCMP_SYS(nanosleep),
                                 SCMP_SYS(gettimeofday),
                                 SCMP_SYS(time),
                                 SCMP_SYS(getrandom),
                                 SCMP_SYS(rt_sigreturn),
                                 SCMP_SYS(rt_sigprocmask),
                                 SCMP_SYS(rt_sigaction),
                                 SCMP_SYS(sigaltstack),
                                 SCMP_SYS(sched_yield),
                                 SCMP_SYS(getpid),
                                 SCMP_SYS(gettid),
                                 SCMP_SYS(exit),
                                 SCMP_SYS(exit_group),
                                 SCMP_SYS(getrusage),
                                 SCMP_SYS(sched_getaffinity),
                                 SCMP_SYS(sysinfo),
                                 SCMP_SYS(restart_syscall)};

// What a library may ask for and can do without: refused, and the file goes on.
constexpr int refused_calls[] = {
    SCMP_SYS(open),   SCMP_SYS(openat),     SCMP_SYS(openat2),   SCMP_SYS(creat),
    SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect),   SCMP_SYS(clone),
    SCMP_SYS(clone3), SCMP_SYS(fork),       SCMP_SYS(vfork),     SCMP_SYS(stat),
    SCMP_SYS(lstat),  SCMP_SYS(newfstatat), SCMP_SYS(fstat),     SCMP_SYS(statx),
    SCMP_SYS(access), SCMP_SYS(faccessat),  SCMP_SYS(readlink),  SCMP_SYS(readlinkat),
    SCMP_SYS(ioctl),  SCMP_SYS(fcntl),      SCMP_SYS(prlimit64), SCMP_SYS(unlink),
    SCMP_SYS(mkdir),  SCMP_SYS(rename),     SCMP_SYS(uname),     SCMP_SYS(memfd_create),
    SCMP_SYS(mbind)};  // OpenBLAS places its buffers so, and ignores the answer

}  // namespace

bool enter_namespaces() {
  const uid_t user = ::geteuid();
  const gid_t group = ::getegid();
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0) return false;
  write_file("/proc/self/setgroups", "deny");
  const bool mapped = write_file("/proc/self/uid_map", "0 " + std::to_string(user) + " 1") &&
                      write_file("/proc/self/gid_map", "0 " + std::to_string(group) + " 1");
  const bool rooted = mapped && empty_root();
  drop_capabilities();
  return rooted;
}

void confine(const MediaLimits& limits) {
  // A memory checker reserves terabytes of addresses for its shadow.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  limit(RLIMIT_AS, limits.max_memory);
#endif
  const auto seconds = static_cast<uint64_t>(std::ceil(limits.cpu_seconds));
  limit(RLIMIT_CPU, seconds, seconds + 1);  // SIGXCPU says why, a second before SIGKILL
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_NOFILE, 0);  // those open stay so
  limit(RLIMIT_CORE, 0);
  ::prctl(PR_SET_DUMPABLE, 0);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) no_filter(-errno);

  Filter filter;
  for (const int call : allowed_calls) filter.rule(SCMP_ACT_ALLOW, call);
  for (const int call : refused_calls) filter.rule(SCMP_ACT_ERRNO(EACCES), call);
  // Memory, but none that can be executed; signals (abort) to oneself only.
  filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
  filter.rule(SCMP_ACT_ALLOW, SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid())));
  filter.load();
}

namespace {

void report(int output, const char* name, long result) {
  const std::string line =
      std::string(name) +
      (result >= 0 ? ": DONE\n" : ": refused (" + std::string(std::strerror(errno)) + ")\n");
  if (::write(output, line.data(), line.size()) < 0) ::_exit(3);
}

}  // namespace

void try_to_escape(int output, [[maybe_unused]] const MediaLimits& limits) {
  report(output, "open for reading", ::open("/etc/passwd", O_RDONLY));
  report(output, "open for writing", ::open("/tmp/escaped", O_WRONLY | O_CREAT, 0600));
  report(output, "internet socket", ::socket(AF_INET, SOCK_STREAM, 0));
  report(output, "local socket", ::socket(AF_UNIX, SOCK_STREAM, 0));
  report(output, "look at a file", ::access("/etc/passwd", R_OK));
  report(output, "fork", ::syscall(SYS_fork));
  report(output, "thread", ::syscall(SYS_clone, CLONE_VM | CLONE_FS, nullptr, nullptr, nullptr, nullptr));
  report(output, "raise own limits", [] {
    const rlimit more = {100, 100};
    return ::setrlimit(RLIMIT_NOFILE, &more);
  }());
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  report(output, "more memory",
         ::mmap(nullptr, limits.max_memory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                0) == MAP_FAILED
             ? -1
             : 0);
#endif
  char name[] = "/bin/true";
  char* arguments[] = {name, nullptr};
  report(output, "execve", ::execve(name, arguments, nullptr));
}

void never_end() {
  volatile bool on = true;  // keeps the compiler from ending it
  while (on) {
  }
  ::_exit(7);
}

}  // namespace cowatch

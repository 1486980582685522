#include "media/extractor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/error.h"
#include "media/worker_process.h"

namespace cowatch {
namespace {

MediaFeatures refusal(std::string reason) {
  MediaFeatures features;
  features.refused = true;
  features.reason = std::move(reason);
  return features;
}

std::string whole_number(double value) {
  return std::to_string(static_cast<int64_t>(value));
}

// Why a process that gave no result ended.
std::string death_reason(const WorkerVerdict& verdict, const MediaLimits& limits) {
  if (verdict.end == WorkerVerdict::End::timed_out) {
    return "it took longer than the " + whole_number(limits.wall_seconds) + " s allowed";
  }
  if (verdict.end == WorkerVerdict::End::exited) {
    return "the decoder ended without a result (exit status " + std::to_string(verdict.code) + ")";
  }
  switch (verdict.code) {
    case SIGXCPU:
      return "it took more than the " + whole_number(limits.cpu_seconds) + " s of processor time allowed";
    case SIGSYS:
      return "the decoder was stopped: it tried a system call that it may not make";
    case SIGKILL:
      return "the decoder was killed (SIGKILL): out of memory or by hand";
    default: {
      const char* name = ::sigabbrev_np(verdict.code);
      return "the decoder crashed on it (SIG" + std::string(name ? name : std::to_string(verdict.code)) + ")";
    }
  }
}

std::string size_reason(const struct stat& status, const MediaLimits& limits) {
  if (S_ISDIR(status.st_mode)) return "it is a folder, not a file";
  if (S_ISFIFO(status.st_mode)) return "it is a pipe, not a file";
  if (!S_ISREG(status.st_mode)) return "it is a device or a socket, not a file";
  if (status.st_size == 0) return "it is empty (0 bytes)";
  if (static_cast<uint64_t>(status.st_size) > limits.max_bytes) {
    return "it has " + std::to_string(status.st_size) + " bytes, more than the " +
           std::to_string(limits.max_bytes) + " allowed";
  }
  return "";
}

std::string open_reason(int number) {
  switch (number) {
    case ENOENT:
      return "there is no such file";
    case EACCES:
      return "it may not be read (permission denied)";
    case ELOOP:
      return "it is a symbolic link";
    case ENXIO:
      return "it is a device or a socket, not a file";
    default:
      return std::string("it cannot be opened: ") + std::strerror(number);
  }
}

int open_nothing() {
  const int descriptor = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw_system_error("open", "/dev/null");
  return descriptor;
}

}  // namespace

Extractor::Extractor(MediaLimits limits, Path program)
    : limits_(limits), program_(program.empty() ? program_folder() / "cowatch-media" : std::move(program)) {}

Extractor::~Extractor() = default;

std::unique_ptr<WorkerProcess> Extractor::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto worker = std::move(idle_.back());
      idle_.pop_back();
      return worker;
    }
  }
  return std::make_unique<WorkerProcess>(program_);
}

void Extractor::give_back(std::unique_ptr<WorkerProcess> worker) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(worker));
}

MediaFeatures Extractor::extract(const Path& path, Links links) {
  if (path.native().find('\0') != std::string::npos) return refusal("its name contains a null byte");
  // O_NONBLOCK: opening a pipe without a writer would wait for ever.
  const int flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (links == Links::refuse ? O_NOFOLLOW : 0);
  const int descriptor = ::open(path.c_str(), flags);
  if (descriptor < 0) return refusal(open_reason(errno));
  try {
    MediaFeatures features = extract_open(descriptor);
    ::close(descriptor);
    return features;
  } catch (...) {
    ::close(descriptor);
    throw;
  }
}

MediaFeatures Extractor::extract_open(int descriptor) {
  struct stat status;
  if (::fstat(descriptor, &status) != 0) return refusal(open_reason(errno));
  if (std::string reason = size_reason(status, limits_); !reason.empty()) return refusal(std::move(reason));
  return run({limits_, WorkerTask::extract}, descriptor);
}

MediaFeatures Extractor::run(const WorkerJob& job, int descriptor) {
  auto worker = take();
  const WorkerProcess::Answer answer = worker->run(job, descriptor);
  give_back(std::move(worker));
  if (answer.verdict.end != WorkerVerdict::End::exited || answer.verdict.code != 0) {
    return refusal(death_reason(answer.verdict, limits_));
  }
  try {
    return decode_result(answer.bytes, limits_);
  } catch (const Error& error) {
    return refusal(error.message() + ": " + error.details().found);
  }
}

MediaFeatures Extractor::try_to_overrun() {
  const int descriptor = open_nothing();
  MediaFeatures found = run({limits_, WorkerTask::never_end}, descriptor);
  ::close(descriptor);
  return found;
}

std::vector<std::string> Extractor::try_to_escape() {
  const int descriptor = open_nothing();
  auto worker = take();
  const WorkerProcess::Answer answer = worker->run({limits_, WorkerTask::try_to_escape}, descriptor);
  ::close(descriptor);
  give_back(std::move(worker));
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < answer.bytes.size();) {
    const size_t end = std::min(answer.bytes.find('\n', begin), answer.bytes.size());
    lines.push_back(answer.bytes.substr(begin, end - begin));
    begin = end + 1;
  }
  if (answer.verdict.end == WorkerVerdict::End::signalled && answer.verdict.code == SIGSYS) {
    lines.push_back("execve: refused (the process was killed)");
  }
  return lines;
}

bool Extractor::namespaces() {
  auto worker = take();
  const bool result = worker->namespaces();
  give_back(std::move(worker));
  return result;
}

MediaFeatures extract_file(const Path& path, const MediaLimits& limits) {
  return Extractor(limits).extract(path);
}

}  // namespace cowatch

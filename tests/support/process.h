// A program under test as a process of its own: started, awaited, killed; what it prints is kept.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "support/temporary_folder.h"

namespace cowatch::test {

class Process {
 public:
  // Starts PROGRAM of the build (`cowatch`, `cowatch-media`); both streams go to output().
  Process(const std::string& program, const std::vector<std::string>& arguments) {
    const std::string path = (program_folder() / program).string(), log = (folder_ / "output").string();
    std::vector<char*> words{const_cast<char*>(path.c_str())};
    for (const std::string& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    const int output = ::open(log.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    const int input = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    child_ = fork();
    if (child_ == 0) {
      dup2(input, STDIN_FILENO), dup2(output, STDOUT_FILENO), dup2(output, STDERR_FILENO);
      execv(path.c_str(), words.data());
      _exit(127);
    }
    close(output), close(input);
    if (child_ < 0) throw std::runtime_error("cannot fork");
  }
  Process(const Process&) = delete;
  ~Process() { kill(); }

  // Exit status, or 128 and the signal that ended it.
  int wait() {
    if (child_ > 0) waitpid(child_, &status_, 0);
    child_ = -1;
    return WIFEXITED(status_) ? WEXITSTATUS(status_) : 128 + WTERMSIG(status_);
  }
  bool running() {
    if (child_ > 0 && waitpid(child_, &status_, WNOHANG) == child_) child_ = -1;
    return child_ > 0;
  }
  void send(int signal) {
    if (child_ > 0) ::kill(child_, signal);
  }
  int kill() {
    send(SIGKILL);
    return wait();
  }
  pid_t id() const { return child_; }
  std::string output() const { return read_text(folder_ / "output"); }
  // What it printed once that holds `text`; fails after a minute, or when it ends without.
  std::string output_with(const std::string& text) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (std::chrono::steady_clock::now() < deadline) {
      const bool going = running();
      if (const std::string now = output(); now.find(text) != now.npos) return now;
      if (!going) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    throw std::runtime_error("it did not say '" + text + "' but: " + output());
  }

 private:
  TemporaryFolder folder_;
  pid_t child_ = -1;
  int status_ = 0;
};

// `cowatch ARGUMENTS`, awaited.
struct Finished {
  int status = 0;
  std::string output;
};
inline Finished run_cowatch(const std::vector<std::string>& arguments) {
  Process process("cowatch", arguments);
  const int status = process.wait();
  return {status, process.output()};
}

}  // namespace cowatch::test

// Progress of long work: a bar with rate and time left on a terminal, a plain line every few seconds
// otherwise, JSON lines with `--json`. Also where Ctrl-C is noticed: call check() at safe points.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace cowatch {

enum class ProgressStyle { automatic, quiet, plain, bar, json };
void set_progress_style(ProgressStyle style);

// What is going on now, for those who watch from elsewhere (the server's tasks).
struct ProgressState {
  std::string what;              // "training", in the reader's words
  std::string unit;              // "steps"
  uint64_t done = 0, total = 0;  // total 0: not known
  double seconds = 0;
};
using ProgressObserver = std::function<void(const ProgressState&)>;
void observe_progress(
    ProgressObserver observer);  // at most ten calls a second for each Progress; empty: none

class Progress {
 public:
  Progress(std::string what, std::string unit, uint64_t total);
  ~Progress();  // ends the line
  Progress(const Progress&) = delete;

  void add(uint64_t amount = 1);  // any thread
  void note(std::string text);    // shown behind the bar: "loss 0.312"; the main thread only

 private:
  void show(bool last);
  ProgressState state_;
  std::atomic<uint64_t> done_{0};
  std::atomic<int64_t> next_ms_{0};
  std::string note_;
  std::chrono::steady_clock::time_point start_;
};

// SIGINT and SIGTERM ask to stop; work ends at its next safe point with ErrorCode::interrupted.
void handle_interrupts();
bool interrupted();
void request_interrupt();
void throw_if_interrupted();  // a safe point

}  // namespace cowatch

#include "base/progress.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <mutex>

#include "base/error.h"
#include "base/json.h"

namespace cowatch {
namespace {

ProgressStyle style = ProgressStyle::automatic;
ProgressObserver observer;
std::mutex show_mutex;
volatile std::sig_atomic_t stop_signal = 0;

ProgressStyle effective_style() {
  if (style != ProgressStyle::automatic) return style;
  return isatty(STDERR_FILENO) ? ProgressStyle::bar : ProgressStyle::plain;
}

std::string duration(double seconds) {
  char text[32];
  const auto whole = static_cast<long>(seconds + 0.5);
  if (whole < 100) {
    std::snprintf(text, sizeof text, "%ld s", whole);
  } else if (whole < 6000) {
    std::snprintf(text, sizeof text, "%ld:%02ld min", whole / 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%ld:%02ld h", whole / 3600, whole / 60 % 60);
  }
  return text;
}

std::string amount(double value) {
  char text[32];
  const char* unit = value >= 1e9 ? " G" : value >= 1e6 ? " M" : value >= 1e4 ? " k" : "";
  const double scale = value >= 1e9 ? 1e9 : value >= 1e6 ? 1e6 : value >= 1e4 ? 1e3 : 1;
  std::snprintf(
      text, sizeof text,
      scale > 1 ? "%.1f%s" : (value < 10 && value != static_cast<long>(value) ? "%.1f%s" : "%.0f%s"),
      value / scale, unit);
  return text;
}

std::string describe(const ProgressState& state, const std::string& note, bool last) {
  const double rate = state.seconds > 0 ? static_cast<double>(state.done) / state.seconds : 0;
  std::string text = amount(static_cast<double>(state.done));
  if (state.total > 0) text += " of " + amount(static_cast<double>(state.total));
  text += " " + state.unit + ", " + amount(rate) + "/s";
  if (last) {
    text += ", took " + duration(state.seconds);
  } else if (state.total > state.done && rate > 0) {
    text += ", " + duration(static_cast<double>(state.total - state.done) / rate) + " left";
  }
  return note.empty() ? text : text + "  " + note;
}

std::string bar(const ProgressState& state) {
  constexpr int width = 24;
  if (state.total == 0) return "";
  const auto filled = static_cast<int>(width * std::min(state.done, state.total) / state.total);
  std::string text = "[";
  for (int i = 0; i < width; ++i) text += i < filled ? "█" : "·";
  return text + "] ";
}

extern "C" void on_signal(int number) {
  stop_signal = number;
}

}  // namespace

void set_progress_style(ProgressStyle chosen) {
  style = chosen;
}

void observe_progress(ProgressObserver other) {
  const std::lock_guard lock(show_mutex);
  observer = std::move(other);
}

Progress::Progress(std::string what, std::string unit, uint64_t total)
    : state_{std::move(what), std::move(unit), 0, total, 0}, start_(std::chrono::steady_clock::now()) {
  add(0);
}

Progress::~Progress() {
  show(true);
}

void Progress::add(uint64_t amount) {
  done_.fetch_add(amount, std::memory_order_relaxed);
  const auto elapsed = std::chrono::steady_clock::now() - start_;
  const int64_t now = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count();
  int64_t next = next_ms_.load(std::memory_order_relaxed);
  if (now < next || !next_ms_.compare_exchange_strong(next, now + 100)) return;
  show(false);
}

void Progress::note(std::string text) {
  const std::lock_guard lock(show_mutex);
  note_ = std::move(text);
}

void Progress::show(bool last) {
  const std::lock_guard lock(show_mutex);
  state_.done = done_.load(std::memory_order_relaxed);
  const double before = state_.seconds;
  state_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  if (observer) observer(state_);
  const ProgressStyle chosen = effective_style();
  if (chosen == ProgressStyle::bar) {
    std::fprintf(stderr, "\r\033[K%-12s %s%s%s", state_.what.c_str(), bar(state_).c_str(),
                 describe(state_, note_, last).c_str(), last ? "\n" : "");
    std::fflush(stderr);
    return;
  }
  // Without a terminal: a line every five seconds and one at the end.
  if (chosen == ProgressStyle::quiet ||
      (!last && static_cast<int>(state_.seconds / 5) == static_cast<int>(before / 5)))
    return;
  if (chosen == ProgressStyle::json) {
    const Json line = {{"progress", state_.what}, {"unit", state_.unit},       {"done", state_.done},
                       {"total", state_.total},   {"seconds", state_.seconds}, {"ended", last}};
    std::fprintf(stderr, "%s\n", line.dump().c_str());
  } else {
    std::fprintf(stderr, "%s: %s\n", state_.what.c_str(), describe(state_, note_, last).c_str());
  }
}

void handle_interrupts() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // a second Ctrl-C ends the process at once
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A limit on file sizes (ulimit -f) is to be an error of the write, with a remedy, and not the end of the
  // process.
  std::signal(SIGXFSZ, SIG_IGN);
}

bool interrupted() {
  return stop_signal != 0;
}
void request_interrupt() {
  stop_signal = SIGINT;
}

void throw_if_interrupted() {
  if (interrupted()) {
    throw Error(ErrorCode::interrupted, "stopped on request",
                {.remedy = "Run the same command again to go on."});
  }
}

}  // namespace cowatch

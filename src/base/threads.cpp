#include "base/threads.h"

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/background.h"

namespace cowatch {
namespace {

std::unique_ptr<tbb::global_control> limit;
thread_local bool in_background = false;
constexpr int background_nice = 10;

// The thread sanitizer does not see how oneTBB, which was compiled without it, orders its threads.
#if defined(__SANITIZE_THREAD__)
constexpr bool never_tbb = true;
#else
constexpr bool never_tbb = false;
#endif

// Helpers of their own, since oneTBB's would keep the low priority afterwards, made for each loop: those that
// run in the background are long.
void own_threads_for(size_t pieces, const std::function<void(size_t)>& body) {
  std::atomic<size_t> next{0};
  std::vector<std::exception_ptr> failures(std::min(pieces, threads()));
  const auto work = [&](size_t helper) {
    try {
      for (size_t piece; (piece = next++) < pieces;) body(piece);
    } catch (...) {
      failures[helper] = std::current_exception();
      next = pieces;
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (size_t h = 1; h < failures.size(); ++h) {
      helpers.emplace_back([&, h, here = BackgroundThread::here()] {
        std::optional<BackgroundThread> background;
        if (here) background.emplace();
        work(h);
      });
    }
    work(0);
  }
  for (const auto& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

}  // namespace

void be_nice(int niceness) {
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), niceness);  // of the thread, on Linux
}

BackgroundThread::BackgroundThread() {
  in_background = true;
  be_nice(background_nice);
}
BackgroundThread::~BackgroundThread() {
  in_background = false;
}
bool BackgroundThread::here() {
  return in_background;
}

void set_threads(size_t count) {
  limit.reset();
  if (count > 0)
    limit = std::make_unique<tbb::global_control>(tbb::global_control::max_allowed_parallelism, count);
}

size_t threads() {
  const auto allowed = tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism);
  return std::min(allowed, static_cast<size_t>(tbb::info::default_concurrency()));
}

void parallel_for(size_t count, size_t grain, const std::function<void(size_t, size_t)>& body) {
  const size_t pieces = (count + grain - 1) / grain;
  if (pieces <= 1) {
    if (count > 0) body(0, count);
    return;
  }
  const auto one = [&](size_t piece) { body(piece * grain, std::min(count, (piece + 1) * grain)); };
  if (never_tbb || BackgroundThread::here()) return own_threads_for(pieces, one);
  tbb::parallel_for(
      tbb::blocked_range<size_t>(0, pieces, 1),
      [&](const tbb::blocked_range<size_t>& range) {
        for (size_t piece = range.begin(); piece != range.end(); ++piece) one(piece);
      },
      tbb::simple_partitioner());
}

void run_pieces(const PieceLoop& loop, size_t count, const std::function<void(size_t)>& body) {
  if (loop) return loop(count, body);
  for (size_t piece = 0; piece < count; ++piece) body(piece);
}

}  // namespace cowatch

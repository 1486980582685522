#include "base/threads.h"

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

namespace cowatch {
namespace {

std::unique_ptr<tbb::global_control> limit;

#if defined(__SANITIZE_THREAD__)
// The thread sanitizer does not see how oneTBB, which was compiled without it, orders its threads: plain ones do.
template <typename Body>
void for_each_piece(size_t pieces, const Body& body) {
  std::atomic<size_t> next = 0;
  std::atomic_flag failed;
  std::exception_ptr error;
  const auto work = [&] {
    try {
      for (size_t piece; (piece = next++) < pieces;) body(piece);
    } catch (...) {
      if (!failed.test_and_set()) error = std::current_exception();
      next = pieces;
    }
  };
  {
    std::vector<std::jthread> others(std::min(threads(), pieces) - 1);
    for (auto& other : others) other = std::jthread(work);
    work();
  }
  if (error) std::rethrow_exception(error);
}
#else
template <typename Body>
void for_each_piece(size_t pieces, const Body& body) {
  tbb::parallel_for(
      tbb::blocked_range<size_t>(0, pieces, 1),
      [&](const tbb::blocked_range<size_t>& range) {
        for (size_t piece = range.begin(); piece != range.end(); ++piece) body(piece);
      },
      tbb::simple_partitioner());
}
#endif

}  // namespace

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
  for_each_piece(pieces, [&](size_t piece) { body(piece * grain, std::min(count, (piece + 1) * grain)); });
}

}  // namespace cowatch

#include "search/compute/scan.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "search/compute/scan.cpp"
#include <hwy/foreach_target.h>
// Highway's own headers come after the target loop.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cowatch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Lanes = hn::ScalableTag<float>;

// Four sums hide the latency of the addition; rows shorter than four vectors use fewer.
float row_score(const float* query, const float* row, size_t width) {
  const Lanes d;
  const size_t lanes = hn::Lanes(d);
  auto sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  size_t i = 0;
  for (; i + 4 * lanes <= width; i += 4 * lanes) {
    sum0 = hn::MulAdd(hn::LoadU(d, query + i), hn::LoadU(d, row + i), sum0);
    sum1 = hn::MulAdd(hn::LoadU(d, query + i + lanes), hn::LoadU(d, row + i + lanes), sum1);
    sum2 = hn::MulAdd(hn::LoadU(d, query + i + 2 * lanes), hn::LoadU(d, row + i + 2 * lanes), sum2);
    sum3 = hn::MulAdd(hn::LoadU(d, query + i + 3 * lanes), hn::LoadU(d, row + i + 3 * lanes), sum3);
  }
  for (; i + lanes <= width; i += lanes)
    sum0 = hn::MulAdd(hn::LoadU(d, query + i), hn::LoadU(d, row + i), sum0);
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
  for (; i < width; ++i) sum += query[i] * row[i];
  return sum;
}

// In one stream of rows, with a hint some rows ahead that keeps more lines under way; or in four streams side
// by side, each followed by the hardware. Scores are the same.
void score_rows(const float* query, const float* rows, size_t stride, size_t width, size_t count,
                bool four_streams, float* scores) {
  constexpr size_t ahead = 16, streams = 4;
  size_t r = 0;
  if (four_streams) {
    const size_t part = count / streams;
    for (size_t i = 0; i < part; ++i) {
      for (size_t row = i; row < streams * part; row += part)
        scores[row] = row_score(query, rows + row * stride, width);
    }
    r = streams * part;
  }
  for (; r < count; ++r) {
    const float* next = rows + (r + ahead) * stride;
    if (r + ahead < count) {
      for (size_t i = 0; i < width; i += 16) __builtin_prefetch(next + i);
    }
    scores[r] = row_score(query, rows + r * stride, width);
  }
}

// Most vectors hold no candidate: four are looked at with one branch.
size_t next_at_least(const float* scores, size_t begin, size_t count, float threshold) {
  const Lanes d;
  const size_t lanes = hn::Lanes(d);
  const auto least = hn::Set(d, threshold);
  const auto reaches = [&](size_t i) { return hn::Ge(hn::LoadU(d, scores + i), least); };
  size_t i = begin;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    const auto any = hn::Or(hn::Or(reaches(i), reaches(i + lanes)),
                            hn::Or(reaches(i + 2 * lanes), reaches(i + 3 * lanes)));
    if (!hn::AllFalse(d, any)) break;
  }
  for (; i + lanes <= count; i += lanes) {
    const auto found = hn::FindFirstTrue(d, reaches(i));
    if (found >= 0) return i + static_cast<size_t>(found);
  }
  while (i < count && !(scores[i] >= threshold)) ++i;
  return i;
}

}  // namespace cowatch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cowatch {

namespace {

HWY_EXPORT(score_rows);
HWY_EXPORT(next_at_least);

// Which way of two is the quicker one differs between processors, for reading rows by up to 1.8 times. The
// first tasks are done by both in turns, and the one with the lower median is kept: some of their rows lie in
// a cache, and some are interrupted. Safe for many threads.
class QuickerWay {
 public:
  // `work` is called with the way to take; `size` is how much there is to do.
  template <typename Work>
  void run(size_t size, const Work& work) {
    using Clock = std::chrono::steady_clock;
    if (turn_.load(std::memory_order_relaxed) >= 2 * samples)
      return work(second_.load(std::memory_order_relaxed));
    const uint32_t turn = turn_.fetch_add(1, std::memory_order_relaxed);
    const auto start = Clock::now();
    work(turn % 2 == 1);
    const std::chrono::duration<double> took = Clock::now() - start;
    const std::lock_guard lock(mutex_);
    each_[turn % 2].push_back(took.count() / static_cast<double>(size));
    if (each_[0].size() + each_[1].size() >= 2 * samples) second_ = median(each_[1]) < median(each_[0]);
  }

 private:
  static constexpr uint32_t samples = 64;
  static double median(std::vector<double>& values) {
    const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
  }
  std::atomic<uint32_t> turn_ = 0;
  std::atomic<bool> second_ = false;
  std::mutex mutex_;
  std::vector<double> each_[2];  // seconds for each byte
};

}  // namespace

void score_rows(std::span<const float> query, ConstMatrix rows, std::span<float> scores) {
  constexpr size_t worth_a_choice = size_t{1} << 18;  // bytes that come from memory, not from a cache
  static QuickerWay four_streams;
  const auto score = [&](bool four) {
    HWY_DYNAMIC_DISPATCH(score_rows)
    (query.data(), rows.data, rows.stride, rows.columns, rows.rows, four, scores.data());
  };
  const size_t bytes = rows.rows * rows.columns * sizeof(float);
  bytes < worth_a_choice ? score(false) : four_streams.run(bytes, score);
}

size_t next_at_least(std::span<const float> scores, size_t begin, float threshold) {
  return HWY_DYNAMIC_DISPATCH(next_at_least)(scores.data(), begin, scores.size(), threshold);
}

}  // namespace cowatch
#endif

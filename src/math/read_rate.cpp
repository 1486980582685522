#include "math/read_rate.h"

#include <algorithm>
#include <atomic>

#include "base/clock.h"
#include "base/threads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math/read_rate.cpp"
#include <hwy/foreach_target.h>
// Highway's own headers come after the target loop.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cowatch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Lanes = hn::ScalableTag<float>;

// Sums `streams` equal parts of the values side by side, in steps of a KiB each; `ahead` floats further on
// are asked for early, 0: none. What does not fill a step is left out: it is less than 4 KiB of a large
// array.
float sum(const float* values, size_t count, size_t streams, size_t ahead) {
  const Lanes d;
  constexpr size_t step = 256;
  const size_t part = count / streams / step * step, lanes = hn::Lanes(d);
  auto sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  for (size_t begin = 0; begin < part; begin += step) {
    for (size_t stream = 0; stream < streams; ++stream) {
      const float* at = values + stream * part + begin;
      if (ahead > 0) {
        for (size_t i = 0; i < step; i += 16) __builtin_prefetch(at + ahead + i);
      }
      for (size_t i = 0; i < step; i += 4 * lanes) {
        sum0 = hn::Add(sum0, hn::LoadU(d, at + i));
        sum1 = hn::Add(sum1, hn::LoadU(d, at + i + lanes));
        sum2 = hn::Add(sum2, hn::LoadU(d, at + i + 2 * lanes));
        sum3 = hn::Add(sum3, hn::LoadU(d, at + i + 3 * lanes));
      }
    }
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
}

}  // namespace cowatch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cowatch {
namespace {

HWY_EXPORT(sum);

struct Loop {
  std::string_view name;
  size_t streams, ahead;
};
constexpr Loop loops[] = {
    {"plain", 1, 0},       {"hints 4 KiB ahead", 1, 1024}, {"hints 8 KiB ahead", 1, 2048},
    {"two streams", 2, 0}, {"four streams", 4, 0},         {"four streams, hints", 4, 512},
};

// Where sums go, so that the loops are not optimised away.
std::atomic<float> sink;

}  // namespace

const std::vector<std::string_view>& read_loops() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const Loop& loop : loops) all.push_back(loop.name);
    return all;
  }();
  return names;
}

double read_rate(std::span<const float> values, size_t loop, size_t threads) {
  const size_t part = (values.size() + threads - 1) / threads;
  const double start = seconds_now();
  parallel_for(values.size(), std::max<size_t>(part, 1), [&](size_t begin, size_t end) {
    sink.store(
        HWY_DYNAMIC_DISPATCH(sum)(values.data() + begin, end - begin, loops[loop].streams, loops[loop].ahead),
        std::memory_order_relaxed);
  });
  const double took = seconds_now() - start;
  return static_cast<double>(values.size_bytes()) * 1e-9 / took;
}

ReadRates measure_read_rates(std::span<const float> values, int rounds) {
  ReadRates rates;
  for (int round = 0; round < rounds; ++round) {
    for (size_t loop = 0; loop < read_loops().size(); ++loop) {
      rates.gbps_1 = std::max(rates.gbps_1, read_rate(values, loop, 1));
      rates.gbps_all = std::max(rates.gbps_all, read_rate(values, loop, threads()));
    }
  }
  return rates;
}

}  // namespace cowatch
#endif

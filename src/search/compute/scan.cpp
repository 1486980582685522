#include "search/compute/scan.h"

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

void score_rows(const float* query, const float* rows, size_t stride, size_t width, size_t count,
                float* scores) {
  // The hardware follows one stream of rows; a hint some rows ahead keeps more lines under way.
  constexpr size_t ahead = 16;
  for (size_t r = 0; r < count; ++r) {
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

HWY_EXPORT(score_rows);
HWY_EXPORT(next_at_least);

void score_rows(std::span<const float> query, ConstMatrix rows, std::span<float> scores) {
  HWY_DYNAMIC_DISPATCH(score_rows)
  (query.data(), rows.data, rows.stride, rows.columns, rows.rows, scores.data());
}

size_t next_at_least(std::span<const float> scores, size_t begin, float threshold) {
  return HWY_DYNAMIC_DISPATCH(next_at_least)(scores.data(), begin, scores.size(), threshold);
}

}  // namespace cowatch
#endif

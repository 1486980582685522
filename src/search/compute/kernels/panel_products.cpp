#include "search/compute/kernels/panel_products.h"

#include <bit>
#include <cstring>

#include "base/error.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "search/compute/kernels/panel_products.cpp"
#include <hwy/foreach_target.h>
// Highway's own headers come after the target loop.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cowatch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Lanes = hn::ScalableTag<float>;
using Vector = hn::Vec<Lanes>;

// Two sums for each row of a tile, two vectors of queries and a number of a row have to fit the registers.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_NEON
constexpr size_t tile_rows = 12;
#else
constexpr size_t tile_rows = 6;
#endif

size_t panel_queries() {
  return 2 * hn::Lanes(Lanes());
}

// The lanes of `values` that reach their thresholds.
HWY_INLINE size_t take_hits(Vector values, const float* thresholds, uint32_t first_query, uint32_t row, PanelHit* hits) {
  const Lanes d;
  const auto reached = hn::Ge(values, hn::LoadU(d, thresholds + first_query));
  if (HWY_LIKELY(hn::AllFalse(d, reached))) return 0;
  HWY_ALIGN float numbers[hn::MaxLanes(Lanes())];
  hn::Store(values, d, numbers);
  uint8_t bytes[8] = {};
  hn::StoreMaskBits(d, reached, bytes);
  uint64_t bits = 0;
  std::memcpy(&bits, bytes, sizeof bits);
  size_t count = 0;
  for (; bits != 0; bits &= bits - 1) {
    const auto lane = static_cast<uint32_t>(std::countr_zero(bits));
    hits[count++] = {first_query + lane, row, numbers[lane]};
  }
  return count;
}

template <size_t count>
HWY_INLINE size_t tile_hits(const float* panel, const PanelRows& terms, uint32_t first_row, const float* thresholds, PanelHit* hits) {
  const size_t dimension = terms.numbers.columns, stride = terms.numbers.stride;
  const float* rows = terms.numbers.data + first_row * stride;
  const Lanes d;
  const size_t lanes = hn::Lanes(d);
  Vector sums[count][2];
#pragma GCC unroll 12
  for (size_t r = 0; r < count; ++r) sums[r][0] = sums[r][1] = hn::Zero(d);
  for (size_t i = 0; i < dimension; ++i) {
    const auto first = hn::LoadU(d, panel + 2 * lanes * i), second = hn::LoadU(d, panel + 2 * lanes * i + lanes);
#pragma GCC unroll 12
    for (size_t r = 0; r < count; ++r) {
      const auto number = hn::Set(d, rows[r * stride + i]);
      sums[r][0] = hn::MulAdd(number, first, sums[r][0]);
      sums[r][1] = hn::MulAdd(number, second, sums[r][1]);
    }
  }
  size_t found = 0;
#pragma GCC unroll 12
  for (size_t r = 0; r < count; ++r) {
    const uint32_t row = first_row + static_cast<uint32_t>(r);
    const auto factor = hn::Set(d, terms.factors ? terms.factors[row] : terms.factor);
    const auto less = hn::Set(d, terms.subtracted ? terms.subtracted[row] : 0.0f);
    for (uint32_t half = 0; half < 2; ++half)
      found += take_hits(hn::MulSub(sums[r][half], factor, less), thresholds, half * static_cast<uint32_t>(lanes), row, hits + found);
  }
  return found;
}

size_t find_hits(const float* panel, const PanelRows& rows, const float* thresholds, PanelHit* hits) {
  size_t found = 0;
  uint32_t row = 0;
  for (; row + tile_rows <= rows.numbers.rows; row += tile_rows)
    found += tile_hits<tile_rows>(panel, rows, row, thresholds, hits + found);
  for (; row < rows.numbers.rows; ++row) found += tile_hits<1>(panel, rows, row, thresholds, hits + found);
  return found;
}

}  // namespace cowatch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cowatch {

HWY_EXPORT(panel_queries);
HWY_EXPORT(find_hits);

size_t panel_queries() {
  return HWY_DYNAMIC_DISPATCH(panel_queries)();
}

QueryPanel::QueryPanel(ConstMatrix queries)
    : queries_(queries.rows), dimension_(queries.columns), numbers_(queries.columns * panel_queries()) {
  const size_t width = panel_queries();
  if (queries.rows > width) throw Error(ErrorCode::internal, "a panel takes fewer queries");
  for (size_t q = 0; q < queries.rows; ++q)
    for (size_t i = 0; i < dimension_; ++i) numbers_[i * width + q] = queries.row(q)[i];
}

size_t find_hits(const QueryPanel& panel, const PanelRows& rows, std::span<const float> thresholds, PanelHit* hits) {
  if (panel.dimension() != rows.numbers.columns || thresholds.size() != panel_queries())
    throw Error(ErrorCode::internal, "a panel and rows do not go together");
  return HWY_DYNAMIC_DISPATCH(find_hits)(panel.numbers(), rows, thresholds.data(), hits);
}

}  // namespace cowatch
#endif

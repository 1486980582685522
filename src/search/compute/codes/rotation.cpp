#include "search/compute/codes/rotation.h"

#include <bit>
#include <cmath>

#include "base/random.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "search/compute/codes/rotation.cpp"
#include <hwy/foreach_target.h>
// Highway's own headers come after the target loop.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cowatch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Sums and differences of numbers `apart` from each other, by vectors of at most `lanes`.
template <size_t lanes>
HWY_INLINE void butterflies(float* values, size_t width, size_t apart) {
  const hn::CappedTag<float, lanes> d;
  for (size_t begin = 0; begin < width; begin += 2 * apart) {
    for (size_t i = begin; i < begin + apart; i += hn::Lanes(d)) {
      const auto a = hn::LoadU(d, values + i), b = hn::LoadU(d, values + i + apart);
      hn::StoreU(hn::Add(a, b), d, values + i);
      hn::StoreU(hn::Sub(a, b), d, values + i + apart);
    }
  }
}

// The same of numbers 1 and 2 apart, four at a time.
HWY_INLINE void first_butterflies(float* values, size_t width) {
#if HWY_TARGET == HWY_SCALAR
  butterflies<1>(values, width, 1);
  butterflies<1>(values, width, 2);
#else
  const hn::FixedTag<float, 4> d;
  HWY_ALIGN const float odd[4] = {1, -1, 1, -1}, upper[4] = {1, 1, -1, -1};
  const auto odd_sign = hn::Load(d, odd), upper_sign = hn::Load(d, upper);
  for (size_t i = 0; i < width; i += 4) {
    auto v = hn::LoadU(d, values + i);
    v = hn::Add(hn::Mul(v, odd_sign), hn::Shuffle2301(v));
    v = hn::Add(hn::Mul(v, upper_sign), hn::Shuffle1032(v));
    hn::StoreU(v, d, values + i);
  }
#endif
}

void transform(float* values, size_t width) {
  if (width < 4) {
    for (size_t apart = 1; apart < width; apart *= 2) butterflies<1>(values, width, apart);
    return;
  }
  first_butterflies(values, width);
  for (size_t apart = 4; apart < width; apart *= 2) {
    if (apart == 4) {
      butterflies<4>(values, width, apart);
    } else if (apart == 8) {
      butterflies<8>(values, width, apart);
    } else {
      butterflies<16>(values, width, apart);
    }
  }
}

void rotate(float* row, size_t dimension, size_t width, const float* factors, size_t turns) {
  const hn::CappedTag<float, 16> d;
  for (size_t turn = 0; turn < turns; ++turn, factors += dimension) {
    size_t i = 0;
    for (; i + hn::Lanes(d) <= dimension; i += hn::Lanes(d))
      hn::StoreU(hn::Mul(hn::LoadU(d, row + i), hn::LoadU(d, factors + i)), d, row + i);
    for (; i < dimension; ++i) row[i] *= factors[i];
    transform(turn % 2 == 0 ? row : row + dimension - width, width);
  }
}

}  // namespace cowatch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cowatch {

HWY_EXPORT(rotate);

namespace {
constexpr uint32_t sign_stream = 0x726f7461;
}

Rotation::Rotation(size_t dimension, uint64_t seed) : width_(std::bit_floor(dimension)) {
  const Random random(seed, sign_stream);
  const size_t turns = width_ == dimension ? 2 : 4;
  const float scale = 1 / std::sqrt(static_cast<float>(width_));
  factors_.resize(turns * dimension);
  for (size_t turn = 0; turn < turns; ++turn) {
    const size_t begin = turn % 2 == 0 ? 0 : dimension - width_;
    for (size_t i = 0; i < dimension; ++i) {
      const bool transformed = i >= begin && i < begin + width_;
      const float sign = random.bits(turn, static_cast<uint32_t>(i)) >> 63 ? -1.0f : 1.0f;
      factors_[turn * dimension + i] = sign * (transformed ? scale : 1);
    }
  }
}

void Rotation::apply(std::span<float> row) const {
  if (width_ == 0) return;
  HWY_DYNAMIC_DISPATCH(rotate)
  (row.data(), row.size(), width_, factors_.data(), factors_.size() / row.size());
}

}  // namespace cowatch
#endif

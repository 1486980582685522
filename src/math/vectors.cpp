#include "math/vectors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "math/float16.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math/vectors.cpp"
#include <hwy/foreach_target.h>
// Highway's own headers come after the target loop.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cowatch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Lanes = hn::ScalableTag<float>;

hn::Vec<Lanes> load(Lanes d, const float* values) {
  return hn::LoadU(d, values);
}
hn::Vec<Lanes> load(Lanes d, const uint16_t* words) {
  const hn::Rebind<uint16_t, Lanes> d16;
  const hn::RebindToUnsigned<Lanes> d32;
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(d16, words))));
}
hn::Vec<Lanes> load(Lanes d, const hwy::float16_t* halves) {
  const hn::Rebind<hwy::float16_t, Lanes> d16;
  return hn::PromoteTo(d, hn::LoadU(d16, halves));
}
float value_of(float value) {
  return value;
}
float value_of(uint16_t word) {
  return float_from_bfloat(word);
}
float value_of(hwy::float16_t half) {
  return float_from_half(std::bit_cast<uint16_t>(half));
}

// Σ term(x, y): four sums at once hide the latency of the addition.
template <typename T, typename Term>
float sum_of_terms(const float* x, const T* y, size_t count, const Term& term) {
  const Lanes d;
  const size_t lanes = hn::Lanes(d);
  auto sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  size_t i = 0;
  const auto step = [&](size_t at, auto sum) { return term(load(d, x + at), load(d, y + at), sum); };
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    sum0 = step(i, sum0);
    sum1 = step(i + lanes, sum1);
    sum2 = step(i + 2 * lanes, sum2);
    sum3 = step(i + 3 * lanes, sum3);
  }
  for (; i + lanes <= count; i += lanes) sum0 = step(i, sum0);
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
  const hn::CappedTag<float, 1> one;
  for (; i < count; ++i)
    sum = hn::GetLane(term(hn::Set(one, x[i]), hn::Set(one, value_of(y[i])), hn::Set(one, sum)));
  return sum;
}

template <typename T>
float product(const float* x, const T* y, size_t count) {
  return sum_of_terms(x, y, count, [](auto a, auto b, auto sum) { return hn::MulAdd(a, b, sum); });
}

float dot(const float* x, const float* y, size_t count) {
  return product(x, y, count);
}

float dot_halves(const float* x, const uint16_t* halves, size_t count) {
  return product(x, reinterpret_cast<const hwy::float16_t*>(halves), count);
}

float squared_distance(const float* x, const float* y, size_t count) {
  return sum_of_terms(x, y, count, [](auto a, auto b, auto sum) {
    const auto difference = hn::Sub(a, b);
    return hn::MulAdd(difference, difference, sum);
  });
}

void add_scaled(float alpha, const float* x, float* y, size_t count) {
  const Lanes d;
  const size_t lanes = hn::Lanes(d);
  const auto factor = hn::Set(d, alpha);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::MulAdd(factor, hn::LoadU(d, x + i), hn::LoadU(d, y + i)), d, y + i);
  }
  for (; i < count; ++i) y[i] += alpha * x[i];
}

void scale(float factor, float* x, size_t count) {
  const Lanes d;
  const size_t lanes = hn::Lanes(d);
  const auto factors = hn::Set(d, factor);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(hn::Mul(factors, hn::LoadU(d, x + i)), d, x + i);
  for (; i < count; ++i) x[i] *= factor;
}

void add_bias_relu(const float* bias, float* row, size_t count) {
  const Lanes d;
  const size_t lanes = hn::Lanes(d);
  const auto zero = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto sum = hn::Add(hn::LoadU(d, row + i), hn::LoadU(d, bias + i));
    // Not Max: which operand it returns beside a NaN differs between processors. A NaN stays one here.
    hn::StoreU(hn::IfThenZeroElse(hn::Le(sum, zero), sum), d, row + i);
  }
  for (; i < count; ++i) {
    const float sum = row[i] + bias[i];
    row[i] = sum <= 0 ? 0 : sum;
  }
}

template <typename T>
void relu_backward(const T* activation, float* gradient, size_t count) {
  const Lanes d;
  const size_t lanes = hn::Lanes(d);
  const auto zero = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto passes = hn::Gt(load(d, activation + i), zero);
    hn::StoreU(hn::IfThenElseZero(passes, hn::LoadU(d, gradient + i)), d, gradient + i);
  }
  for (; i < count; ++i) gradient[i] = value_of(activation[i]) > 0 ? gradient[i] : 0;
}
void relu_backward_float(const float* activation, float* gradient, size_t count) {
  relu_backward(activation, gradient, count);
}
void relu_backward_bfloat(const uint16_t* activation, float* gradient, size_t count) {
  relu_backward(activation, gradient, count);
}

// Most vectors hold nothing better than the best so far: one comparison each tells. Only the others are
// looked into.
void best_below(const float* values, size_t count, float limit, uint32_t first_index, BestBelow& best) {
  const Lanes d;
  const size_t lanes = hn::Lanes(d);
  float highest = best.index == no_index ? -std::numeric_limits<float>::infinity() : best.value;
  const auto look = [&](size_t i) {
    if (values[i] < limit && values[i] > highest) {
      highest = values[i];
      best = {values[i], first_index + static_cast<uint32_t>(i)};
    }
  };
  const auto below = hn::Set(d, limit);
  size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    const auto above = hn::Set(d, highest);
    const auto better = [&](size_t at) {
      const auto loaded = hn::LoadU(d, values + at);
      return hn::And(hn::Lt(loaded, below), hn::Gt(loaded, above));
    };
    const auto any =
        hn::Or(hn::Or(better(i), better(i + lanes)), hn::Or(better(i + 2 * lanes), better(i + 3 * lanes)));
    if (HWY_LIKELY(hn::AllFalse(d, any))) continue;
    for (size_t k = i; k < i + 4 * lanes; ++k) look(k);
  }
  for (; i < count; ++i) look(i);
}

}  // namespace cowatch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cowatch {

HWY_EXPORT(dot);
HWY_EXPORT(dot_halves);
HWY_EXPORT(squared_distance);
HWY_EXPORT(add_scaled);
HWY_EXPORT(scale);
HWY_EXPORT(add_bias_relu);
HWY_EXPORT(relu_backward_float);
HWY_EXPORT(relu_backward_bfloat);
HWY_EXPORT(best_below);

float dot(std::span<const float> x, std::span<const float> y) {
  return HWY_DYNAMIC_DISPATCH(dot)(x.data(), y.data(), x.size());
}

float dot_halves(std::span<const float> x, std::span<const uint16_t> halves) {
  return HWY_DYNAMIC_DISPATCH(dot_halves)(x.data(), halves.data(), x.size());
}

float squared_distance(std::span<const float> x, std::span<const float> y) {
  return HWY_DYNAMIC_DISPATCH(squared_distance)(x.data(), y.data(), x.size());
}

void add_scaled(float alpha, std::span<const float> x, std::span<float> y) {
  HWY_DYNAMIC_DISPATCH(add_scaled)(alpha, x.data(), y.data(), x.size());
}

float normalise(std::span<float> row) {
  const float length = std::sqrt(dot(row, row));
  if (length > 0 && std::isfinite(length)) {
    HWY_DYNAMIC_DISPATCH(scale)(1 / length, row.data(), row.size());
    return length;
  }
  if (std::isnan(length)) return length;
  std::fill(row.begin(), row.end(), 0.0f);
  return 0;
}

void add_bias_relu(std::span<const float> bias, std::span<float> row) {
  HWY_DYNAMIC_DISPATCH(add_bias_relu)(bias.data(), row.data(), row.size());
}

void relu_backward(std::span<const float> activation, std::span<float> gradient) {
  HWY_DYNAMIC_DISPATCH(relu_backward_float)(activation.data(), gradient.data(), gradient.size());
}
void relu_backward(std::span<const uint16_t> activation, std::span<float> gradient) {
  HWY_DYNAMIC_DISPATCH(relu_backward_bfloat)(activation.data(), gradient.data(), gradient.size());
}

void best_below(std::span<const float> values, float limit, uint32_t first_index, BestBelow& best) {
  HWY_DYNAMIC_DISPATCH(best_below)(values.data(), values.size(), limit, first_index, best);
}

}  // namespace cowatch
#endif

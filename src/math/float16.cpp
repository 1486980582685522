#include "math/float16.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "math/float16.cpp"
#include <hwy/foreach_target.h>
// Highway's own headers come after the target loop.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cowatch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Highway's conversion to bfloat16 truncates; this rounds to nearest even, in the integers.
void bfloats_from_floats(const float* values, uint16_t* words, size_t count) {
  const hn::ScalableTag<uint32_t> d32;
  const hn::Rebind<uint16_t, decltype(d32)> d16;
  const size_t lanes = hn::Lanes(d32);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto bits = hn::LoadU(d32, reinterpret_cast<const uint32_t*>(values) + i);
    const auto high = hn::ShiftRight<16>(bits);
    const auto odd = hn::And(high, hn::Set(d32, 1));
    const auto rounded = hn::ShiftRight<16>(hn::Add(bits, hn::Add(odd, hn::Set(d32, 0x7fff))));
    const auto magnitude = hn::And(bits, hn::Set(d32, 0x7fffffff));
    const auto is_nan = hn::Gt(magnitude, hn::Set(d32, 0x7f800000));
    const auto chosen = hn::IfThenElse(is_nan, hn::Or(high, hn::Set(d32, 0x40)), rounded);
    const hn::RebindToSigned<decltype(d32)> signed32;
    hn::StoreU(hn::DemoteTo(d16, hn::BitCast(signed32, chosen)), d16, words + i);
  }
  for (; i < count; ++i) words[i] = bfloat_from_float(values[i]);
}

void floats_from_bfloats(const uint16_t* words, float* values, size_t count) {
  const hn::ScalableTag<uint32_t> d32;
  const hn::Rebind<uint16_t, decltype(d32)> d16;
  const size_t lanes = hn::Lanes(d32);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto bits = hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(d16, words + i)));
    hn::StoreU(bits, d32, reinterpret_cast<uint32_t*>(values) + i);
  }
  for (; i < count; ++i) values[i] = float_from_bfloat(words[i]);
}

// The processor's own conversion where it has one (AVX2 and wider); it rounds to nearest even like the plain
// loop.
void floats_from_halves(const uint16_t* halves, float* values, size_t count) {
  size_t i = 0;
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  const hn::ScalableTag<float> d32;
  const hn::Rebind<hwy::float16_t, decltype(d32)> d16;
  const size_t lanes = hn::Lanes(d32);
  for (; i + lanes <= count; i += lanes) {
    const auto loaded = hn::LoadU(d16, reinterpret_cast<const hwy::float16_t*>(halves) + i);
    hn::StoreU(hn::PromoteTo(d32, loaded), d32, values + i);
  }
#endif
  for (; i < count; ++i) values[i] = float_from_half(halves[i]);
}

void halves_from_floats(const float* values, uint16_t* halves, size_t count) {
  size_t i = 0;
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  const hn::ScalableTag<float> d32;
  const hn::Rebind<hwy::float16_t, decltype(d32)> d16;
  const size_t lanes = hn::Lanes(d32);
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::DemoteTo(d16, hn::LoadU(d32, values + i)), d16,
               reinterpret_cast<hwy::float16_t*>(halves) + i);
  }
#endif
  for (; i < count; ++i) halves[i] = half_from_float(values[i]);
}

}  // namespace cowatch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cowatch {

HWY_EXPORT(bfloats_from_floats);
HWY_EXPORT(floats_from_bfloats);
HWY_EXPORT(floats_from_halves);
HWY_EXPORT(halves_from_floats);

float float_from_half(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = half >> 10 & 0x1fu;
  const uint32_t mantissa = half & 0x3ffu;
  if (exponent == 0) {  // zero and subnormal: a multiple of 2^-24
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  if (exponent == 31) {
    const uint32_t quiet = mantissa != 0 ? 0x400000u : 0u;
    return std::bit_cast<float>(sign | 0x7f800000u | quiet | mantissa << 13);
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

uint16_t half_from_float(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu));
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;  // 65520 and more round to infinity
  if (magnitude < 0x38800000u) {                        // below 2^-14: subnormal, a multiple of 2^-24
    // Adding 0.5 leaves exactly the bits down to 2^-24 in the sum, rounded to nearest even.
    const float sum = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(sum) - 0x3f000000u));
  }
  const uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
  return static_cast<uint16_t>(sign | ((rounded >> 13) - (112u << 10)));
}

void bfloats_from_floats(std::span<const float> values, std::span<uint16_t> words) {
  HWY_DYNAMIC_DISPATCH(bfloats_from_floats)(values.data(), words.data(), values.size());
}
void floats_from_bfloats(std::span<const uint16_t> words, std::span<float> values) {
  HWY_DYNAMIC_DISPATCH(floats_from_bfloats)(words.data(), values.data(), words.size());
}
void halves_from_floats(std::span<const float> values, std::span<uint16_t> halves) {
  HWY_DYNAMIC_DISPATCH(halves_from_floats)(values.data(), halves.data(), values.size());
}
void floats_from_halves(std::span<const uint16_t> halves, std::span<float> values) {
  HWY_DYNAMIC_DISPATCH(floats_from_halves)(halves.data(), values.data(), halves.size());
}

}  // namespace cowatch
#endif

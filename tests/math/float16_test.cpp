#include "math/float16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "math/target_test.h"

namespace cowatch {
namespace {

using Targets = testing::EachTarget;

// The nearest half by search over all of them; ties to the even one.
uint16_t nearest_half(float value) {
  if (std::abs(value) >= 65520) return std::signbit(value) ? 0xfc00 : 0x7c00;
  uint16_t best = 0;
  double distance = std::numeric_limits<double>::infinity();
  for (uint32_t half = 0; half < 0x7c00; ++half) {
    const double here =
        std::abs(std::abs(static_cast<double>(value)) - float_from_half(static_cast<uint16_t>(half)));
    if (here < distance || (here == distance && half % 2 == 0))
      distance = here, best = static_cast<uint16_t>(half);
  }
  return best | (std::signbit(value) ? 0x8000 : 0);
}

double half_value(uint16_t half) {
  const int exponent = half >> 10 & 31, mantissa = half & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}

TEST(Float16, EveryFiniteHalfHasItsValueAndComesBack) {
  for (uint32_t word = 0; word < 0x10000; ++word) {
    const auto half = static_cast<uint16_t>(word);
    if ((half & 0x7c00) == 0x7c00) continue;
    ASSERT_EQ(float_from_half(half), half_value(half)) << word;
    ASSERT_EQ(half_from_float(float_from_half(half)), half) << word;
  }
}

TEST(Float16, FloatsRoundToTheNearestHalf) {
  for (const float value :
       {1.0f / 3, -1.0f / 3, 2049.0f, 2051.0f, 65504.0f, 65519.9f, 65520.0f, -1e30f, 0x1p-25f, 0x1.8p-24f,
        0x1.000002p-25f, 5e-8f, 6.1e-5f, 0x1.ffcp-15f, 0x1.ffep-15f, 0.1f, -0.0f, 1e-30f}) {
    ASSERT_EQ(half_from_float(value), nearest_half(value)) << value;
  }
}

TEST(Float16, InfinityAndNanStayWhatTheyAre) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(float_from_half(half_from_float(-infinity)), -infinity);
  EXPECT_TRUE(std::isnan(float_from_half(half_from_float(std::nanf("")))));
  EXPECT_EQ(float_from_bfloat(bfloat_from_float(infinity)), infinity);
  EXPECT_TRUE(std::isnan(float_from_bfloat(bfloat_from_float(std::bit_cast<float>(0x7f800001u)))));
}

TEST(Float16, BfloatsRoundToEven) {
  EXPECT_EQ(bfloat_from_float(std::bit_cast<float>(0x3f808000u)), 0x3f80);  // a tie: down to even
  EXPECT_EQ(bfloat_from_float(std::bit_cast<float>(0x3f818000u)), 0x3f82);  // a tie: up to even
  EXPECT_EQ(bfloat_from_float(std::bit_cast<float>(0x3f808001u)), 0x3f81);
  EXPECT_EQ(bfloat_from_float(3.4e38f), 0x7f80);  // beyond the largest: infinite
}

// Bit patterns that hit every branch, NaN and infinity among them.
std::vector<float> patterns(size_t count) {
  std::vector<float> values(count);
  uint32_t bits = 0x12345;
  for (float& value : values) {
    bits = bits * 1664525 + 1013904223;
    value = std::bit_cast<float>(bits);
  }
  const float special[] = {0.0f,     -0.0f, std::nanf(""), std::numeric_limits<float>::infinity(),
                           65520.0f, 1e-40f};
  for (size_t i = 0; i < std::size(special) && i * 5 < count; ++i) values[i * 5] = special[i];
  return values;
}

TEST_F(Targets, ArraysConvertLikeSingleNumbers) {
  for_each_target([] {
    for (const size_t count : {0, 1, 7, 16, 33, 1000}) {
      const auto values = patterns(count);
      std::vector<uint16_t> words(count), halves(count);
      bfloats_from_floats(values, words);
      halves_from_floats(values, halves);
      std::vector<float> from_words(count), from_halves(count);
      floats_from_bfloats(words, from_words);
      floats_from_halves(halves, from_halves);
      for (size_t i = 0; i < count; ++i) {
        ASSERT_EQ(words[i], bfloat_from_float(values[i])) << i;
        ASSERT_EQ(halves[i], half_from_float(values[i])) << i;
        ASSERT_EQ(std::bit_cast<uint32_t>(from_words[i]),
                  std::bit_cast<uint32_t>(float_from_bfloat(words[i])));
        ASSERT_EQ(std::bit_cast<uint32_t>(from_halves[i]),
                  std::bit_cast<uint32_t>(float_from_half(halves[i])));
      }
    }
  });
}

}  // namespace
}  // namespace cowatch

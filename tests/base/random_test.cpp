#include "base/random.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

namespace cowatch {
namespace {

// Known answer of Philox 4x32-10 for an all-zero key and counter (Random123's kat_vectors).
TEST(RandomTest, IsPhilox) {
  const auto words = Random(0, 0).words(0, 0);
  EXPECT_EQ(words[0], 0x6627e8d5u);
  EXPECT_EQ(words[1], 0xe169c58du);
  EXPECT_EQ(words[2], 0xbc57ac4cu);
  EXPECT_EQ(words[3], 0x9b00dbd8u);
}

TEST(RandomTest, DependsOnSeedStreamStepAndIndex) {
  std::set<uint64_t> seen;
  for (uint64_t seed : {0ull, 1ull, 1ull << 40}) {
    for (uint32_t stream : {0u, 1u}) {
      for (uint64_t step : {0ull, 1ull, 1ull << 33}) {
        for (uint32_t index : {0u, 1u}) seen.insert(Random(seed, stream).bits(step, index));
      }
    }
  }
  EXPECT_EQ(seen.size(), 3u * 2 * 3 * 2);
}

TEST(RandomTest, DrawsBelowABoundUniformly) {
  constexpr int bound = 7, draws = 70000;
  std::vector<double> counts(bound);
  const Random random(5, 1);
  for (uint32_t i = 0; i < draws; ++i) ++counts.at(random.below(bound, 0, i));
  double chi_square = 0;
  for (const double count : counts) chi_square += (count - 10000) * (count - 10000) / 10000;
  EXPECT_LT(chi_square, 22.5);  // 0.999 quantile at 6 degrees of freedom
}

TEST(RandomTest, NormalHasMeanZeroAndVarianceOne) {
  const Random random(9, 2);
  double sum = 0, squares = 0;
  constexpr int draws = 100000;
  for (uint32_t i = 0; i < draws; ++i) {
    const double x = random.normal(1, i);
    ASSERT_TRUE(std::isfinite(x));
    sum += x, squares += x * x;
  }
  EXPECT_NEAR(sum / draws, 0, 4 / std::sqrt(draws));
  EXPECT_NEAR(squares / draws, 1, 0.02);
}

}  // namespace
}  // namespace cowatch

#include "math/vectors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"
#include "math/float16.h"
#include "math/target_test.h"

namespace cowatch {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
const size_t lengths[] = {0, 1, 3, 15, 16, 17, 63, 64, 65, 127, 256, 1000};

class Vectors : public testing::EachTarget {
 protected:
  static std::vector<float> numbers(size_t count, uint64_t step) {
    std::vector<float> values(count);
    for (size_t i = 0; i < count; ++i) {
      values[i] = static_cast<float>(Random(3, 9).normal(step, static_cast<uint32_t>(i)));
    }
    return values;
  }
};

TEST_F(Vectors, DotAndDistanceEqualPlainLoops) {
  for_each_target([] {
    for (const size_t count : lengths) {
      const auto x = numbers(count, 1), y = numbers(count, 2);
      double product = 0, distance = 0;
      for (size_t i = 0; i < count; ++i) {
        product += static_cast<double>(x[i]) * y[i];
        distance += (static_cast<double>(x[i]) - y[i]) * (static_cast<double>(x[i]) - y[i]);
      }
      ASSERT_NEAR(dot(x, y), product, 1e-5 * std::sqrt(count + 1.0)) << count;
      ASSERT_NEAR(squared_distance(x, y), distance, 1e-6 * (distance + 1)) << count;
    }
  });
}

TEST_F(Vectors, TheDotWithHalvesIsThatWithTheirFloats) {
  for_each_target([] {
    for (const size_t count : lengths) {
      const auto x = numbers(count, 1);
      std::vector<uint16_t> halves(count);
      halves_from_floats(numbers(count, 2), halves);
      if (count > 2) halves[1] = 1, halves[2] = 0x8001;  // the smallest there are
      std::vector<float> widened(count);
      floats_from_halves(halves, widened);
      ASSERT_EQ(dot_halves(x, halves), dot(x, widened)) << count;
    }
  });
}

TEST_F(Vectors, ANanAnywhereComesOut) {
  for_each_target([] {
    for (size_t at = 0; at < 65; ++at) {
      auto x = numbers(65, 1);
      const auto y = numbers(65, 2);
      x[at] = std::nanf("");
      ASSERT_TRUE(std::isnan(dot(x, y))) << at;
      ASSERT_TRUE(std::isnan(squared_distance(x, y))) << at;
      ASSERT_TRUE(std::isnan(normalise(x))) << at;
    }
  });
}

TEST_F(Vectors, ScaledAdditionReluAndItsGradientEqualPlainLoops) {
  for_each_target([] {
    for (const size_t count : lengths) {
      const auto x = numbers(count, 1), bias = numbers(count, 2);
      auto sum = bias, activation = x, gradient = numbers(count, 3);
      const auto gradient_before = gradient;
      add_scaled(-0.5f, x, sum);
      add_bias_relu(bias, activation);
      std::vector<uint16_t> words(count);
      auto of_words = gradient;
      bfloats_from_floats(activation, words);
      relu_backward(activation, gradient);
      relu_backward(words, of_words);
      ASSERT_EQ(of_words, gradient);
      for (size_t i = 0; i < count; ++i) {
        ASSERT_NEAR(sum[i], bias[i] - 0.5 * x[i], 1e-6);
        ASSERT_EQ(activation[i], std::max(0.0f, x[i] + bias[i]));
        ASSERT_EQ(gradient[i], activation[i] > 0 ? gradient_before[i] : 0);
      }
    }
  });
}

TEST_F(Vectors, NormalisedRowsHaveLengthOneOrZero) {
  for_each_target([] {
    for (const size_t count : lengths) {
      auto row = numbers(count, 1);
      const auto before = row;
      const float length = normalise(row);
      if (count == 0) continue;
      ASSERT_NEAR(dot(row, row), 1, 1e-5);
      for (size_t i = 0; i < count; ++i) ASSERT_NEAR(row[i] * length, before[i], 1e-5);
    }
    std::vector<float> zero(20), huge(20, 1e30f);
    EXPECT_EQ(normalise(zero), 0);
    EXPECT_EQ(normalise(huge), 0);  // the squared length overflows
    EXPECT_EQ(huge, zero);
  });
}

BestBelow slow_best(const std::vector<float>& values, float limit) {
  BestBelow best;
  for (size_t i = 0; i < values.size(); ++i) {
    if (!(values[i] < limit) || values[i] == -infinity) continue;
    if (best.index == no_index || values[i] > best.value) best = {values[i], static_cast<uint32_t>(i)};
  }
  return best;
}

// Few distinct values make ties; some are banned, some are NaN; the row comes in tiles.
TEST_F(Vectors, BestBelowEqualsThePlainScanWithTiesTilesAndNan) {
  for_each_target([] {
    const Random random(5, 2);
    for (uint32_t trial = 0; trial < 300; ++trial) {
      std::vector<float> values(random.below(400, trial, 0));
      for (size_t i = 0; i < values.size(); ++i) {
        const auto draw = random.below(40, trial, static_cast<uint32_t>(i + 2));
        values[i] = draw == 0 ? -infinity : draw == 1 ? std::nanf("") : static_cast<float>(draw) / 40;
      }
      const float limit = trial % 7 == 0   ? infinity
                          : trial % 7 == 1 ? -1
                                           : static_cast<float>(random.uniform(trial, 1));
      BestBelow best;
      const size_t tile = 1 + trial % 150;
      for (size_t first = 0; first < values.size(); first += tile) {
        const size_t count = std::min(tile, values.size() - first);
        best_below({values.data() + first, count}, limit, static_cast<uint32_t>(first), best);
      }
      const BestBelow expected = slow_best(values, limit);
      ASSERT_EQ(best.index, expected.index) << trial;
      if (expected.index != no_index) {
        ASSERT_EQ(best.value, expected.value) << trial;
      }
    }
  });
}

}  // namespace
}  // namespace cowatch

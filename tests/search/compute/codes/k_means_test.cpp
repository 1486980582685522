#include "search/compute/codes/k_means.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/threads.h"
#include "search/compute_examples.h"

namespace cowatch {
namespace {

using test::random_values;

double squared(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return sum;
}

double spread(ConstMatrix rows, const std::vector<float>& centres) {
  const ConstMatrix all(centres.data(), centres.size() / rows.columns, rows.columns);
  double total = 0;
  for (size_t r = 0; r < rows.rows; ++r) {
    double least = INFINITY;
    for (size_t c = 0; c < all.rows; ++c) least = std::min(least, squared(rows.row(r), all.row(c)));
    total += least;
  }
  return total;
}

TEST(KMeansTest, TheNearestCentreIsThatOfThePlainLoop) {
  const auto values = random_values(500 * 7, 1), centres = random_values(33 * 7, 2);
  const ConstMatrix rows(values.data(), 500, 7), all(centres.data(), 33, 7);
  std::vector<uint32_t> nearest(500);
  std::vector<float> scores(500);
  nearest_centres(rows, all, half_squares(all), nearest, scores);
  for (size_t r = 0; r < 500; ++r) {
    size_t best = 0;
    for (size_t c = 1; c < 33; ++c) {
      if (squared(rows.row(r), all.row(c)) < squared(rows.row(r), all.row(best))) best = c;
    }
    EXPECT_EQ(nearest[r], best);
    const std::vector<float> zero(7);
    EXPECT_NEAR(squared(rows.row(r), zero) - 2 * scores[r], squared(rows.row(r), all.row(best)), 1e-4);
  }
}

TEST(KMeansTest, FindsClustersThatLieApart) {
  // 12 clusters of 50 rows around centres some 10 apart.
  auto values = random_values(600 * 5, 1);
  const auto middles = random_values(12 * 5, 2);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = 0.1f * values[i] + 10 * middles[i / 5 / 50 * 5 + i % 5];
  const ConstMatrix rows(values.data(), 600, 5);
  const auto centres = k_means(rows, {.count = 12});
  EXPECT_NEAR(spread(rows, centres) / 600, 5 * 0.01, 0.01);
}

TEST(KMeansTest, EachStepMakesTheSpreadSmallerAndFillsEmptyCentres) {
  const auto values = random_values(2000 * 6, 1);
  const ConstMatrix rows(values.data(), 2000, 6);
  std::vector<float> centres = random_values(40 * 6, 2);
  for (size_t i = 0; i < 6; ++i) centres[i] = 1000;  // nobody is nearest to this one
  double before = spread(rows, centres);
  for (int i = 0; i < 5; ++i) {
    improve_centres(rows, 1, centres);
    const double after = spread(rows, centres);
    EXPECT_LE(after, before * (1 + 1e-6));
    before = after;
  }
  EXPECT_LT(std::abs(centres[0]), 100);
}

TEST(KMeansTest, TheSameBytesForAnyNumberOfThreadsAndEnoughCentresForFewRows) {
  const auto values = random_values(9000 * 9, 1);
  std::vector<float> first;
  for (const size_t count : {1u, 2u, 5u}) {
    set_threads(count);
    const auto centres = k_means(ConstMatrix(values.data(), 9000, 9), {.count = 64, .iterations = 4});
    if (first.empty()) first = centres;
    EXPECT_EQ(centres, first) << count << " threads";
  }
  set_threads(0);
  const auto few = k_means(ConstMatrix(values.data(), 3, 9), {.count = 16});
  EXPECT_EQ(few.size(), 16u * 9);
  EXPECT_NEAR(spread(ConstMatrix(values.data(), 3, 9), few), 0, 1e-6);
  EXPECT_THROW(k_means(ConstMatrix(values.data(), 0, 9), {.count = 16}), Error);
}

}  // namespace
}  // namespace cowatch

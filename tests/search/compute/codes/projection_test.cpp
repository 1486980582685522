#include "search/compute/codes/projection.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "math/vectors.h"
#include "search/compute_examples.h"

namespace cowatch {
namespace {

using test::random_values;

void expect_orthonormal(ConstMatrix rows) {
  for (size_t a = 0; a < rows.rows; ++a) {
    for (size_t b = 0; b <= a; ++b) EXPECT_NEAR(dot(rows.row(a), rows.row(b)), a == b ? 1 : 0, 1e-4);
  }
}

TEST(ProjectionTest, ARandomRotationKeepsDistancesAndFollowsItsSeed) {
  for (const size_t width : {1u, 2u, 17u, 64u}) {
    const Projection rotation = random_rotation(width, 7);
    expect_orthonormal(rotation.rows());
    const auto x = random_values(width, 1), y = random_values(width, 2);
    std::vector<float> turned_x(width), turned_y(width);
    rotation.apply(x, turned_x), rotation.apply(y, turned_y);
    EXPECT_NEAR(squared_distance(x, y), squared_distance(turned_x, turned_y), 1e-3);
  }
  EXPECT_EQ(random_rotation(20, 7).rows().row(3)[4], random_rotation(20, 7).rows().row(3)[4]);
  EXPECT_NE(random_rotation(20, 7).rows().row(3)[4], random_rotation(20, 8).rows().row(3)[4]);
}

TEST(ProjectionTest, OneRowAndManyAreProjectedAlike) {
  const auto values = random_values(40 * 12, 1), mean = random_values(12, 3);
  const Projection rotation = random_rotation(12, 1);
  const std::vector<float> five(rotation.rows().data, rotation.rows().data + 5 * 12);
  const Projection projection(5, 12, five, mean);
  std::vector<float> all(40 * 5), one(5), turned(5);
  projection.apply_all(ConstMatrix(values.data(), 40, 12), Matrix(all.data(), 40, 5));
  for (size_t r = 0; r < 40; ++r) {
    const std::span row(values.data() + r * 12, 12);
    projection.apply(row, one);
    for (size_t i = 0; i < 5; ++i) {
      double expected = 0;
      for (size_t d = 0; d < 12; ++d) expected += double{five[i * 12 + d]} * (row[d] - mean[d]);
      EXPECT_NEAR(one[i], expected, 1e-5);
      EXPECT_NEAR(all[r * 5 + i], expected, 1e-5);
    }
  }
}

TEST(ProjectionTest, PrincipalDirectionsKeepWhatSpreads) {
  // Three directions spread by 5, 3 and 1 around a mean, the rest by a hundredth.
  auto values = random_values(4000 * 10, 1);
  const Projection rotation = random_rotation(10, 5);
  const float scales[10] = {5, 3, 1, .01f, .01f, .01f, .01f, .01f, .01f, .01f};
  for (size_t r = 0; r < 4000; ++r) {
    std::vector<float> row(10);
    for (size_t i = 0; i < 10; ++i) {
      for (size_t d = 0; d < 10; ++d) row[d] += values[r * 10 + i] * scales[i] * rotation.rows().row(i)[d];
    }
    for (size_t d = 0; d < 10; ++d) values[r * 10 + d] = row[d] + 20;
  }
  const Projection found = principal_directions(ConstMatrix(values.data(), 4000, 10), 3, true);
  ASSERT_EQ(found.outputs(), 3u);
  expect_orthonormal(found.rows());
  for (size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(std::abs(dot(found.rows().row(i), rotation.rows().row(i))), 1, 0.02) << i;
  for (const float value : found.mean()) EXPECT_NEAR(value, 20, 0.5);
}

TEST(ProjectionTest, TheNearestOrthonormalMatrixUndoesARotationAndAStretch) {
  // m = S R with S positive definite: U Vᵀ of it is R.
  const size_t width = 14;
  const Projection rotation = random_rotation(width, 3), base = random_rotation(width, 4);
  std::vector<float> m(width * width), stretched(width * width);
  for (size_t i = 0; i < width; ++i) {
    for (size_t j = 0; j < width; ++j) {
      for (size_t k = 0; k < width; ++k)
        stretched[i * width + j] +=
            base.rows().row(k)[i] * static_cast<float>(0.05 + k) * base.rows().row(k)[j];
    }
  }
  for (size_t i = 0; i < width; ++i) {
    for (size_t j = 0; j < width; ++j) {
      for (size_t k = 0; k < width; ++k)
        m[i * width + j] += stretched[i * width + k] * rotation.rows().row(k)[j];
    }
  }
  const auto found = nearest_orthonormal(ConstMatrix(m.data(), width, width), rotation.rows());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], rotation.rows().data[i], 1e-3);
  // Of a matrix with one direction only, the rest comes from before.
  std::vector<float> single(width * width);
  single[0] = 2;
  const auto completed = nearest_orthonormal(ConstMatrix(single.data(), width, width), base.rows());
  expect_orthonormal(ConstMatrix(completed.data(), width, width));
}

TEST(ProjectionTest, RefusesWhatDoesNotFit) {
  EXPECT_THROW(Projection(3, 2, std::vector<float>(6, 1.0f), {}), Error);
  EXPECT_THROW(Projection(2, 2, {1, 0, 1, 0}, {}), Error);
  EXPECT_THROW(Projection(2, 2, {1, 0, 0, NAN}, {}), Error);
  EXPECT_THROW(Projection(2, 2, {}, {1}), Error);
  EXPECT_THROW(Projection(2, 2, {}, {1, INFINITY}), Error);
}

}  // namespace
}  // namespace cowatch

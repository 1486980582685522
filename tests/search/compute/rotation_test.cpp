#include "search/compute/codes/rotation.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include "base/random.h"
#include "math/vectors.h"
#include "search/compute_examples.h"

namespace cowatch {
namespace {

using test::random_values;

// The rotation is linear, so what it does to unit vectors is its matrix.
std::vector<float> matrix_of(const Rotation& rotation, size_t width) {
  std::vector<float> matrix(width * width);
  for (size_t i = 0; i < width; ++i) {
    matrix[i * width + i] = 1;
    rotation.apply(std::span(matrix).subspan(i * width, width));
  }
  return matrix;
}

TEST(RotationTest, KeepsProductsAtEveryDimension) {
  for (const size_t width : {1u, 2u, 3u, 4u, 5u, 7u, 8u, 12u, 16u, 20u, 31u, 32u, 100u, 128u, 192u, 768u}) {
    const Rotation rotation(width, 5);
    auto a = random_values(width, 1), b = random_values(width, 2);
    const float product = dot(a, b), square = dot(a, a);
    rotation.apply(a), rotation.apply(b);
    EXPECT_NEAR(dot(a, b), product, 1e-4 * square) << width;
    EXPECT_NEAR(dot(a, a), square, 1e-4 * square) << width;
  }
}

TEST(RotationTest, IsTheHadamardMatrixWithSignsOfItsRowsAndColumns) {
  // Two turns: H·S₂·H·S₁. Undoing the first is not possible from outside, so one large number is followed.
  for (const size_t width : {4u, 16u, 64u}) {
    const Rotation rotation(width, 9);
    const auto matrix = matrix_of(rotation, width);
    // Row i of `matrix` is H·S₂·H·S₁·e_i = ±(1/n) Σ_k S₂(k) (-1)^{|i∧k|} (-1)^{|j∧k|}: its entries depend on
    // i xor j alone, up to a sign of i.
    for (size_t i = 0; i < width; ++i) {
      for (size_t j = 0; j < width; ++j)
        EXPECT_NEAR(std::abs(matrix[i * width + j]), std::abs(matrix[i ^ j]), 1e-5) << i << " " << j;
    }
  }
}

TEST(RotationTest, SpreadsOneLargeNumber) {
  for (const size_t width : {64u, 100u, 128u, 768u}) {
    std::vector<float> row(width);
    row[3] = 1;
    Rotation(width, 1).apply(row);
    float largest = 0;
    for (const float value : row) largest = std::max(largest, std::abs(value));
    EXPECT_LT(largest, 5 / std::sqrt(static_cast<float>(width))) << width;
  }
}

TEST(RotationTest, OfNoDimensionLeavesVectorsAsTheyAre) {
  auto row = random_values(10, 1);
  const auto before = row;
  Rotation().apply(row);
  EXPECT_EQ(row, before);
}

}  // namespace
}  // namespace cowatch

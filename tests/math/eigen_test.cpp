#include "math/eigen.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "base/threads.h"

namespace cowatch {
namespace {

std::vector<double> symmetric(size_t n, uint32_t stream) {
  const Random random(4, stream);
  std::vector<double> a(n * n);
  for (uint32_t i = 0; i < n; ++i) {
    for (uint32_t j = 0; j <= i; ++j) a[i * n + j] = a[j * n + i] = random.normal(i, j);
  }
  return a;
}

// Eigenvalues by rotations that clear one entry after another (Jacobi).
std::vector<double> slow_values(std::vector<double> a, size_t n) {
  for (int sweep = 0; sweep < 30; ++sweep) {
    for (size_t p = 0; p < n; ++p) {
      for (size_t q = p + 1; q < n; ++q) {
        const double angle = 0.5 * std::atan2(2 * a[p * n + q], a[q * n + q] - a[p * n + p]);
        const double c = std::cos(angle), s = std::sin(angle);
        for (size_t k = 0; k < n; ++k) {
          const double x = a[k * n + p], y = a[k * n + q];
          a[k * n + p] = c * x - s * y;
          a[k * n + q] = s * x + c * y;
        }
        for (size_t k = 0; k < n; ++k) {
          const double x = a[p * n + k], y = a[q * n + k];
          a[p * n + k] = c * x - s * y;
          a[q * n + k] = s * x + c * y;
        }
      }
    }
  }
  std::vector<double> values(n);
  for (size_t k = 0; k < n; ++k) values[k] = a[k * n + k];
  std::sort(values.rbegin(), values.rend());
  return values;
}

// A v = λ v for every pair, and unit orthogonal vectors.
void expect_eigen(const std::vector<double>& a, size_t n, const Eigen& eigen, double tolerance) {
  for (size_t i = 0; i < eigen.values.size(); ++i) {
    const double* v = eigen.vectors.data() + i * n;
    for (size_t r = 0; r < n; ++r) {
      double sum = 0;
      for (size_t k = 0; k < n; ++k) sum += a[r * n + k] * v[k];
      ASSERT_NEAR(sum, eigen.values[i] * v[r], tolerance) << i;
    }
    for (size_t j = 0; j <= i; ++j) {
      double product = 0;
      for (size_t k = 0; k < n; ++k) product += v[k] * eigen.vectors[j * n + k];
      ASSERT_NEAR(product, i == j ? 1 : 0, tolerance);
    }
  }
}

TEST(SymmetricEigen, EqualsJacobis) {
  for (const size_t n : {1u, 2u, 3u, 8u, 45u}) {
    const auto a = symmetric(n, static_cast<uint32_t>(n));
    const Eigen eigen = symmetric_eigen(a, n);
    const auto values = slow_values(a, n);
    ASSERT_EQ(eigen.values.size(), n);
    for (size_t k = 0; k < n; ++k) EXPECT_NEAR(eigen.values[k], values[k], 1e-10);
    expect_eigen(a, n, eigen, 1e-10);
  }
  EXPECT_TRUE(symmetric_eigen({}, 0).values.empty());
}

TEST(SymmetricEigen, AllowsEqualValuesAndZeros) {
  const std::vector<double> one{3, 0, 0, 0, 3, 0, 0, 0, 0};
  const Eigen eigen = symmetric_eigen(one, 3);
  EXPECT_EQ(eigen.values, (std::vector<double>{3, 3, 0}));
  expect_eigen(one, 3, eigen, 1e-12);
  const std::vector<double> flat(25, 1.0);
  const Eigen rank_one = symmetric_eigen(flat, 5);
  EXPECT_NEAR(rank_one.values[0], 5, 1e-12);
  EXPECT_NEAR(rank_one.values[1], 0, 1e-12);
  expect_eigen(flat, 5, rank_one, 1e-12);
}

// Larger than what is solved directly: Σ λ_i q_i q_iᵀ with λ = 20, 19, … over orthogonal q.
TEST(LeadingEigen, FindsTheLargestOfALargeMatrix) {
  constexpr size_t n = 700, rank = 20;
  std::vector<float> a(n * n);
  std::vector<double> wide(n * n), q(rank * n);
  for (size_t i = 0; i < rank; ++i) {  // cosines of different frequencies are orthogonal
    for (size_t k = 0; k < n; ++k)
      q[i * n + k] = std::sqrt(2.0 / n) * std::cos(M_PI * (static_cast<double>(k) + 0.5) * (i + 1) / n);
  }
  for (size_t r = 0; r < n; ++r) {
    for (size_t c = 0; c < n; ++c) {
      for (size_t i = 0; i < rank; ++i)
        wide[r * n + c] += static_cast<double>(rank - i) * q[i * n + r] * q[i * n + c];
      a[r * n + c] = static_cast<float>(wide[r * n + c]);
    }
  }
  std::vector<Eigen> results;
  for (const size_t count : {1, 4}) {
    set_threads(count);
    results.push_back(leading_eigen(ConstMatrix(a.data(), n, n), 6));
  }
  set_threads(0);
  EXPECT_EQ(results[0].vectors, results[1].vectors);
  ASSERT_EQ(results[0].values.size(), 6u);
  ASSERT_EQ(results[0].vectors.size(), 6 * n);
  for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(results[0].values[i], static_cast<double>(rank - i), 1e-4);
  expect_eigen(wide, n, results[0], 1e-4);
}

TEST(LeadingEigen, OfASmallMatrixIsExact) {
  const auto a = symmetric(30, 9);
  const std::vector<float> narrow(a.begin(), a.end());
  const Eigen all = symmetric_eigen(std::vector<double>(narrow.begin(), narrow.end()), 30);
  const Eigen some = leading_eigen(ConstMatrix(narrow.data(), 30, 30), 4);
  ASSERT_EQ(some.values.size(), 4u);
  for (size_t k = 0; k < 4; ++k) EXPECT_EQ(some.values[k], all.values[k]);
  EXPECT_EQ(leading_eigen(ConstMatrix(narrow.data(), 30, 30), 99).values.size(), 30u);
}

}  // namespace
}  // namespace cowatch

#include "math/cholesky.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "base/threads.h"

namespace cowatch {
namespace {

// G Gᵀ + n/10 · 1 of random numbers: positive definite, and not close to diagonal.
std::vector<double> positive_definite(size_t n) {
  const Random random(4, 1);
  std::vector<double> g(n * n), matrix(n * n);
  for (size_t k = 0; k < g.size(); ++k) g[k] = random.normal(0, static_cast<uint32_t>(k));
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < n; ++j) {
      double sum = i == j ? 0.1 * static_cast<double>(n) : 0;
      for (size_t k = 0; k < n; ++k) sum += g[i * n + k] * g[j * n + k];
      matrix[i * n + j] = sum;
    }
  }
  return matrix;
}

// Column by column, in float64.
std::vector<double> slow_inverse_cholesky(std::vector<double> a, size_t n) {
  for (size_t k = 0; k < n; ++k) {
    for (size_t j = 0; j < k; ++j) a[k * n + k] -= a[k * n + j] * a[k * n + j];
    a[k * n + k] = std::sqrt(a[k * n + k]);
    for (size_t i = k + 1; i < n; ++i) {
      for (size_t j = 0; j < k; ++j) a[i * n + k] -= a[i * n + j] * a[k * n + j];
      a[i * n + k] /= a[k * n + k];
    }
  }
  std::vector<double> inverse(n * n);
  for (size_t c = 0; c < n; ++c) {
    for (size_t i = c; i < n; ++i) {
      double sum = i == c ? 1 : 0;
      for (size_t j = c; j < i; ++j) sum -= a[i * n + j] * inverse[j * n + c];
      inverse[i * n + c] = sum / a[i * n + i];
    }
  }
  return inverse;
}

TEST(InverseCholesky, IsThatOfTheSlowCopy) {
  for (const size_t n : {1, 7, 192, 193, 400}) {  // one block, its edge, and several with a short last
    const auto matrix = positive_definite(n);
    const auto expected = slow_inverse_cholesky(matrix, n);
    const auto found = inverse_cholesky({matrix.begin(), matrix.end()}, n);
    ASSERT_EQ(found.size(), n * n);
    double largest = 0;
    for (const double value : expected) largest = std::max(largest, std::abs(value));
    for (size_t k = 0; k < n * n; ++k) ASSERT_NEAR(found[k], expected[k], 2e-5 * largest) << n << " " << k;
  }
}

TEST(InverseCholesky, IsTheSameForAnyNumberOfThreads) {
  const auto matrix = positive_definite(450);
  std::vector<std::vector<float>> results;
  for (const size_t count : {1, 2, 4}) {
    set_threads(count);
    results.push_back(inverse_cholesky({matrix.begin(), matrix.end()}, 450));
  }
  set_threads(0);
  EXPECT_EQ(results[1], results[0]);
  EXPECT_EQ(results[2], results[0]);
}

TEST(InverseCholesky, RefusesWhatHasNone) {
  EXPECT_THROW(inverse_cholesky({1, 2, 2, 1}, 2), Error);
}

}  // namespace
}  // namespace cowatch

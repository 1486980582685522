#include "math/eigen.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "base/threads.h"

namespace cowatch {
namespace {

constexpr size_t spare_directions = 32;  // more than asked for: the last ones converge slowly
constexpr int iterations = 12;
constexpr size_t small_enough = 640;  // solved directly
constexpr uint32_t start_stream = 0x65696765;

// Working matrix q (rows are vectors), diagonal d and the subdiagonal e of the tridiagonal form, e[i] between
// i and i - 1.
struct Tridiagonal {
  size_t n;
  std::vector<double> q, d, e;
};

// Reduces a to tridiagonal form T = P a Pᵀ, where the rows of q are those of P.
Tridiagonal reduce(std::vector<double> a, size_t n) {
  Tridiagonal result{n, std::vector<double>(n * n), std::vector<double>(n), std::vector<double>(n)};
  auto& q = result.q;
  for (size_t i = 0; i < n; ++i) q[i * n + i] = 1;
  std::vector<double> v(n), w(n);
  for (size_t k = 0; k + 2 < n; ++k) {
    double norm = 0;
    for (size_t i = k + 1; i < n; ++i) norm += a[k * n + i] * a[k * n + i];
    norm = std::sqrt(norm);
    if (norm == 0) continue;
    const double head = a[k * n + k + 1], target = head > 0 ? -norm : norm;
    std::fill(v.begin(), v.end(), 0.0);
    for (size_t i = k + 1; i < n; ++i) v[i] = a[k * n + i];
    v[k + 1] -= target;
    const double half = norm * norm - head * target;  // |v|² / 2
    // a ← H a H with H = 1 - v vᵀ / half: a -= v wᵀ + w vᵀ, w = (a v - v (vᵀ a v) / (2 half)) / half.
    parallel_for(n, 64, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        double sum = 0;
        for (size_t j = k + 1; j < n; ++j) sum += a[i * n + j] * v[j];
        w[i] = sum / half;
      }
    });
    double along = 0;
    for (size_t i = k + 1; i < n; ++i) along += v[i] * w[i];
    for (size_t i = 0; i < n; ++i) w[i] -= v[i] * along / (2 * half);
    parallel_for(n, 64, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        double* row = a.data() + i * n;
        for (size_t j = 0; j < n; ++j) row[j] -= v[i] * w[j] + w[i] * v[j];
      }
    });
    // q ← H q
    std::fill(w.begin(), w.end(), 0.0);
    for (size_t i = k + 1; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) w[j] += v[i] * q[i * n + j];
    }
    parallel_for(n - k - 1, 64, [&](size_t begin, size_t end) {
      for (size_t i = k + 1 + begin; i < k + 1 + end; ++i) {
        for (size_t j = 0; j < n; ++j) q[i * n + j] -= v[i] * w[j] / half;
      }
    });
  }
  for (size_t i = 0; i < n; ++i) result.d[i] = a[i * n + i];
  for (size_t i = 1; i < n; ++i) result.e[i] = a[i * n + i - 1];
  return result;
}

// Turns rows i and i + 1 of q by a plane rotation.
void rotate(std::vector<double>& q, size_t n, size_t i, double c, double s) {
  double *first = q.data() + i * n, *second = first + n;
  for (size_t k = 0; k < n; ++k) {
    const double x = first[k], y = second[k];
    first[k] = c * x - s * y;
    second[k] = s * x + c * y;
  }
}

// Implicit QL steps with Wilkinson's shift until every e is negligible; d then holds the eigenvalues, q the
// vectors.
void diagonalise(Tridiagonal& t) {
  auto &d = t.d, &e = t.e;
  std::rotate(e.begin(), e.begin() + 1, e.end());  // e[i] now between i and i + 1
  for (size_t l = 0; l < t.n; ++l) {
    for (int step = 0;; ++step) {
      size_t m = l;
      while (m + 1 < t.n && std::abs(e[m]) > 1e-15 * (std::abs(d[m]) + std::abs(d[m + 1]))) ++m;
      if (m == l) break;
      if (step == 60) throw Error(ErrorCode::internal, "an eigenvalue did not converge");
      const double slope = (d[l + 1] - d[l]) / (2 * e[l]);
      const double root = std::hypot(slope, 1.0);
      double g = d[m] - d[l] + e[l] / (slope + (slope >= 0 ? root : -root));
      double s = 1, c = 1, p = 0;
      bool split = false;
      for (size_t i = m; i-- > l;) {
        const double f = s * e[i], b = c * e[i];
        const double r = std::hypot(f, g);
        e[i + 1] = r;
        if (r == 0) {  // the matrix falls apart here
          d[i + 1] -= p;
          e[m] = 0;
          split = true;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1] - p;
        const double turn = (d[i] - g) * s + 2 * c * b;
        p = s * turn;
        d[i + 1] = g + p;
        g = c * turn - b;
        rotate(t.q, t.n, i, c, s);
      }
      if (split) continue;
      d[l] -= p;
      e[l] = g;
      e[m] = 0;
    }
  }
}

constexpr size_t orthogonal_block = 32;

// Gram-Schmidt among rows begin … end - 1 of y, by float64 sums.
void orthonormalise_block(float* y, size_t count, size_t n) {
  for (size_t i = 0; i < count; ++i) {
    float* row = y + i * n;
    for (size_t j = 0; j < i; ++j) {
      const float* other = y + j * n;
      double along = 0;
      for (size_t k = 0; k < n; ++k) along += double{row[k]} * other[k];
      const auto factor = static_cast<float>(along);
      for (size_t k = 0; k < n; ++k) row[k] -= factor * other[k];
    }
    double square = 0;
    for (size_t k = 0; k < n; ++k) square += double{row[k]} * row[k];
    const double scale = square > 1e-30 ? 1 / std::sqrt(square) : 0;
    for (size_t k = 0; k < n; ++k) row[k] = static_cast<float>(row[k] * scale);
  }
}

// Makes the rows of y orthonormal in place, in order: each block loses what lies along the rows before it,
// then is made orthonormal in itself; twice, which makes up for the rounding of the first time.
void orthonormalise(std::vector<float>& y, size_t count, size_t n) {
  std::vector<float> along(orthogonal_block * count);
  for (size_t begin = 0; begin < count; begin += orthogonal_block) {
    const size_t rows = std::min(orthogonal_block, count - begin);
    float* own = y.data() + begin * n;
    for (int pass = 0; pass < 2; ++pass) {
      if (begin > 0) {
        const Matrix factors(along.data(), rows, begin);
        const ConstMatrix before(y.data(), begin, n);
        multiply(Transpose::no, Transpose::yes, 1, ConstMatrix(own, rows, n), before, 0, factors);
        multiply(Transpose::no, Transpose::no, -1, factors, before, 1, Matrix(own, rows, n));
      }
      orthonormalise_block(own, rows, n);
    }
  }
}

}  // namespace

Eigen symmetric_eigen(const std::vector<double>& matrix, size_t n) {
  if (n == 0) return {};
  Tridiagonal t = reduce(matrix, n);
  diagonalise(t);
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return t.d[a] > t.d[b]; });
  Eigen result;
  for (const size_t i : order) {
    result.values.push_back(t.d[i]);
    result.vectors.insert(result.vectors.end(), t.q.begin() + static_cast<ptrdiff_t>(i * n),
                          t.q.begin() + static_cast<ptrdiff_t>((i + 1) * n));
  }
  return result;
}

Eigen leading_eigen(ConstMatrix matrix, size_t count) {
  const size_t n = matrix.rows, wide = std::min(n, count + spare_directions);
  Eigen result;
  if (n <= small_enough || wide == n) {
    std::vector<double> copy;
    for (size_t r = 0; r < n; ++r) copy.insert(copy.end(), matrix.row(r).begin(), matrix.row(r).end());
    result = symmetric_eigen(copy, n);
  } else {
    std::vector<float> q(wide * n), y(wide * n);
    const Random random(1, start_stream);
    for (size_t k = 0; k < q.size(); ++k)
      q[k] = static_cast<float>(random.normal(0, static_cast<uint32_t>(k)));
    orthonormalise(q, wide, n);
    for (int i = 0; i < iterations; ++i) {
      multiply(Transpose::no, Transpose::no, 1, ConstMatrix(q.data(), wide, n), matrix, 0,
               Matrix(y.data(), wide, n));
      std::swap(q, y);
      orthonormalise(q, wide, n);
    }
    // Eigenpairs of the matrix within the subspace (Rayleigh and Ritz).
    std::vector<float> small(wide * wide);
    multiply(Transpose::no, Transpose::no, 1, ConstMatrix(q.data(), wide, n), matrix, 0,
             Matrix(y.data(), wide, n));
    multiply(Transpose::no, Transpose::yes, 1, ConstMatrix(y.data(), wide, n), ConstMatrix(q.data(), wide, n),
             0, Matrix(small.data(), wide, wide));
    const Eigen inner = symmetric_eigen({small.begin(), small.end()}, wide);
    std::vector<float> turn(inner.vectors.begin(), inner.vectors.end());
    multiply(Transpose::no, Transpose::no, 1, ConstMatrix(turn.data(), wide, wide),
             ConstMatrix(q.data(), wide, n), 0, Matrix(y.data(), wide, n));
    result.values = inner.values;
    result.vectors.assign(y.begin(), y.end());
  }
  const size_t kept = std::min(count, n);
  result.values.resize(kept);
  result.vectors.resize(kept * n);
  return result;
}

}  // namespace cowatch

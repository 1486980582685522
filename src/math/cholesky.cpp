#include "math/cholesky.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "math/matrix.h"

namespace cowatch {
namespace {

constexpr size_t edge = 192;  // of a diagonal block: its float64 loops are 1 % of the work at 4,000 columns

// The lower triangle becomes L, in float64; what is above it is ignored.
void factorise_block(std::vector<double>& a, size_t n) {
  for (size_t k = 0; k < n; ++k) {
    for (size_t i = k; i < n; ++i) {
      double sum = a[i * n + k];
      for (size_t j = 0; j < k; ++j) sum -= a[i * n + j] * a[k * n + j];
      if (i > k) {
        a[i * n + k] = sum / a[k * n + k];
      } else if (sum > 0) {
        a[k * n + k] = std::sqrt(sum);
      } else {
        throw Error(ErrorCode::bad_input, "a matrix is not positive definite");
      }
    }
  }
}

// L⁻¹ of a lower triangle, written to `inverse` (zeros above the diagonal).
void invert_block(const std::vector<double>& lower, size_t n, Matrix inverse) {
  std::vector<double> column(n);
  for (size_t c = 0; c < n; ++c) {
    for (size_t i = 0; i < n; ++i) {
      double sum = i == c ? 1 : 0;
      for (size_t j = c; j < i; ++j) sum -= lower[i * n + j] * column[j];
      column[i] = i < c ? 0 : sum / lower[i * n + i];
      inverse.row(i)[c] = static_cast<float>(column[i]);
    }
  }
}

std::vector<float> copy_of(ConstMatrix matrix) {
  std::vector<float> copy;
  copy.reserve(matrix.rows * matrix.columns);
  for (size_t r = 0; r < matrix.rows; ++r)
    copy.insert(copy.end(), matrix.row(r).begin(), matrix.row(r).end());
  return copy;
}

}  // namespace

std::vector<float> inverse_cholesky(std::vector<float> matrix, size_t n) {
  std::vector<float> result(n * n);
  const auto part = [n](std::vector<float>& of, size_t row, size_t column, size_t rows, size_t columns) {
    return Matrix(of.data() + row * n + column, rows, columns, n);
  };
  // First L: its block columns one after another, each taken out of what is to their right.
  for (size_t begin = 0; begin < n; begin += edge) {
    const size_t size = std::min(edge, n - begin), end = begin + size, below = n - end;
    const auto values = copy_of(part(matrix, begin, begin, size, size));
    std::vector<double> block(values.begin(), values.end());
    factorise_block(block, size);
    const Matrix inverse = part(result, begin, begin, size, size);
    invert_block(block, size, inverse);
    if (below == 0) continue;
    const Matrix panel = part(matrix, end, begin, below, size);
    const auto before = copy_of(panel);
    multiply(Transpose::no, Transpose::yes, 1, ConstMatrix(before.data(), below, size), inverse, 0, panel);
    multiply(Transpose::no, Transpose::yes, -1, panel, panel, 1, part(matrix, end, end, below, below));
  }
  // Then L⁻¹ downwards: row block i is -L_ii⁻¹ (L_i0 … L_i,i-1) times the rows of L⁻¹ above.
  std::vector<float> product;
  for (size_t begin = edge; begin < n; begin += edge) {
    const size_t size = std::min(edge, n - begin);
    product.resize(size * begin);
    const Matrix along(product.data(), size, begin);
    multiply(Transpose::no, Transpose::no, 1, part(matrix, begin, 0, size, begin),
             part(result, 0, 0, begin, begin), 0, along);
    multiply(Transpose::no, Transpose::no, -1, part(result, begin, begin, size, size), along, 0,
             part(result, begin, 0, size, begin));
  }
  return result;
}

}  // namespace cowatch

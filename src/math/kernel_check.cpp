#include "math/kernel_check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "math/float16.h"

namespace cowatch {
namespace {

constexpr uint32_t check_stream = 0x6b63686b;

float to_float(float value) {
  return value;
}
float to_float(uint16_t word) {
  return float_from_bfloat(word);
}
template <typename T>
T from_float(float value) {
  if constexpr (std::is_same_v<T, float>) {
    return value;
  } else {
    return bfloat_from_float(value);
  }
}

bool run(const MatrixLibrary& library, const ProductTask<float>& task) {
  library.multiply(task);
  return true;
}
bool run(const MatrixLibrary& library, const ProductTask<uint16_t>& task) {
  return library.multiply(task);
}

template <typename T>
std::vector<T> random_numbers(size_t count, uint64_t step) {
  const Random random(1, check_stream);
  std::vector<T> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = from_float<T>(static_cast<float>(2 * random.uniform(step, i) - 1));
  return values;
}

template <typename T>
double element_error(const ProductTask<T>& t, size_t row, size_t column, float before, float found) {
  const bool swap_a = t.transpose_a == Transpose::yes, swap_b = t.transpose_b == Transpose::yes;
  double sum = 0, magnitude = 0;
  for (size_t k = 0; k < t.inner; ++k) {
    const double a = to_float(t.a[swap_a ? k * t.stride_a + row : row * t.stride_a + k]);
    const double b = to_float(t.b[swap_b ? column * t.stride_b + k : k * t.stride_b + column]);
    sum += a * b;
    magnitude += std::abs(a * b);
  }
  const double kept = t.beta == 0 ? 0 : static_cast<double>(t.beta) * before;
  const double expected = t.alpha * sum + kept;
  const double unit = std::numeric_limits<float>::epsilon() / 2;
  const double allowed =
      static_cast<double>(t.inner + 3) * unit * (std::abs(t.alpha) * magnitude + std::abs(kept));
  const double error = std::abs(found - expected) / allowed;
  return std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
}

// One product of op(a) rows × inner by op(b) inner × columns, with strides wider than the rows.
template <typename T>
double shape_error(const MatrixLibrary& library, ProductTask<T> task, bool& supported) {
  const bool swap_a = task.transpose_a == Transpose::yes, swap_b = task.transpose_b == Transpose::yes;
  task.stride_a = (swap_a ? task.rows : task.inner) + 3;
  task.stride_b = (swap_b ? task.inner : task.columns) + 1;
  task.stride_c = task.columns + 5;
  const auto a = random_numbers<T>((swap_a ? task.inner : task.rows) * task.stride_a, 1);
  const auto b = random_numbers<T>((swap_b ? task.columns : task.inner) * task.stride_b, 2);
  std::vector<float> before = random_numbers<float>(task.rows * task.stride_c, 3);
  // A beta of 0 must ignore what was there, so that callers need not clear it.
  if (task.beta == 0) std::fill(before.begin(), before.end(), std::numeric_limits<float>::quiet_NaN());
  std::vector<float> c = before;
  task.a = a.data();
  task.b = b.data();
  task.c = c.data();
  if (!run(library, task)) {
    supported = false;
    return 0;
  }
  double worst = 0;
  for (size_t row = 0; row < task.rows; ++row) {
    for (size_t column = 0; column < task.columns; ++column) {
      const size_t at = row * task.stride_c + column;
      worst = std::max(worst, element_error(task, row, column, before[at], c[at]));
    }
  }
  return worst;
}

}  // namespace

template <typename T>
double product_error(const MatrixLibrary& library, bool& supported) {
  struct Shape {
    size_t rows, columns, inner;
  };
  supported = true;
  double worst = 0;
  for (const Shape& shape : {Shape{67, 45, 133}, Shape{1, 33, 17}, Shape{129, 1, 40}}) {
    for (const auto transpose_a : {Transpose::no, Transpose::yes}) {
      for (const auto transpose_b : {Transpose::no, Transpose::yes}) {
        ProductTask<T> task;
        task.transpose_a = transpose_a;
        task.transpose_b = transpose_b;
        task.rows = shape.rows;
        task.columns = shape.columns;
        task.inner = shape.inner;
        for (const auto& [alpha, beta] : {std::pair{1.0f, 0.0f}, std::pair{-0.75f, 0.5f}}) {
          task.alpha = alpha;
          task.beta = beta;
          worst = std::max(worst, shape_error(library, task, supported));
          if (!supported) return 0;
        }
      }
    }
  }
  return worst;
}

// Values do not matter for the time, as long as no result is denormal.
template <typename T>
ProductTimer<T>::ProductTimer(size_t size)
    : size_(size),
      a_(size * size, from_float<T>(0.5f)),
      b_(size * size, from_float<T>(0.25f)),
      c_(size * size) {}

template <typename T>
double ProductTimer<T>::rate(const MatrixLibrary& library) {
  ProductTask<T> task;
  task.rows = task.columns = task.inner = task.stride_a = task.stride_b = task.stride_c = size_;
  task.a = a_.data();
  task.b = b_.data();
  task.c = c_.data();
  const double start = seconds_now();
  run(library, task);
  const double seconds = seconds_now() - start;
  return 2 * std::pow(static_cast<double>(size_), 3) / seconds / 1e9;
}

template double product_error<float>(const MatrixLibrary&, bool&);
template double product_error<uint16_t>(const MatrixLibrary&, bool&);
template class ProductTimer<float>;
template class ProductTimer<uint16_t>;

}  // namespace cowatch

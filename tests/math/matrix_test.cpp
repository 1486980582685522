#include "math/matrix.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "base/threads.h"
#include "math/float16.h"

namespace cowatch {
namespace {

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

std::vector<float> numbers(size_t count, uint64_t step) {
  const Random random(7, 1);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i)
    values[i] = static_cast<float>(random.normal(step, static_cast<uint32_t>(i)));
  return values;
}

struct Case {
  size_t rows, columns, inner;
  Transpose a, b;
  float alpha, beta;
};

// Storage of a product's three matrices, with strides wider than their rows.
struct Product {
  explicit Product(const Case& c) : shape(c) {
    const bool swap_a = c.a == Transpose::yes, swap_b = c.b == Transpose::yes;
    a_rows = swap_a ? c.inner : c.rows, a_columns = swap_a ? c.rows : c.inner;
    b_rows = swap_b ? c.columns : c.inner, b_columns = swap_b ? c.inner : c.columns;
    a = numbers(a_rows * (a_columns + 2), 1);
    b = numbers(b_rows * (b_columns + 1), 2);
    before = numbers(c.rows * (c.columns + 3), 3);
    if (c.beta == 0) {
      for (size_t r = 0; r < c.rows; ++r) std::fill_n(before.begin() + r * (c.columns + 3), c.columns, nan);
    }
    result = before;
  }
  ConstMatrix a_view() const { return {a.data(), a_rows, a_columns, a_columns + 2}; }
  ConstMatrix b_view() const { return {b.data(), b_rows, b_columns, b_columns + 1}; }
  Matrix c_view() { return {result.data(), shape.rows, shape.columns, shape.columns + 3}; }

  void check() {
    const Matrix c = c_view();
    for (size_t r = 0; r < shape.rows; ++r) {
      for (size_t j = 0; j < shape.columns; ++j) {
        double sum = 0, magnitude = 0;
        for (size_t k = 0; k < shape.inner; ++k) {
          const double x = shape.a == Transpose::yes ? a_view().row(k)[r] : a_view().row(r)[k];
          const double y = shape.b == Transpose::yes ? b_view().row(j)[k] : b_view().row(k)[j];
          sum += x * y, magnitude += std::abs(x * y);
        }
        const double old = shape.beta == 0 ? 0 : shape.beta * before[r * c.stride + j];
        const double expected = shape.alpha * sum + old;
        const double allowed = (shape.inner + 3) * 6e-8 * (std::abs(shape.alpha) * magnitude + std::abs(old));
        ASSERT_NEAR(c.row(r)[j], expected, allowed) << r << ' ' << j;
      }
      for (size_t j = shape.columns; j < c.stride; ++j) {  // what lies between the rows is not ours
        ASSERT_EQ(std::memcmp(&result[r * c.stride + j], &before[r * c.stride + j], sizeof(float)), 0);
      }
    }
  }

  Case shape;
  size_t a_rows, a_columns, b_rows, b_columns;
  std::vector<float> a, b, before, result;
};

std::vector<Case> cases() {
  struct Shape {
    size_t rows, columns, inner;
  };
  std::vector<Case> all;
  for (const Shape s : {Shape{1, 1, 1}, Shape{3, 5, 7}, Shape{49, 1, 100}, Shape{1, 200, 64},
                        Shape{211, 97, 33}, Shape{500, 401, 19}, Shape{17, 1100, 5}}) {
    for (const auto a : {Transpose::no, Transpose::yes}) {
      for (const auto b : {Transpose::no, Transpose::yes}) {
        all.push_back({s.rows, s.columns, s.inner, a, b, 1, 0});
        all.push_back({s.rows, s.columns, s.inner, a, b, -0.5f, 2});
      }
    }
  }
  return all;
}

class Multiply : public ::testing::TestWithParam<Case> {
 protected:
  void TearDown() override { set_threads(0); }
};

TEST_P(Multiply, EqualsThePlainLoop) {
  Product product(GetParam());
  multiply(product.shape.a, product.shape.b, product.shape.alpha, product.a_view(), product.b_view(),
           product.shape.beta, product.c_view());
  product.check();
}

TEST_P(Multiply, HasTheSameBytesForAnyNumberOfThreads) {
  std::vector<float> first;
  for (const size_t count : {1, 2, 4}) {
    set_threads(count);
    Product product(GetParam());
    multiply(product.shape.a, product.shape.b, product.shape.alpha, product.a_view(), product.b_view(),
             product.shape.beta, product.c_view());
    if (first.empty()) first = product.result;
    ASSERT_EQ(std::memcmp(first.data(), product.result.data(), first.size() * sizeof(float)), 0)
        << count << " threads";
  }
}

std::vector<uint16_t> words_of(std::vector<float>& values) {
  std::vector<uint16_t> words(values.size());
  bfloats_from_floats(values, words);
  floats_from_bfloats(words, values);  // the reference sees the rounded values
  return words;
}

TEST_P(Multiply, OfBfloatsEqualsThePlainLoopOverRoundedInputs) {
  std::vector<float> first;
  for (const size_t count : {1, 2}) {
    set_threads(count);
    Product product(GetParam());
    const auto a = words_of(product.a), b = words_of(product.b);
    const auto view = [](const std::vector<uint16_t>& words, ConstMatrix m) {
      return MatrixView<const uint16_t>(words.data(), m.rows, m.columns, m.stride);
    };
    multiply_bf16(product.shape.a, product.shape.b, product.shape.alpha, view(a, product.a_view()),
                  view(b, product.b_view()), product.shape.beta, product.c_view());
    product.check();
    if (count == 2) {
      Product here(GetParam());
      multiply_bf16_here(here.shape.a, here.shape.b, here.shape.alpha, view(a, here.a_view()),
                         view(b, here.b_view()), here.shape.beta, here.c_view());
      here.a = product.a, here.b = product.b;  // rounded, for the reference
      here.check();
    }
    if (first.empty()) first = product.result;
    ASSERT_EQ(std::memcmp(first.data(), product.result.data(), first.size() * sizeof(float)), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Multiply, ::testing::ValuesIn(cases()), [](const auto& info) {
  const Case& c = info.param;
  return std::to_string(c.rows) + "x" + std::to_string(c.columns) + "x" + std::to_string(c.inner) +
         (c.a == Transpose::yes ? "T" : "N") + (c.b == Transpose::yes ? "T" : "N") +
         (c.beta == 0 ? "set" : "add");
});

TEST(MultiplyEdges, AnEmptyInnerExtentLeavesBetaTimesC) {
  std::vector<float> c = {nan, 1, 2, 3};
  multiply(Transpose::no, Transpose::no, 1, ConstMatrix(nullptr, 2, 0), ConstMatrix(nullptr, 0, 2), 0,
           Matrix(c.data(), 2, 2));
  EXPECT_EQ(c, (std::vector<float>{0, 0, 0, 0}));
  c = {1, 2, 3, 4};
  multiply(Transpose::no, Transpose::no, 1, ConstMatrix(nullptr, 2, 0), ConstMatrix(nullptr, 0, 2), 2,
           Matrix(c.data(), 2, 2));
  EXPECT_EQ(c, (std::vector<float>{2, 4, 6, 8}));
}

TEST(MultiplyRowHalves, EqualsThePlainLoopOverRoundedInputs) {
  for (const auto& [rows, columns] : {std::pair<size_t, size_t>{1, 1}, {3, 7}, {5, 64}, {700, 129}}) {
    const auto row = numbers(columns, 1), b = numbers(rows * (columns + 2), 2);
    std::vector<uint16_t> halves(b.size());
    halves_from_floats(b, halves);
    std::vector<float> c(rows, nan);
    multiply_row_halves(row, {halves.data(), rows, columns, columns + 2}, c);
    for (size_t k = 0; k < rows; ++k) {
      double sum = 0, magnitude = 0;
      for (size_t i = 0; i < columns; ++i) {
        const double product = double{row[i]} * float_from_half(halves[k * (columns + 2) + i]);
        sum += product, magnitude += std::abs(product);
      }
      EXPECT_NEAR(c[k], sum, (static_cast<double>(columns) + 3) * 6e-8 * magnitude) << k;
    }
  }
}

TEST(EvenEdge, CutsIntoTheFewestEqualPieces) {
  for (const size_t extent : {1, 47, 48, 1024, 1025, 4000, 9999}) {
    const size_t edge = even_edge(extent, 1024), pieces = (extent + edge - 1) / edge;
    EXPECT_EQ(pieces, (extent + 1023) / 1024) << extent;
    EXPECT_LE(edge, 1024u + 47);
    EXPECT_TRUE(pieces == 1 || edge % 16 == 0) << extent;
    EXPECT_TRUE(pieces == 1 || extent - (pieces - 1) * edge > edge / 2) << extent;
  }
}

TEST(MultiplyEdges, NoRowsAreNoWork) {
  multiply(Transpose::no, Transpose::no, 1, ConstMatrix(nullptr, 0, 3), ConstMatrix(nullptr, 3, 0), 0,
           Matrix(nullptr, 0, 0));
}

TEST(MultiplyEdges, ShapesThatDoNotAgreeAreAnInternalError) {
  std::vector<float> m(64);
  try {
    multiply(Transpose::no, Transpose::no, 1, ConstMatrix(m.data(), 2, 3), ConstMatrix(m.data(), 4, 5), 0,
             Matrix(m.data(), 2, 5));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::internal);
    EXPECT_NE(error.message().find("2×3"), std::string::npos);
  }
}

}  // namespace
}  // namespace cowatch

// Dense row-major matrices and their products, by the fastest packaged matrix library (math/matrix_kernel.h
// chooses).
//
// multiply() cuts the result into fixed tiles and gives each tile to one thread of a single-threaded kernel,
// so the bytes of the result are the same for any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace cowatch {

// A view of rows × columns numbers; row r begins at data + r * stride. Does not own them.
template <typename T>
struct MatrixView {
  T* data = nullptr;
  size_t rows = 0, columns = 0, stride = 0;

  MatrixView() = default;
  MatrixView(T* d, size_t r, size_t c) : MatrixView(d, r, c, c) {}
  MatrixView(T* d, size_t r, size_t c, size_t s) : data(d), rows(r), columns(c), stride(s) {}
  operator MatrixView<const T>() const { return {data, rows, columns, stride}; }
  std::span<T> row(size_t r) const { return {data + r * stride, columns}; }
  MatrixView rows_from(size_t begin, size_t count) const {
    return {data + begin * stride, count, columns, stride};
  }
};
using Matrix = MatrixView<float>;
using ConstMatrix = MatrixView<const float>;

enum class Transpose { no, yes };

// c = alpha · op(a) · op(b) + beta · c. Shapes must agree (internal error otherwise). beta 0 ignores what c
// held.
void multiply(Transpose transpose_a, Transpose transpose_b, float alpha, ConstMatrix a, ConstMatrix b,
              float beta, Matrix c);

// The same in the calling thread and as one piece: for callers that cut the work themselves.
void multiply_here(Transpose transpose_a, Transpose transpose_b, float alpha, ConstMatrix a, ConstMatrix b,
                   float beta, Matrix c);

// c = row · bᵀ with b in float16 words, summed in float32. A product of one row reads each number of b once, so half the
// bytes are about half the time. row.size() is b.columns, c.size() b.rows.
void multiply_row_halves(std::span<const float> row, MatrixView<const uint16_t> b, std::span<float> c);

// multiply() of bfloat16 inputs (raw words, math/float16.h), summed in float32. About twice as fast where the
// processor multiplies them itself (bfloat_products_are_native()); elsewhere tiles are widened to float32
// first.
void multiply_bf16(Transpose transpose_a, Transpose transpose_b, float alpha, MatrixView<const uint16_t> a,
                   MatrixView<const uint16_t> b, float beta, Matrix c);
void multiply_bf16_here(Transpose transpose_a, Transpose transpose_b, float alpha,
                        MatrixView<const uint16_t> a, MatrixView<const uint16_t> b, float beta, Matrix c);
bool bfloat_products_are_native();

// Cuts `extent` into the fewest equal pieces of at most `most`, each but the last a multiple of what kernels
// work on at once; returns the size of a piece.
size_t even_edge(size_t extent, size_t most);

}  // namespace cowatch

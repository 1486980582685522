// Activations of a network in float32 or bfloat16, their products, and scratch memory for chunks of them.
#pragma once

#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "math/matrix.h"
#include "math/matrix_kernel.h"

namespace cowatch {

// A view of a matrix in either precision; exactly one pointer is set.
struct MatrixPart {
  const float* single = nullptr;
  const uint16_t* brain = nullptr;
  size_t rows = 0, columns = 0, stride = 0;

  MatrixPart block(size_t row, size_t count, size_t column, size_t width) const;
};

// c = op(a) · op(b), by the kernel of the operands' precision (both have the same).
void multiply_parts(Transpose transpose_a, Transpose transpose_b, const MatrixPart& a, const MatrixPart& b,
                    Matrix c);
// c = alpha · op(a) · op(b) in the calling thread and as one piece.
void multiply_parts_here(Transpose transpose_a, Transpose transpose_b, float alpha, const MatrixPart& a,
                         const MatrixPart& b, Matrix c);

// Scalar product of two single rows, summed in order in float64.
float dot(const MatrixPart& a, const MatrixPart& b);

// Rows × columns numbers in one precision. Memory is kept when it shrinks.
class Activations {
 public:
  explicit Activations(Precision precision) : precision_(precision) {}
  void resize(size_t rows, size_t columns);
  size_t rows() const { return rows_; }
  size_t columns() const { return columns_; }
  // Where float32 row `row` can be written directly, or nullptr in bfloat16 (then write elsewhere and
  // store()).
  float* direct(size_t row) {
    return precision_ == Precision::float32 ? single_.data() + row * columns_ : nullptr;
  }
  // Overwrites a part of a row, from `column` on.
  void store(size_t row, size_t column, std::span<const float> values);
  // relu_backward() by the activations of a row from `column` on.
  void relu_gradient(size_t row, size_t column, std::span<float> gradient) const;
  // Row k becomes what row order[k] was; only order.size() rows are left. order[k] is k or not less than
  // order.size().
  void keep_rows(const std::vector<uint32_t>& order);
  MatrixPart part() const;

 private:
  Precision precision_;
  size_t rows_ = 0, columns_ = 0;
  std::vector<float> single_;
  std::vector<uint16_t> brain_;
};

// Buffers that survive from step to step. Chunks borrow: a thread that waits inside a product may start
// another chunk, so one buffer a thread would not do.
class ScratchPool {
 public:
  class Loan {
   public:
    Loan(ScratchPool& pool, size_t size);
    ~Loan();
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    float* data() { return buffer_.data(); }

   private:
    ScratchPool& pool_;
    std::vector<float> buffer_;
  };

 private:
  std::mutex mutex_;
  std::vector<std::vector<float>> free_;
};

}  // namespace cowatch

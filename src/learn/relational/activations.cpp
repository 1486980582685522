#include "learn/relational/activations.h"

#include <algorithm>

#include "base/threads.h"
#include "math/float16.h"
#include "math/vectors.h"

namespace cowatch {
namespace {

ConstMatrix single_view(const MatrixPart& part) {
  return {part.single, part.rows, part.columns, part.stride};
}
MatrixView<const uint16_t> brain_view(const MatrixPart& part) {
  return {part.brain, part.rows, part.columns, part.stride};
}

}  // namespace

void multiply_parts(Transpose transpose_a, Transpose transpose_b, const MatrixPart& a, const MatrixPart& b,
                    Matrix c) {
  if (a.single != nullptr) {
    multiply(transpose_a, transpose_b, 1, single_view(a), single_view(b), 0, c);
  } else {
    multiply_bf16(transpose_a, transpose_b, 1, brain_view(a), brain_view(b), 0, c);
  }
}

void multiply_parts_here(Transpose transpose_a, Transpose transpose_b, float alpha, const MatrixPart& a,
                         const MatrixPart& b, Matrix c) {
  if (a.single != nullptr) {
    multiply_here(transpose_a, transpose_b, alpha, single_view(a), single_view(b), 0, c);
  } else {
    multiply_bf16_here(transpose_a, transpose_b, alpha, brain_view(a), brain_view(b), 0, c);
  }
}

MatrixPart MatrixPart::block(size_t row, size_t count, size_t column, size_t width) const {
  MatrixPart part{.rows = count, .columns = width, .stride = stride};
  if (single != nullptr) part.single = single + row * stride + column;
  if (brain != nullptr) part.brain = brain + row * stride + column;
  return part;
}

float dot(const MatrixPart& a, const MatrixPart& b) {
  double sum = 0;
  for (size_t k = 0; k < a.columns; ++k) {
    sum += a.single != nullptr ? double{a.single[k]} * b.single[k]
                               : double{float_from_bfloat(a.brain[k])} * float_from_bfloat(b.brain[k]);
  }
  return static_cast<float>(sum);
}

void Activations::resize(size_t rows, size_t columns) {
  rows_ = rows;
  columns_ = columns;
  const size_t count = rows * columns;
  if (precision_ == Precision::float32 && single_.size() < count) single_.resize(count);
  if (precision_ == Precision::bfloat16 && brain_.size() < count) brain_.resize(count);
}

void Activations::store(size_t row, size_t column, std::span<const float> values) {
  const size_t at = row * columns_ + column;
  if (precision_ == Precision::float32) {
    std::copy_n(values.data(), values.size(), single_.data() + at);
  } else {
    bfloats_from_floats(values, {brain_.data() + at, values.size()});
  }
}

void Activations::relu_gradient(size_t row, size_t column, std::span<float> gradient) const {
  const size_t at = row * columns_ + column;
  if (precision_ == Precision::float32) {
    relu_backward(std::span(single_).subspan(at, gradient.size()), gradient);
  } else {
    relu_backward(std::span(brain_).subspan(at, gradient.size()), gradient);
  }
}

void Activations::keep_rows(const std::vector<uint32_t>& order) {
  parallel_for(order.size(), 256, [&](size_t begin, size_t end) {
    for (size_t to = begin; to < end; ++to) {
      const size_t from = order[to];
      if (from == to) continue;
      if (precision_ == Precision::float32) {
        std::copy_n(single_.data() + from * columns_, columns_, single_.data() + to * columns_);
      } else {
        std::copy_n(brain_.data() + from * columns_, columns_, brain_.data() + to * columns_);
      }
    }
  });
  rows_ = order.size();
}

MatrixPart Activations::part() const {
  MatrixPart whole{.rows = rows_, .columns = columns_, .stride = columns_};
  if (precision_ == Precision::float32) {
    whole.single = single_.data();
  } else {
    whole.brain = brain_.data();
  }
  return whole;
}

ScratchPool::Loan::Loan(ScratchPool& pool, size_t size) : pool_(pool) {
  {
    const std::lock_guard lock(pool.mutex_);
    if (!pool.free_.empty()) {
      buffer_ = std::move(pool.free_.back());
      pool.free_.pop_back();
    }
  }
  if (buffer_.size() < size) buffer_.resize(size);
}

ScratchPool::Loan::~Loan() {
  const std::lock_guard lock(pool_.mutex_);
  pool_.free_.push_back(std::move(buffer_));
}

}  // namespace cowatch

#include "learn/relational/activations.h"

#include <algorithm>

#include "math/float16.h"

namespace cowatch {

void multiply_parts(Transpose transpose_a, Transpose transpose_b, const MatrixPart& a, const MatrixPart& b,
                    float beta, Matrix c) {
  if (a.single != nullptr) {
    multiply(transpose_a, transpose_b, 1, ConstMatrix(a.single, a.rows, a.columns, a.stride),
             ConstMatrix(b.single, b.rows, b.columns, b.stride), beta, c);
  } else {
    multiply_bf16(transpose_a, transpose_b, 1,
                  MatrixView<const uint16_t>(a.brain, a.rows, a.columns, a.stride),
                  MatrixView<const uint16_t>(b.brain, b.rows, b.columns, b.stride), beta, c);
  }
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

void Activations::store(size_t row, size_t count, const float* values) {
  const size_t at = row * columns_;
  if (precision_ == Precision::float32) {
    std::copy_n(values, count * columns_, single_.data() + at);
  } else {
    bfloats_from_floats({values, count * columns_}, {brain_.data() + at, count * columns_});
  }
}

void Activations::positive(size_t row, uint8_t* mask) const {
  const size_t at = row * columns_;
  if (precision_ == Precision::float32) {
    for (size_t k = 0; k < columns_; ++k) mask[k] = single_[at + k] > 0;
  } else {
    for (size_t k = 0; k < columns_; ++k) mask[k] = static_cast<int16_t>(brain_[at + k]) > 0;
  }
}

void Activations::keep_rows(const std::vector<uint32_t>& rows) {
  for (size_t to = 0; to < rows.size(); ++to) {
    const size_t from = rows[to];
    if (from == to) continue;
    if (precision_ == Precision::float32) {
      std::copy_n(single_.data() + from * columns_, columns_, single_.data() + to * columns_);
    } else {
      std::copy_n(brain_.data() + from * columns_, columns_, brain_.data() + to * columns_);
    }
  }
  rows_ = rows.size();
}

MatrixPart Activations::part(size_t row, size_t count, size_t column, size_t columns) const {
  const size_t at = row * columns_ + column;
  MatrixPart part{.rows = count, .columns = columns, .stride = columns_};
  if (precision_ == Precision::float32) {
    part.single = single_.data() + at;
  } else {
    part.brain = brain_.data() + at;
  }
  return part;
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

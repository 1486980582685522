// Where full vectors lie. An index keeps codes and links; the vectors themselves stay with the caller, and
// are borrowed to build, to score candidates again and to mend the graph.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/tensor_file.h"
#include "math/matrix.h"

namespace cowatch {

// Rows of one dimension and one element type: float32, float16 (f16), bfloat16 (bf16) or int8 (i8).
//
// Whoever owns the source keeps it alive as long as the index that borrows it. Calls come from many threads
// at once. The bytes of a slot stay valid and unchanged from before insert(slot) until after erase(slot)
// returned.
class VectorSource {
 public:
  virtual ~VectorSource() = default;
  virtual size_t size() const = 0;  // slots, erased ones too
  virtual size_t dimension() const = 0;
  virtual ElementType type() const = 0;
  virtual const void* row(uint32_t slot) const = 0;  // dimension() elements, aligned to their own size
  // Distance of consecutive rows in elements where all lie in one array, else 0: exact search then passes
  // over them without a copy.
  virtual size_t stride() const { return 0; }
};

// A source over consecutive rows in memory or in a map, which it does not own. `grow` announces rows that
// were written behind the former ones, at `rows` when they had to move.
class VectorRows final : public VectorSource {
 public:
  explicit VectorRows(ConstMatrix rows)
      : VectorRows(ElementType::f32, rows.data, rows.rows, rows.columns, rows.stride) {}
  VectorRows(ElementType type, const void* rows, size_t count, size_t dimension, size_t stride)
      : type_(type),
        rows_(static_cast<const char*>(rows)),
        count_(count),
        dimension_(dimension),
        stride_(stride) {}

  size_t size() const override { return count_; }
  size_t dimension() const override { return dimension_; }
  ElementType type() const override { return type_; }
  const void* row(uint32_t slot) const override { return rows_ + slot * stride_ * element_size(type_); }
  size_t stride() const override { return stride_; }
  void grow(const void* rows, size_t count) {
    rows_ = static_cast<const char*>(rows);
    count_ = count;
  }

 private:
  ElementType type_;
  const char* rows_;
  size_t count_, dimension_, stride_;
};

// The row as float32: itself, or widened into `buffer` (dimension() numbers).
std::span<const float> float_row(const VectorSource& source, uint32_t slot, std::span<float> buffer);

}  // namespace cowatch

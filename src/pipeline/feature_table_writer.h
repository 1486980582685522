// Puts rows of several modalities side by side and writes them as features.safetensors (docs/formats.md).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/tensor_file.h"

namespace cowatch {

class FeatureTableWriter {
 public:
  explicit FeatureTableWriter(uint64_t items) : items_(items) {}

  // Modalities, in the order of their columns; then allocate(), then rows.
  void add_modality(std::string name, size_t width);
  // The modality "imported" of a file that `cowatch import --features` made. Throws bad_input when it has
  // more rows than there are items; items beyond its rows lack it.
  void reserve_imported(const Path& path);
  void allocate();

  // `values` has the modality's width.
  void put(uint32_t item, size_t modality, std::span<const float> values);
  uint64_t put_imported();  // returns the items that have it

  size_t columns() const { return columns_; }
  void write(const Path& path, const Metadata& metadata) const;

 private:
  struct Modality {
    std::string name;
    size_t begin, end;
  };
  uint64_t items_;
  size_t columns_ = 0;
  std::vector<Modality> modalities_;
  std::unique_ptr<TensorFile> imported_;
  std::vector<float> values_;
  std::vector<uint8_t> present_;
};

}  // namespace cowatch

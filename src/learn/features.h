// Raw audio-visual features of a catalogue, as training and embedding read them: one row an item, columns
// grouped into modalities, each of which an item may lack (features.safetensors, docs/formats.md).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"

namespace cowatch {

// Columns begin … end - 1 of the features hold one modality.
struct Modality {
  std::string name;
  size_t begin = 0, end = 0;
  bool operator==(const Modality&) const = default;
};

// One table's rows, in memory or mapped from a file. Copies are cheap and share the rows; safe for many
// readers.
class FeatureTable {
 public:
  FeatureTable() = default;
  // `values` has items × width numbers; `present` items × modalities flags, or is empty when nothing is
  // missing. Throws bad_input for sizes that disagree or a number that is not finite.
  FeatureTable(size_t items, std::vector<Modality> modalities, std::vector<float> values,
               std::vector<uint8_t> present = {});
  // One modality, "features", of all columns; an item whose row is all zeros lacks it.
  static FeatureTable of_rows(size_t items, size_t width, std::vector<float> values);
  // Maps features.safetensors; checks finiteness. Throws missing_stage when there is no such file.
  static FeatureTable load(const Path& path);

  size_t items() const { return items_; }
  size_t width() const { return width_; }
  const std::vector<Modality>& modalities() const { return modalities_; }
  bool present(uint32_t item, size_t modality) const;
  bool known(uint32_t item) const;  // has any modality
  // The row in float32; columns of a missing modality are zero.
  void copy_row(uint32_t item, float* row) const;
  // Tells that rows first … first + count - 1 will not be read again soon: of a mapped table their memory is
  // given back, so that a pass over a table of any length stays small.
  void release(size_t first, size_t count) const;
  // The same rows in another order or choice: row r is this table's row items[r].
  FeatureTable select(std::vector<uint32_t> items) const;
  // Changes with any value, flag or modality.
  std::string fingerprint() const;

 private:
  struct Storage;
  void check() const;
  uint32_t stored(uint32_t item) const { return rows_.empty() ? item : rows_[item]; }

  std::shared_ptr<const Storage> storage_;
  std::vector<Modality> modalities_;
  std::vector<uint32_t> rows_;  // empty: as stored
  size_t items_ = 0, width_ = 0;
};

}  // namespace cowatch

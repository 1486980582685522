// Rows of features as they are extracted, in a file that only grows: extraction takes hours, and what was
// done before a crash must not be done again.
//
// Layout (little-endian): "CWFEATS1", u32 layout version, u32 columns; then records of one size: u32 item,
// u32 presence (bit m: modality m), u64 fingerprint of the file that the row speaks of, the columns as
// float32, u64 xxh3 of the record so far. The last record of an item counts. Records after the first that is
// torn or fails its checksum are dropped when the log is opened.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "base/file.h"

namespace cowatch {

class FeatureLog {
 public:
  // Opens or begins the log. One of another layout version or width begins afresh.
  FeatureLog(Path path, uint32_t layout_version, size_t columns);

  // Whether the newest row of `item` speaks of the file with this fingerprint.
  bool has(uint32_t item, uint64_t fingerprint) const;
  // Records that sync() has not been called for may be lost in a crash. `values` has `columns` numbers.
  void append(uint32_t item, uint64_t fingerprint, uint32_t presence, std::span<const float> values);
  void sync();
  size_t size() const { return newest_.size(); }  // items

  // Copies the newest row of `item` to `values` and returns its presence bits. The item must be there, and
  // everything synced.
  uint32_t read(uint32_t item, std::span<float> values) const;

 private:
  struct Place {
    uint64_t fingerprint = 0, number = 0;  // of the record
  };
  size_t record_size() const;
  size_t index(std::span<const std::byte> bytes);  // returns how many bytes at the start are sound
  void keep_newest(std::span<const std::byte> bytes);
  std::string header() const;

  Path path_;
  uint32_t layout_version_;
  size_t columns_;
  uint64_t records_ = 0;
  std::map<uint32_t, Place> newest_;
  std::unique_ptr<OutputFile> file_;
  mutable MappedFile map_;
};

}  // namespace cowatch

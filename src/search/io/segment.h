// An immutable segment: points in ascending order of id in one checksummed file, read through a memory map
// (kind "vector_segment", docs/formats.md): ids, sequence numbers, vectors, payloads, and the payload index.
// Derived from the record store: one that is damaged is made again.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/tensor_file.h"
#include "search/io/block_checks.h"
#include "search/io/point_table.h"

namespace cowatch {

class Segment : public PointTable {
 public:
  // What a segment is made from: the living slots of tables. Ids must not repeat among them.
  struct Source {
    std::shared_ptr<const PointTable> table;
    Allowed live;
  };
  struct Place {
    uint32_t source, slot;
  };
  // Writes the file; returns where each new slot came from. `folder` also holds what does not fit in memory.
  static std::vector<Place> write(const Path& path, size_t dimension, std::span<const Source> sources);

  // Its bytes, without payloads: those of the vectors, and what is kept of each point besides, which is also held while it is
  // written.
  static constexpr size_t bytes_a_point = 3 * sizeof(uint64_t) + sizeof(uint64_t) + sizeof(uint64_t);
  static size_t predict_bytes(size_t points, size_t dimension) {
    const size_t vectors = points * dimension * sizeof(float);
    return vectors + BlockChecks::count(vectors) * sizeof(uint64_t) + points * bytes_a_point;
  }

  // Checks everything when `verify`; else vectors and payloads are checked block by block when they are first
  // read. Throws damaged, newer_version.
  Segment(const Path& path, size_t dimension, bool verify);
  // Every byte's checksum, through a map of its own; any thread. `between` is called every 16 MiB and may
  // throw interrupted, to end it.
  void verify(const std::function<void()>& between = [] {}) const;
  void code_rows();                          // so that it has codes(), in memory; before others see it
  bool damaged() const { return damaged_; }  // a check failed; the segment must be made again
  std::string damage() const;                // which

  const Path& path() const { return file_.path(); }
  size_t size() const { return ids_.size(); }
  size_t bytes() const { return bytes_; }
  size_t code_bytes() const { return codes_.bytes(); }
  const PayloadIndex& payload_index() const { return payload_index_; }

  size_t capacity() const override { return ids_.size(); }
  uint64_t sequence_of(uint32_t slot) const override { return sequences_[slot]; }
  std::span<const float> vector_of(uint32_t slot) const override { return rows(slot, 1).row(0); }
  std::string_view payload_text(uint32_t slot) const override;
  std::optional<uint32_t> find(const PointId& id, const Allowed& live) const override;
  std::vector<uint32_t> in_order(const PointId& from, size_t count, const Allowed& allowed) const override;
  Allowed select(const Condition& condition, const Allowed& live, const Patience& patience) const override;
  std::vector<std::pair<Scalar, size_t>> facet(const std::string& key, const Allowed& allowed,
                                               const Patience& patience) const override {
    return payload_index_.facet(key, allowed, *this, patience);
  }
  ConstMatrix rows(size_t begin, size_t count) const override;
  RowCodes codes() const override { return codes_.view(); }

  std::optional<uint32_t> slot_of(const PointId& id) const override;
  PointId id_of(uint32_t slot) const override { return ids_[slot]; }
  Json payload_of(uint32_t slot) const override;

 private:
  void check_by_block();
  [[noreturn]] void fail(const std::string& what) const;

  TensorFile file_;
  MappedFile map_;  // the same bytes, for what is read before its checksum is
  size_t bytes_;
  std::span<const PointId> ids_;  // three whole numbers each, as in the file
  std::span<const uint64_t> sequences_, payload_ends_;
  std::span<const uint8_t> payloads_;
  ConstMatrix vectors_;
  HeldRowCodes codes_;
  BlockChecks vector_checks_, payload_checks_;
  PayloadIndex payload_index_;
  mutable std::mutex damage_mutex_;
  mutable std::string damage_;
  mutable std::atomic<bool> damaged_{false};
};

}  // namespace cowatch

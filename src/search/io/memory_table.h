// The mutable table on top of a collection: a fixed number of slots in memory, filled from the front by one
// writer while any number of readers look at the slots their view says are there. Nothing moves and nothing
// is overwritten, so readers need no lock; a point that is written again takes a new slot.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "base/json.h"
#include "search/io/point_table.h"

namespace cowatch {

class MemoryTable : public PointTable {
 public:
  MemoryTable(size_t capacity, size_t dimension, bool coded = false);  // whether it has codes()

  // The writer alone; size() < capacity().
  uint32_t append(const PointId& id, uint64_t sequence, std::span<const float> vector,
                  std::string_view payload);
  size_t size() const { return size_; }                        // the writer's
  size_t payload_bytes() const { return payload_bytes_; }      // held; any thread
  uint64_t least_sequence() const { return least_sequence_; }  // the writer's; UINT64_MAX when empty

  size_t capacity() const override { return sequences_.size(); }
  uint64_t sequence_of(uint32_t slot) const override { return sequences_[slot]; }
  std::span<const float> vector_of(uint32_t slot) const override {
    return {vectors_.get() + slot * dimension_, dimension_};
  }
  std::string_view payload_text(uint32_t slot) const override { return texts_[slot]; }
  std::optional<uint32_t> find(const PointId& id, const Allowed& live) const override;
  std::vector<uint32_t> in_order(const PointId& from, size_t count, const Allowed& allowed) const override;
  Allowed select(const Condition& condition, const Allowed& live, const Patience& patience) const override;
  std::vector<std::pair<Scalar, size_t>> facet(const std::string& key, const Allowed& allowed,
                                               const Patience& patience) const override;
  ConstMatrix rows(size_t begin, size_t count) const override {
    return {vectors_.get() + begin * dimension_, count, dimension_};
  }
  RowCodes codes() const override { return codes_.view(); }

  std::optional<uint32_t> slot_of(const PointId&) const override { return std::nullopt; }
  PointId id_of(uint32_t slot) const override { return ids_[slot]; }
  Json payload_of(uint32_t slot) const override { return payloads_[slot]; }

 private:
  size_t dimension_, size_ = 0;
  uint64_t least_sequence_ = UINT64_MAX;
  std::atomic<size_t> payload_bytes_{0};
  std::vector<PointId> ids_;
  std::vector<uint64_t> sequences_;
  std::unique_ptr<float[]> vectors_;
  HeldRowCodes codes_;
  std::vector<std::string> texts_;
  std::vector<Json> payloads_;
  std::vector<std::atomic<uint32_t>> places_;  // open addressing by id: slot + 1; entries stay
};

}  // namespace cowatch

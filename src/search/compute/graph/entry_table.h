// Where searches of a graph begin: an eighth of its slots, grouped by the nearest of some pivots, with copies
// of their codes one after another. A search scores all pivots, then the groups of the nearest ones, and
// walks from the best it saw. Real collections fall into thousands of clusters that are all about equally far
// from each other: no walk finds from one to another, so it has to begin in the right one.
#pragma once

#include <span>
#include <vector>

#include "search/compute/huge_array.h"

namespace cowatch {

struct GraphData;

class EntryTable {
 public:
  // The first of `order`, slots in an order without meaning, become entries. The same order gives the same
  // table for any number of threads.
  void build(const GraphData& data, std::span<const uint32_t> order);
  // A saved table, in this layout.
  void restore(const GraphData& data, std::span<const uint32_t> slots, std::span<const uint32_t> begins,
               HugeArray<uint8_t> records);
  // One more that every search comes to, unless it is there: a beam takes each slot once. For few.
  void add(const GraphData& data, uint32_t slot);
  // The codes of a slot were written anew. It stays in its group: build() again now and then.
  void refresh(const GraphData& data, uint32_t slot);

  // Group 0 holds the pivots, then what was added; group g + 1 those nearest to pivot g.
  struct Group {
    std::span<const uint32_t> slots;
    const uint8_t* records;
  };
  size_t pivots() const { return begins_.empty() ? 0 : begins_.size() - 2; }
  Group group(size_t g) const {
    return {std::span(slots_).subspan(begins_[g], begins_[g + 1] - begins_[g]),
            records_.data() + begins_[g] * record_bytes_};
  }
  std::span<const uint32_t> slots() const { return slots_; }
  std::span<const uint32_t> begins() const { return begins_; }
  std::span<const uint8_t> records() const { return records_.view(); }
  size_t bytes() const;

  static size_t entry_count(size_t vectors);
  static size_t pivot_count(size_t entries);

 private:
  void copy_records(const GraphData& data);

  size_t record_bytes_ = 0;
  std::vector<uint32_t> slots_, begins_;
  HugeArray<uint8_t> records_;
};

}  // namespace cowatch

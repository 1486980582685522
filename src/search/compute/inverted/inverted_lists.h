// Lists of packed codes: each has blocks of 32 codes and, beside them, the slot of each code. Codes are
// appended at the end; one that leaves is replaced by the last. Memory follows what is in: a list grows by an
// eighth.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "search/compute/codes/vector_code.h"
#include "search/compute/huge_array.h"

namespace cowatch {

class InvertedLists {
  struct List {
    HugeArray<uint8_t> blocks;
    HugeArray<uint32_t> slots;
    uint32_t count = 0;
  };

 public:
  InvertedLists(size_t lists, size_t block_bytes) : block_bytes_(block_bytes), lists_(lists) {}

  size_t lists() const { return lists_.size(); }
  size_t count(size_t list) const { return lists_[list].count; }
  const uint8_t* blocks(size_t list) const { return lists_[list].blocks.data(); }
  std::span<const uint32_t> slots(size_t list) const {
    return {lists_[list].slots.data(), lists_[list].count};
  }
  size_t bytes() const;
  // What an empty list takes: its two arrays' places, and what the allocator adds to each.
  static constexpr size_t list_bytes() { return sizeof(List) + 2 * 64; }

  // Makes room in an empty list for exactly `count` codes and returns its blocks, to be filled with those of
  // `slots`.
  uint8_t* fill(size_t list, std::span<const uint32_t> slots);
  void append(const VectorCode& code, size_t list, uint32_t slot, const uint8_t* encoded);
  // Takes out the code of a slot that is in the list.
  void remove(const VectorCode& code, size_t list, uint32_t slot);

  // As stored: counts, then slots and blocks of list after list, each list's blocks as many as its codes
  // need.
  struct Stored {
    std::vector<uint32_t> counts, slots;
    std::vector<uint8_t> blocks;
  };
  Stored stored() const;
  // Lists over a mapped file, copied when first written. Sizes were checked to fit the counts.
  InvertedLists(std::span<const uint32_t> counts, std::span<const uint32_t> slots,
                std::span<const uint8_t> blocks, size_t block_bytes,
                const std::shared_ptr<const TensorFile>& file);

 private:
  static size_t blocks_of(size_t codes) { return (codes + block_codes - 1) / block_codes; }

  size_t block_bytes_;
  std::vector<List> lists_;
};

}  // namespace cowatch

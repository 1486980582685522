#include "search/compute/inverted/inverted_lists.h"

#include <algorithm>

#include "base/error.h"

namespace cowatch {

InvertedLists::InvertedLists(std::span<const uint32_t> counts, std::span<const uint32_t> slots,
                             std::span<const uint8_t> blocks, size_t block_bytes,
                             const std::shared_ptr<const TensorFile>& file)
    : block_bytes_(block_bytes), lists_(counts.size()) {
  size_t slot = 0, block = 0;
  for (size_t l = 0; l < counts.size(); ++l) {
    const size_t bytes = blocks_of(counts[l]) * block_bytes;
    lists_[l].blocks = {blocks.subspan(block, bytes), file};
    lists_[l].slots = {slots.subspan(slot, counts[l]), file};
    lists_[l].count = counts[l];
    slot += counts[l], block += bytes;
  }
}

size_t InvertedLists::bytes() const {
  size_t bytes = lists_.size() * list_bytes();
  for (const List& list : lists_) bytes += list.blocks.bytes() + list.slots.bytes();
  return bytes;
}

uint8_t* InvertedLists::fill(size_t l, std::span<const uint32_t> slots) {
  List& list = lists_[l];
  list.blocks.resize(blocks_of(slots.size()) * block_bytes_);
  list.slots.resize(slots.size());
  list.count = static_cast<uint32_t>(slots.size());
  std::copy(slots.begin(), slots.end(), list.slots.writable());
  return list.blocks.writable();
}

void InvertedLists::append(const VectorCode& code, size_t l, uint32_t slot, const uint8_t* encoded) {
  List& list = lists_[l];
  if (list.count % block_codes == 0) list.blocks.resize((list.count / block_codes + 1) * block_bytes_);
  if (list.slots.size() == list.count) list.slots.resize(list.count + size_t{1});
  list.slots.writable()[list.count] = slot;
  code.pack(encoded, list.blocks.writable() + list.count / block_codes * block_bytes_,
            list.count % block_codes);
  ++list.count;
}

void InvertedLists::remove(const VectorCode& code, size_t l, uint32_t slot) {
  List& list = lists_[l];
  uint32_t* slots = list.slots.writable();
  const auto place = static_cast<size_t>(std::find(slots, slots + list.count, slot) - slots);
  if (place == list.count)
    throw Error(ErrorCode::internal, "a slot is not in its list", {.found = std::to_string(slot)});
  const size_t last = list.count - size_t{1};
  if (place != last) {
    uint8_t* blocks = list.blocks.writable();
    std::vector<uint8_t> encoded(code.code_bytes());
    code.unpack(blocks + last / block_codes * block_bytes_, last % block_codes, encoded.data());
    code.pack(encoded.data(), blocks + place / block_codes * block_bytes_, place % block_codes);
    slots[place] = slots[last];
  }
  --list.count;
}

InvertedLists::Stored InvertedLists::stored() const {
  Stored stored;
  for (const List& list : lists_) {
    stored.counts.push_back(list.count);
    stored.slots.insert(stored.slots.end(), list.slots.data(), list.slots.data() + list.count);
    stored.blocks.insert(stored.blocks.end(), list.blocks.data(),
                         list.blocks.data() + blocks_of(list.count) * block_bytes_);
  }
  return stored;
}

}  // namespace cowatch

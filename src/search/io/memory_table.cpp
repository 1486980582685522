#include "search/io/memory_table.h"

#include <algorithm>
#include <bit>

#include "base/json_text.h"

namespace cowatch {
namespace {

// About what a value takes beside itself.
size_t held_bytes(const Json& value) {
  size_t bytes = 0;
  if (value.is_string()) return value.get_ref<const std::string&>().capacity();
  if (value.is_structured()) bytes += value.size() * sizeof(Json);
  if (value.is_object())
    for (const auto& [key, member] : value.items()) bytes += sizeof key + key.capacity() + held_bytes(member);
  if (value.is_array())
    for (const Json& element : value) bytes += held_bytes(element);
  return bytes;
}

}  // namespace

MemoryTable::MemoryTable(size_t capacity, size_t dimension, bool coded)
    : dimension_(dimension),
      ids_(capacity),
      sequences_(capacity),
      vectors_(new float[capacity * dimension]),
      codes_(coded ? HeldRowCodes(capacity, dimension) : HeldRowCodes()),
      texts_(capacity),
      payloads_(capacity),
      places_(std::bit_ceil(capacity * 2)) {}

uint32_t MemoryTable::append(const PointId& id, uint64_t sequence, std::span<const float> vector,
                             std::string_view payload) {
  const auto slot = static_cast<uint32_t>(size_++);
  ids_[slot] = id;
  sequences_[slot] = sequence;
  least_sequence_ = std::min(least_sequence_, sequence);
  std::copy(vector.begin(), vector.end(), vectors_.get() + slot * dimension_);
  if (!codes_.empty()) codes_.encode(slot, rows(slot, 1));
  texts_[slot] = payload;
  payloads_[slot] = parse_json(payload, "a payload");
  payload_bytes_ += texts_[slot].capacity() + held_bytes(payloads_[slot]);
  size_t place = hash_of(id) & (places_.size() - 1);
  while (places_[place].load(std::memory_order_relaxed) != 0) place = (place + 1) & (places_.size() - 1);
  places_[place].store(slot + 1, std::memory_order_release);
  return slot;
}

std::optional<uint32_t> MemoryTable::find(const PointId& id, const Allowed& live) const {
  for (size_t place = hash_of(id) & (places_.size() - 1);; place = (place + 1) & (places_.size() - 1)) {
    const uint32_t entry = places_[place].load(std::memory_order_acquire);
    if (entry == 0) return std::nullopt;
    if (live.has(entry - 1) && ids_[entry - 1] == id) return entry - 1;
  }
}

std::vector<uint32_t> MemoryTable::in_order(const PointId& from, size_t count, const Allowed& allowed) const {
  std::vector<uint32_t> slots;
  allowed.for_each([&](size_t slot) {
    if (!(ids_[slot] < from)) slots.push_back(static_cast<uint32_t>(slot));
  });
  const auto middle = slots.begin() + static_cast<ptrdiff_t>(std::min(count, slots.size()));
  std::partial_sort(slots.begin(), middle, slots.end(),
                    [&](uint32_t a, uint32_t b) { return ids_[a] < ids_[b]; });
  slots.erase(middle, slots.end());
  return slots;
}

Allowed MemoryTable::select(const Condition& condition, const Allowed& live, const Patience& patience) const {
  Allowed selected(live.size());
  size_t seen = 0;
  live.for_each([&](uint32_t slot) {
    if (++seen % points_read_at_once == 0) patience.check();
    if (matches(condition, ids_[slot], payloads_[slot], patience)) selected.add(slot);
  });
  return selected;
}

std::vector<std::pair<Scalar, size_t>> MemoryTable::facet(const std::string& key, const Allowed& allowed,
                                                          const Patience& patience) const {
  return count_scalars(
      key, allowed, [&](uint32_t slot) -> const Json& { return payloads_[slot]; }, patience);
}

}  // namespace cowatch

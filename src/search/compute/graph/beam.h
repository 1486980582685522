// The best candidates of a search so far, best first, and which of them were not expanded yet. A sorted
// array: few of the scores that a search makes get into it.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "search/compute/top_k.h"

namespace cowatch {

// How many of the best candidates a search keeps, and how many of these it expands: fewer end it sooner.
struct BeamWidth {
  size_t kept, expanded;
  BeamWidth(size_t both) : kept(both), expanded(both) {}
  BeamWidth(size_t kept, size_t expanded) : kept(kept), expanded(expanded) {}
};

// A candidate is one number, so that order is one comparison without a branch: above, the score as an integer
// of the same order; below, the slot, inverted since the smaller one comes first among equal scores, then one
// bit that is set until the slot is expanded. Slots are below 2^31 and enter once (Visited).
class Beam {
 public:
  void reset(BeamWidth width) {
    capacity_ = std::max<size_t>(1, width.kept);
    expanded_ = width.expanded;
    size_ = next_ = 0;
    if (keys_.size() < capacity_) keys_.resize(capacity_);
  }
  // A score that does not reach this cannot enter.
  float threshold() const { return size_ < capacity_ ? -__builtin_inff() : score_of(keys_[size_ - 1]); }

  // Those of the candidates that reach the threshold. All at once: what is in moves once, not for each of
  // them.
  void offer(std::span<const uint32_t> slots, const float* scores) {
    if (pending_.size() < slots.size() + 1) pending_.resize(slots.size() + 1);
    const float least = threshold();
    size_t count = 0;
    for (size_t i = 0; i < slots.size(); ++i) {
      pending_[count] = key_of(slots[i], scores[i]);
      count += scores[i] >= least;
    }
    if (count == 0) return;
    if (count > capacity_) count = shorten_pending(count);
    if (count > capacity_) {
      std::nth_element(pending_.data(), pending_.data() + capacity_, pending_.data() + count,
                       std::greater<>());
      count = capacity_;
    }
    sort_pending(count);
    while (size_ + count > capacity_) {
      size_t& longer = size_ > 0 && (count == 0 || keys_[size_ - 1] < pending_[count - 1]) ? size_ : count;
      --longer;
    }
    uint64_t* keys = keys_.data();
    size_t end = size_;
    for (size_t i = count; i-- > 0;) {
      const size_t place = better_than(pending_[i], end);
      std::memmove(keys + place + i + 1, keys + place, (end - place) * sizeof(uint64_t));
      keys[place + i] = pending_[i];
      end = place;
    }
    size_ += count;
    if (count > 0) next_ = std::min(next_, end);
  }
  // The best candidates that were not expanded, at most `slots.size()`, which it marks as expanded; how many.
  size_t pop(std::span<uint32_t> slots) {
    size_t count = 0;
    for (const size_t end = std::min(size_, expanded_); next_ < end && count < slots.size(); ++next_) {
      slots[count] = slot_of(keys_[next_]);
      count += keys_[next_] & fresh;
      keys_[next_] &= ~fresh;
    }
    return count;
  }

  size_t size() const { return size_; }
  Scored operator[](size_t i) const { return {slot_of(keys_[i]), score_of(keys_[i])}; }

 private:
  static constexpr uint64_t fresh = 1;
  static constexpr size_t few = 20;
  static constexpr uint32_t sign = 1u << 31;
  static uint64_t key_of(uint32_t slot, float score) {
    const auto bits = std::bit_cast<uint32_t>(score);
    const uint32_t ordered = bits & sign ? ~bits : bits | sign;
    return uint64_t{ordered} << 32 | (~slot << 1 | fresh);
  }
  static uint32_t slot_of(uint64_t key) { return ~(static_cast<uint32_t>(key) >> 1) & ~sign; }
  static float score_of(uint64_t key) {
    const auto ordered = static_cast<uint32_t>(key >> 32);
    return std::bit_cast<float>(ordered & sign ? ordered & ~sign : ~ordered);
  }
  // The first of a search are many, and few of them stay. The range of the keys is halved until little more than what stays is
  // left: passes without a branch on a key, where nth_element() guesses at every second one.
  size_t shorten_pending(size_t count) {
    uint64_t* keys = pending_.data();
    const size_t enough = std::max(few, capacity_ + capacity_ / 4);
    auto [low, high] = [&] {
      uint64_t least = keys[0], most = keys[0];
      for (size_t i = 1; i < count; ++i) least = std::min(least, keys[i]), most = std::max(most, keys[i]);
      return std::pair(least, most);
    }();
    while (count > enough && high - low > 1) {
      const uint64_t middle = low + (high - low) / 2;
      size_t above = 0;
      for (size_t i = 0; i < count; ++i) above += keys[i] > middle;
      if (above < capacity_) {
        high = middle;
        continue;
      }
      low = middle;
      size_t left = 0;
      for (size_t i = 0; i < count; ++i) {
        const uint64_t key = keys[i];
        keys[left] = key;
        left += key > middle;
      }
      count = left;
    }
    return count;
  }
  // Descending. A few are placed by how many are above each: more comparisons than other ways, but none of
  // them is a branch.
  void sort_pending(size_t count) {
    uint64_t* keys = pending_.data();
    if (count > few) {
      std::sort(keys, keys + count, std::greater<>());
      return;
    }
    uint64_t sorted[few];
    for (size_t i = 0; i < count; ++i) {
      size_t place = 0;
      for (size_t j = 0; j < count; ++j) place += keys[j] > keys[i];
      sorted[place] = keys[i];
    }
    std::copy_n(sorted, count, keys);
  }
  // How many of the first `end` keys are above `key`: a search by halves whose steps depend on the size
  // alone.
  size_t better_than(uint64_t key, size_t end) const {
    const uint64_t* base = keys_.data();
    size_t left = end;
    while (left > 1) {
      const size_t half = left / 2;
      base += half * static_cast<size_t>(base[half - 1] > key);
      left -= half;
    }
    return static_cast<size_t>(base - keys_.data()) + (left == 1 && *base > key);
  }

  std::vector<uint64_t> keys_, pending_;
  size_t capacity_ = 0, expanded_ = 0, size_ = 0, next_ = 0;
};

// Slots seen in a search: a bit each, and a list of them, by which the bits are cleared.
class Visited {
 public:
  // For slots below `slots`.
  void reset(size_t slots) {
    for (size_t i = 0; i < count_; ++i) words_[seen_[i] / 64] = 0;
    count_ = 0;
    if (words_.size() * 64 < slots) words_.resize(slots / 64 + 1);
  }
  // Marks slots, up to the first that is `end`, and lists those of them that were not marked before.
  void mark(std::span<const uint32_t> slots) { mark_until(UINT32_MAX, slots); }
  void mark_until(uint32_t end, std::span<const uint32_t> slots) {
    if (seen_.size() < count_ + slots.size() + 1) seen_.resize(2 * (count_ + slots.size() + 1));
    uint64_t* words = words_.data();
    uint32_t* fresh = seen_.data() + count_;
    size_t count = 0;
    for (const uint32_t slot : slots) {  // without a branch on what is new: half of them are, in no order
      if (slot == end) break;
      const uint64_t word = words[slot / 64], bit = uint64_t{1} << slot % 64;
      fresh[count] = slot;
      count += (word & bit) == 0;
      words[slot / 64] = word | bit;
    }
    count_ += count;
  }
  size_t count() const { return count_; }
  // The slots listed after the first `begin` ones, valid until the next mark().
  std::span<const uint32_t> since(size_t begin) const { return {seen_.data() + begin, count_ - begin}; }

 private:
  std::vector<uint64_t> words_;
  std::vector<uint32_t> seen_;
  size_t count_ = 0;
};

}  // namespace cowatch

// The best candidates of a search so far, best first, and which of them were not expanded yet. A sorted
// array: few of the scores that a search makes get into it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "search/compute/top_k.h"

namespace cowatch {

class Beam {
 public:
  void reset(size_t capacity) {
    capacity_ = capacity;
    size_ = next_ = 0;
    if (entries_.size() < capacity + 1) entries_.resize(capacity + 1);
  }
  // A score that does not beat this cannot enter.
  float threshold() const { return size_ < capacity_ ? -__builtin_inff() : entries_[size_ - 1].score; }

  // A slot that is in already (the visited set forgets some) is left out: its score is the same number.
  void offer(uint32_t slot, float score) {
    const Scored candidate = {slot, score};
    if (size_ == capacity_ && !better_entry(candidate, entries_[size_ - 1])) return;
    size_t low = 0, high = size_;
    while (low < high) {
      const size_t middle = (low + high) / 2;
      if (better_entry(entries_[middle], candidate)) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    if (low < size_ && slot_of(entries_[low]) == slot) return;
    if (size_ == capacity_) --size_;
    std::memmove(entries_.data() + low + 1, entries_.data() + low, (size_ - low) * sizeof(Scored));
    entries_[low] = candidate;
    ++size_;
    if (low < next_) next_ = low;
  }
  // The best candidate that was not expanded, which it marks; false when there is none.
  bool pop(uint32_t& slot) {
    while (next_ < size_ && (entries_[next_].index & expanded)) ++next_;
    if (next_ == size_) return false;
    slot = entries_[next_].index;
    entries_[next_++].index |= expanded;
    return true;
  }
  // The one that pop() would give now if nothing better comes: worth fetching ahead.
  bool peek(uint32_t& slot) {
    while (next_ < size_ && (entries_[next_].index & expanded)) ++next_;
    if (next_ == size_) return false;
    slot = entries_[next_].index;
    return true;
  }

  size_t size() const { return size_; }
  Scored operator[](size_t i) const { return {slot_of(entries_[i]), entries_[i].score}; }

 private:
  static constexpr uint32_t expanded = 1u << 31;  // slots are below 2^31
  static uint32_t slot_of(const Scored& entry) { return entry.index & ~expanded; }
  static bool better_entry(const Scored& a, const Scored& b) {
    return a.score > b.score || (a.score == b.score && slot_of(a) < slot_of(b));
  }

  std::vector<Scored> entries_;  // one more than the capacity
  size_t capacity_ = 0, size_ = 0, next_ = 0;
};

// Slots seen in a search. Direct-mapped and lossy: a slot may be forgotten and then scored twice, but none is
// taken for seen that was not. Stays in the first or second level of cache whatever the size of the index.
class Visited {
 public:
  // For about `expected` slots.
  void reset(size_t expected) {
    size_t size = 1024;
    while (size < 2 * expected) size *= 2;
    if (size > table_.size()) {
      table_.assign(size, {});
      mark_ = 0;
    }
    mask_ = static_cast<uint32_t>(size - 1);
    if (++mark_ == 0) {
      std::fill(table_.begin(), table_.end(), Entry{});
      mark_ = 1;
    }
  }
  // True the first time.
  bool insert(uint32_t slot) {
    Entry& entry = table_[(slot * 2654435769u >> 7) & mask_];
    if (entry.slot == slot && entry.mark == mark_) return false;
    entry = {slot, mark_};
    return true;
  }

 private:
  struct Entry {
    uint32_t slot = 0, mark = 0;
  };
  std::vector<Entry> table_;
  uint32_t mask_ = 0, mark_ = 0;
};

}  // namespace cowatch

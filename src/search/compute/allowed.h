// The slots that a query may answer with: a bitset and how many bits are set.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cowatch {

class Allowed {
 public:
  // All of `size` slots, or none of them.
  explicit Allowed(size_t size, bool all = false)
      : size_(size), count_(all ? size : 0), words_((size + 63) / 64, all ? ~uint64_t{0} : 0) {
    if (all && size % 64 != 0) words_.back() = (uint64_t{1} << size % 64) - 1;
  }
  // Everything but a list of slots: 10,000 of them in a million cost some 20 µs. Unknown slots are ignored.
  static Allowed all_but(size_t size, std::span<const uint32_t> excluded) {
    Allowed allowed(size, true);
    for (const uint32_t slot : excluded) allowed.remove(slot);
    return allowed;
  }

  void add(uint32_t slot) {
    if (slot >= size_ || has(slot)) return;
    words_[slot / 64] |= uint64_t{1} << slot % 64;
    ++count_;
  }
  void remove(uint32_t slot) {
    if (!has(slot)) return;
    words_[slot / 64] &= ~(uint64_t{1} << slot % 64);
    --count_;
  }
  bool has(uint32_t slot) const { return slot < size_ && (words_[slot / 64] >> slot % 64 & 1) != 0; }
  // New slots are not allowed.
  void resize(size_t size) {
    const bool shorter = size < size_;
    size_ = size;
    words_.resize((size + 63) / 64);
    if (shorter) recount();
  }
  size_t size() const { return size_; }
  size_t count() const { return count_; }  // survivors

  // The survivors in ascending order.
  template <typename Visit>
  void for_each(const Visit& visit) const {
    for_each_in(0, size_, visit);
  }
  // Those of [begin, end), both multiples of 64 or the size.
  template <typename Visit>
  void for_each_in(size_t begin, size_t end, const Visit& visit) const {
    for (size_t w = begin / 64; w < (end + 63) / 64; ++w) {
      for (uint64_t rest = words_[w]; rest != 0; rest &= rest - 1)
        visit(static_cast<uint32_t>(w * 64 + static_cast<size_t>(std::countr_zero(rest))));
    }
  }
  // Bits 64·w …, for those who build one by words from an attribute column: call recount() after writing.
  std::span<uint64_t> words() { return words_; }
  std::span<const uint64_t> words() const { return words_; }
  void recount() {
    if (size_ % 64 != 0) words_.back() &= (uint64_t{1} << size_ % 64) - 1;
    count_ = 0;
    for (const uint64_t word : words_) count_ += static_cast<size_t>(std::popcount(word));
  }

 private:
  size_t size_, count_;
  std::vector<uint64_t> words_;
};

}  // namespace cowatch

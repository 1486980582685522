// Checksums of a large array by blocks, so that what is read is checked before it is used and the rest need
// not be read: a map of gigabytes answers at once, and never wrongly.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace cowatch {

class BlockChecks {
 public:
  static constexpr size_t block_bytes = 64u << 10;
  static size_t count(size_t bytes) { return (bytes + block_bytes - 1) / block_bytes; }
  // XXH3 of each block; the last may be shorter.
  static std::vector<uint64_t> of(std::span<const std::byte> bytes);

  BlockChecks() = default;  // takes everything for intact
  // Both are borrowed; there is one check a block.
  BlockChecks(std::span<const std::byte> bytes, std::span<const uint64_t> checks);

  // Whether bytes [begin, end) are as they were written. Each block is read once; any thread.
  bool intact(size_t begin, size_t end) const {
    if (checks_.empty() || begin >= end) return true;
    for (size_t block = begin / block_bytes; block <= (end - 1) / block_bytes; ++block) {
      const uint64_t bit = uint64_t{1} << block % 64;
      if ((checked_[block / 64].load(std::memory_order_acquire) & bit) == 0 && !check(block)) return false;
    }
    return true;
  }

 private:
  bool check(size_t block) const;

  std::span<const std::byte> bytes_;
  std::span<const uint64_t> checks_;
  std::unique_ptr<std::atomic<uint64_t>[]> checked_;  // a bit a block that was found intact
};

}  // namespace cowatch

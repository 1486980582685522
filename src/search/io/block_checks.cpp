#include "search/io/block_checks.h"

#include <algorithm>

#include "base/hash.h"

namespace cowatch {
namespace {

std::span<const std::byte> block_of(std::span<const std::byte> bytes, size_t block) {
  const size_t begin = block * BlockChecks::block_bytes;
  return bytes.subspan(begin, std::min(BlockChecks::block_bytes, bytes.size() - begin));
}

}  // namespace

std::vector<uint64_t> BlockChecks::of(std::span<const std::byte> bytes) {
  std::vector<uint64_t> checks(count(bytes.size()));
  for (size_t block = 0; block < checks.size(); ++block) checks[block] = hash64(block_of(bytes, block));
  return checks;
}

BlockChecks::BlockChecks(std::span<const std::byte> bytes, std::span<const uint64_t> checks)
    : bytes_(bytes), checks_(checks), checked_(new std::atomic<uint64_t>[(checks.size() + 63) / 64]()) {}

bool BlockChecks::check(size_t block) const {
  if (hash64(block_of(bytes_, block)) != checks_[block]) return false;
  checked_[block / 64].fetch_or(uint64_t{1} << block % 64, std::memory_order_release);
  return true;
}

}  // namespace cowatch

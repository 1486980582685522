// Checksums and fingerprints (XXH3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

struct XXH3_state_s;  // of xxhash.h

namespace cowatch {

uint64_t hash64(std::span<const std::byte> bytes, uint64_t seed = 0);
uint64_t hash64(std::string_view text, uint64_t seed = 0);
std::string hex64(uint64_t value);  // 16 hex digits

// hash64() of bytes that come piece by piece.
class RunningHash {
 public:
  RunningHash();
  ~RunningHash();
  RunningHash(const RunningHash&) = delete;
  RunningHash& operator=(const RunningHash&) = delete;
  void add(std::span<const std::byte> piece);
  uint64_t value() const;

 private:
  XXH3_state_s* state_;
};

// Fingerprint of what a stage depends on: add parts in a fixed order, then read the digest.
class Fingerprint {
 public:
  Fingerprint& add(std::string_view part);
  Fingerprint& add(uint64_t part);
  std::string digest() const { return hex64(state_); }

 private:
  uint64_t state_ = 0;
};

}  // namespace cowatch

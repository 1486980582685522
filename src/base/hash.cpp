#include "base/hash.h"

#include <xxhash.h>

#include <new>

namespace cowatch {

uint64_t hash64(std::span<const std::byte> bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

uint64_t hash64(std::string_view text, uint64_t seed) {
  return XXH3_64bits_withSeed(text.data(), text.size(), seed);
}

RunningHash::RunningHash() : state_(XXH3_createState()) {
  if (state_ == nullptr) throw std::bad_alloc();
  XXH3_64bits_reset(state_);
}
RunningHash::~RunningHash() {
  XXH3_freeState(state_);
}

void RunningHash::add(std::span<const std::byte> piece) {
  XXH3_64bits_update(state_, piece.data(), piece.size());
}

uint64_t RunningHash::value() const {
  return XXH3_64bits_digest(state_);
}

std::string hex64(uint64_t value) {
  std::string text(16, '0');
  for (int i = 15; i >= 0; --i, value >>= 4) text[static_cast<size_t>(i)] = "0123456789abcdef"[value & 15];
  return text;
}

Fingerprint& Fingerprint::add(std::string_view part) {
  state_ = hash64(part, state_ + 0x9e3779b97f4a7c15u);
  return *this;
}

Fingerprint& Fingerprint::add(uint64_t part) {
  return add(std::string_view(reinterpret_cast<const char*>(&part), sizeof part));
}

}  // namespace cowatch

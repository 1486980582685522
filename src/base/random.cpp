#include "base/random.h"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>

namespace cowatch {

std::array<uint32_t, 4> Random::words(uint64_t step, uint32_t index) const {
  const r123::Philox4x32::key_type key{{static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32)}};
  const r123::Philox4x32::ctr_type counter{
      {static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32), index, stream_}};
  const auto out = r123::Philox4x32()(counter, key);
  return {out[0], out[1], out[2], out[3]};
}

uint64_t Random::bits(uint64_t step, uint32_t index) const {
  const auto w = words(step, index);
  return static_cast<uint64_t>(w[0]) << 32 | w[1];
}

uint64_t Random::below(uint64_t bound, uint64_t step, uint32_t index) const {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(bits(step, index)) * bound >> 64);
}

double Random::uniform(uint64_t step, uint32_t index) const {
  return static_cast<double>(bits(step, index) >> 11) * 0x1p-53;
}

double Random::normal(uint64_t step, uint32_t index) const {
  const auto w = words(step, index);
  const double u = (static_cast<double>(w[0]) + 1.0) * 0x1p-32;  // in (0, 1]: the logarithm stays finite
  const double v = static_cast<double>(w[1]) * 0x1p-32;
  return std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
}

}  // namespace cowatch

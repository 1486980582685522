// Counter-based random numbers (Philox 4x32-10, Salmon et al. 2011). A draw depends on (seed, stream, step,
// index) and on nothing else, so results are the same for any number of threads and any order of evaluation.
#pragma once

#include <array>
#include <cstdint>

namespace cowatch {

class Random {
 public:
  // `stream` separates uses of one seed (each use names a constant of its own).
  Random(uint64_t seed, uint32_t stream) : seed_(seed), stream_(stream) {}

  // Four independent 32-bit words for counter (step, index).
  std::array<uint32_t, 4> words(uint64_t step, uint32_t index) const;
  // Uniform in [0, 2^64).
  uint64_t bits(uint64_t step, uint32_t index) const;
  // Uniform in {0, …, bound - 1}; bound > 0. Multiply-shift: the bias is below bound / 2^64.
  uint64_t below(uint64_t bound, uint64_t step, uint32_t index) const;
  // Uniform in [0, 1), 53 bits.
  double uniform(uint64_t step, uint32_t index) const;
  // Standard normal (Box-Muller).
  double normal(uint64_t step, uint32_t index) const;

 private:
  uint64_t seed_;
  uint32_t stream_;
};

}  // namespace cowatch

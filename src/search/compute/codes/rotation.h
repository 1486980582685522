// A random rotation that spreads the length of a vector evenly over its numbers. Codes with one step a vector
// want that: a feature table whose vectors have a few large numbers leaves most of the levels unused.
//
// Signs drawn by the seed, then a Hadamard transform of the largest power of two, by turns of the first and
// of the last numbers, two times (four times when the dimension is no power of two); after Ailon and Chazelle
// (STOC 2006). Lengths and inner products stay as they are up to rounding; the result is the same on every
// instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cowatch {

class Rotation {
 public:
  Rotation() = default;  // leaves vectors as they are
  Rotation(size_t dimension, uint64_t seed);

  void apply(std::span<float> row) const;  // dimension numbers, in place
  bool turns() const { return !factors_.empty(); }

 private:
  size_t width_ = 0;            // of a transform
  std::vector<float> factors_;  // of each turn: signs, over the square root of the width where it transforms
};

}  // namespace cowatch

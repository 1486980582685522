// SIMD kernels over float32 vectors and rows, by Highway: the widest instruction set of the processor is
// taken at run time.
//
// Sums are made in several lanes, so their last bits differ between instruction sets; on one machine they are
// the same every time. A NaN in an input comes out as NaN from sums and products, and never wins a
// comparison.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "math/matrix.h"

namespace cowatch {

float dot(std::span<const float> x, std::span<const float> y);
float dot_halves(std::span<const float> x, std::span<const uint16_t> halves);  // y in float16
float squared_distance(std::span<const float> x, std::span<const float> y);

// y += alpha · x.
void add_scaled(float alpha, std::span<const float> x, std::span<float> y);

// Divides a row by its L2 length and returns that length. A row whose squared length is 0 (or overflows)
// becomes zero and returns 0; a row with a NaN stays as it is and returns NaN.
float normalise(std::span<float> row);

// row = max(0, row + bias), and how its gradient passes back: gradient[k] stays where the activation is above
// zero.
void add_bias_relu(std::span<const float> bias, std::span<float> row);
void relu_backward(std::span<const float> activation, std::span<float> gradient);
void relu_backward(std::span<const uint16_t> activation, std::span<float> gradient);  // of bfloat16 words

// Where the largest value of a scan was found; `index` is no_index as long as none was.
constexpr uint32_t no_index = UINT32_MAX;
struct BestBelow {
  float value = 0;
  uint32_t index = no_index;
};
// Semi-hard mining over one row of a tile of similarities (methods §1.4): the largest value that is smaller
// than `limit`, of equals the one with the lowest index. `best` carries over from tile to tile, given in
// ascending order; values[0] has index `first_index`. Set what is not allowed to −infinity beforehand: it
// never wins.
void best_below(std::span<const float> values, float limit, uint32_t first_index, BestBelow& best);

}  // namespace cowatch

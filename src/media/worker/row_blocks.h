// How the blocks of a feature row are scaled (media/feature_layout.h says what they hold).
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

#include "media/feature_layout.h"

namespace cowatch {

inline void scale_block(std::span<float> row, Block block, double factor) {
  const double share = std::sqrt(feature_blocks[static_cast<size_t>(block)].weight);
  for (float& value : block_columns(row, block)) value = static_cast<float>(value * factor * share);
}

inline double block_norm(std::span<float> row, Block block) {
  double sum = 0;
  for (const float value : block_columns(row, block)) sum += static_cast<double>(value) * value;
  return std::sqrt(sum);
}

// Counts become square roots of shares: norm 1, or 0 when there is nothing.
inline void finish_histogram(std::span<float> row, Block block) {
  double sum = 0;
  for (const float value : block_columns(row, block)) sum += value;
  if (sum <= 0) return;
  for (float& value : block_columns(row, block)) value = static_cast<float>(std::sqrt(value / sum));
  scale_block(row, block, 1);
}

// Divides by sqrt(norm² + typical²): norm near 1 for what stands out, near 0 for noise.
inline void finish_moments(std::span<float> row, Block block, double typical) {
  const double norm = block_norm(row, block);
  scale_block(row, block, 1 / std::sqrt(norm * norm + typical * typical + 1e-30));
}

}  // namespace cowatch

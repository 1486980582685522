// Normalisation of raw features by the statistics of the training videos (methods §1.5).
#pragma once

#include <span>
#include <vector>

#include "learn/features.h"

namespace cowatch {

// x → (x - mean) · scale, column by column; columns of a missing modality become zero, the value of the mean.
struct Normalisation {
  std::vector<float> mean, scale;
  // Columns that never change in training, and those of a modality that no video of training has, carry nothing: their
  // scale is zero. (Uncentred, constant ones keep their scale.)
  size_t constant = 0;

  // `row` holds raw features of `item` and becomes the normalised ones.
  void apply(const FeatureTable& features, uint32_t item, float* row) const;
};

enum class NormalisationKind {
  none,     // as they are
  columns,  // mean 0 and variance 1 for each column
  table,    // mean 0 for each column, one factor for all: the columns keep their weight to each other
};

// Every column times 1 + log((1 + videos) / (1 + videos where it is not zero)), uncentred: inverse document
// frequency for bags of words. Columns that are never zero keep their weight.
Normalisation inverse_frequency(const FeatureTable& features);

// Statistics over the videos that have the column's modality. Throws bad_input when no video has features.
Normalisation normalisation_of(const FeatureTable& features, NormalisationKind kind);

}  // namespace cowatch

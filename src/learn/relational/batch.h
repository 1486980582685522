// A batch of triplets, with every video in it once as a row of the network's input.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/triplets.h"

namespace cowatch {

struct Batch {
  std::vector<uint32_t> anchor, positive, negative;              // videos
  std::vector<uint32_t> rows;                                    // distinct videos, ascending: row → video
  std::vector<uint32_t> anchor_row, positive_row, negative_row;  // into rows; negative_row may be empty
  size_t climbed = 0;  // negatives drawn from a level above the one asked for

  size_t size() const { return anchor.size(); }
};

// Draws batch `step`. Without negatives (losses that take the batch itself for them) only anchors and
// positives are rows. A batch larger than the catalogue repeats videos; each is still one row.
Batch draw_batch(const TripletSampler& sampler, size_t size, uint64_t step, NegativeLevel level,
                 bool with_negatives);

// The same from given triplets.
Batch make_batch(const std::vector<Triplet>& triplets, bool with_negatives);

}  // namespace cowatch

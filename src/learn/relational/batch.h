// A batch of triplets, with every video in it once as a row of the network's input.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/triplets.h"
#include "learn/features.h"

namespace cowatch {

struct Batch {
  std::vector<uint32_t> anchor, positive, negative;              // videos
  std::vector<uint32_t> rows;                                    // distinct videos, ascending: row → video
  std::vector<uint32_t> anchor_row, positive_row, negative_row;  // into rows; negative_row may be empty
  size_t climbed = 0;          // negatives drawn from a level above the one asked for
  double negative_weight = 1;  // of softmax: videos that each negative stands for

  size_t size() const { return anchor.size(); }
};

// Draws batch `step`. Without negatives only anchors and positives are rows. A batch larger than the
// catalogue repeats videos; each is still one row.
Batch draw_batch(const TripletSampler& sampler, size_t size, uint64_t step, NegativeLevel level,
                 bool with_negatives);

// The same for a softmax over the batch. Its positives all have neighbours, so over them alone it would never
// see the lone videos, among which neighbours have to be found too. So its negatives are lone videos: to the
// batch as the lone ones are to the others in the catalogue, or a batch of them that weigh as much (ours;
// measured in docs/relational.md).
Batch draw_softmax_batch(const TripletSampler& sampler, size_t size, uint64_t step);

// The same from given triplets, or from their anchors and positives and other negatives.
Batch make_batch(const std::vector<Triplet>& triplets, bool with_negatives);
Batch make_batch(const std::vector<Triplet>& triplets, std::vector<uint32_t> negatives);

// Classes that step `step` compares with, ascending: all, or where there are more than `samples` those of as
// many uniform draws.
std::vector<uint32_t> draw_classes(size_t classes, size_t samples, uint64_t seed, uint64_t step);

// Modality dropout: zeroes in `row`, the features of `video`, each modality with this chance, in their order
// and never the last one left.
void hide_modalities(const FeatureTable& features, double chance, uint64_t seed, uint64_t step,
                     uint32_t video, float* row);

}  // namespace cowatch

// Triplets (anchor, positive, negative) for training (Lee et al., CVPR 2020): the anchor a video
// with neighbours, the positive one of them, the negative by NegativeSampler.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/alias_table.h"
#include "graph/graph.h"
#include "graph/negatives.h"
#include "graph/tree.h"

namespace cowatch {

struct TripletSettings {
  double anchor_power = 0;          // anchors in proportion to degree^anchor_power; 0: uniform
  bool positive_by_weight = false;  // the neighbour in proportion to the edge's weight; otherwise uniform
};

struct Triplet {
  uint32_t anchor = 0, positive = 0, negative = 0;
  uint8_t climbed = 0;  // see Negative
};

class TripletSampler {
 public:
  // Borrows graph and tree, which must outlive it. Throws bad_input when the graph has no edges: there is
  // nothing to learn from; bad_argument for a power that is not finite.
  TripletSampler(const Graph& graph, const AffinityTree& tree, const TripletSettings& settings,
                 uint64_t seed);

  // Depends on (seed, step, index) and the level only. Any thread.
  Triplet draw(uint64_t step, uint32_t index, NegativeLevel level) const;

  // One of lone(), uniform. Depends on (seed, step, index) only. Any thread.
  uint32_t draw_lone(uint64_t step, uint32_t index) const;

  const std::vector<uint32_t>& anchors() const { return anchors_; }  // videos with neighbours, ascending
  const std::vector<uint32_t>& lone() const { return lone_; }        // the others, ascending
  const NegativeSampler& negatives() const { return negatives_; }

 private:
  uint32_t draw_anchor(uint64_t step, uint32_t index) const;
  uint32_t draw_positive(uint32_t anchor, uint64_t step, uint32_t index) const;

  const Graph& graph_;
  NegativeSampler negatives_;
  uint64_t seed_;
  std::vector<uint32_t> anchors_, lone_;
  AliasTable anchor_table_;          // empty: uniform
  std::vector<uint64_t> row_begin_;  // of cumulative_, by video; empty: uniform positives
  std::vector<double> cumulative_;   // per row, running sums of weights
};

}  // namespace cowatch

// Negatives graded by the affinity tree (Lee et al., CVPR 2020).
//
// With C_0(a) = {a} and C_r(a) the cluster of video a after round r, a negative of level L_l is uniform over
// C_{l+1}(a) \ C_l(a) without the graph neighbours of a: L0, the nearest strangers, is the hardest. `random`
// is uniform over all videos but a and its neighbours. Where a level has no candidate the draw climbs to the
// next one, at the top to random, and says so. In a graph where a is joined to every other video even random
// is empty: then any other video is drawn, and in a catalogue of one video the video itself.
//
// Videos of a cluster are a range of the tree's order, so a draw costs O(1): a position, and a look whether
// it is a neighbour; after a few neighbours in a row the candidates are counted exactly in O(degree · log
// degree).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "graph/graph.h"
#include "graph/tree.h"

namespace cowatch {

enum class NegativeLevel : uint8_t { l0, l1, l2, random };
std::string_view negative_level_name(NegativeLevel level);
std::optional<NegativeLevel> negative_level_named(std::string_view name);

struct Negative {
  uint32_t video = 0;
  uint8_t climbed = 0;  // levels climbed from the one asked for; 0: drawn where asked
};

class NegativeSampler {
 public:
  // Borrows both, which must be of the same videos (internal error otherwise) and outlive the sampler.
  NegativeSampler(const Graph& graph, const AffinityTree& tree, uint64_t seed);

  // Depends on (seed, step, index) and the arguments only. Any thread.
  Negative draw(uint32_t anchor, NegativeLevel level, uint64_t step, uint32_t index) const;

  // Every video that draw() can give at this very level, ascending; empty where it climbs. O(size of the
  // cluster).
  std::vector<uint32_t> candidates(uint32_t anchor, NegativeLevel level) const;

 private:
  // Positions in `outer` and not in `inner`.
  struct Ring {
    AffinityTree::Range outer, inner;
    uint32_t size() const { return outer.size() - inner.size(); }
    uint32_t at(uint32_t place) const;  // place < size() → position
    bool has(uint32_t position) const;
    uint32_t place_of(uint32_t position) const;  // the inverse of at()
  };
  Ring ring(uint32_t anchor, NegativeLevel level) const;
  std::optional<uint32_t> draw_in(const Ring& ring, uint32_t anchor, uint32_t use, uint64_t step,
                                  uint32_t index) const;
  std::vector<uint32_t> neighbours_in(const Ring& ring, uint32_t anchor) const;  // their places, ascending

  const Graph& graph_;
  const AffinityTree& tree_;
  uint64_t seed_;
};

}  // namespace cowatch

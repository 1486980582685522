// One round of affinity clustering in three steps: pick, connect, contract. Nodes are the clusters of the
// round before, numbered in order of their smallest video, so that comparing numbers is comparing ids.
//
// Each step is a few passes over arrays in parallel. Where threads meet, they meet in a maximum or a minimum
// of a total order, so the result is the same for any number of them.
#pragma once

#include <span>

#include "graph/edge_grid.h"
#include "graph/tree.h"

namespace cowatch {

constexpr uint32_t no_node = ~uint32_t{0};

// The best incident edge of a node so far. Affinities of sums need the number of videos, which lies beside
// it: one line of a cache for both.
template <typename Weight>
struct BestEdge {
  Weight affinity;
  uint32_t other;
};
template <>
struct BestEdge<double> {
  double affinity;
  uint32_t other, videos;
};

// The best incident edge of every node: its other end (no_node: none), and its affinity where it is asked
// for.
struct Picks {
  Buffer<uint32_t> partner;
  Buffer<double> affinity;
};

// Finds them among all links, offered in any order.
template <typename Weight>
class Picker {
 public:
  // Borrows `sizes`, the videos of each node. Weights of links are largest or smallest weights, or sums,
  // which the linkage divides.
  Picker(const Buffer<uint32_t>& sizes, Linkage linkage);

  // From several threads at once as long as their links have no node in common.
  void offer(std::span<const Link<Weight>> links);
  // Without picks of less than `threshold`.
  Picks take(double threshold, bool with_affinity) const;
  uint64_t alone() const;  // nodes without a link

 private:
  Weight affinity(Weight weight, const BestEdge<Weight>& u, const BestEdge<Weight>& v) const;

  Linkage linkage_;
  Buffer<BestEdge<Weight>> best_;
};

// Undoes picks so that no cluster exceeds `limit` videos (TreeSettings::max_cluster_size). Returns how many.
uint64_t undo_oversized(Picks& picks, const Buffer<uint32_t>& sizes, size_t limit);

// Components of the picked edges.
struct Components {
  Buffer<uint32_t> of;     // node → component, numbered in order of the smallest node
  Buffer<uint32_t> sizes;  // videos of each component
};
Components connect(const Picks& picks, const Buffer<uint32_t>& sizes);

}  // namespace cowatch

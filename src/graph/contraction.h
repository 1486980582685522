// One round of affinity clustering in three steps: pick, connect, contract. Nodes are the clusters of the
// round before, numbered in order of their smallest video, so that comparing numbers is comparing ids.
//
// Each step is a few passes over arrays in parallel. Where threads meet, they meet in a maximum or a minimum
// of integers, so the result is the same for any number of them.
#pragma once

#include "graph/links.h"
#include "graph/tree.h"

namespace cowatch {

constexpr uint32_t no_node = ~uint32_t{0};

// The best incident edge of every node: its other end (no_node: none) and its affinity.
struct Picks {
  Buffer<uint32_t> partner;
  Buffer<double> affinity;
};

// `sizes`: videos of each node. Float weights are affinities themselves; double ones are sums, which the
// linkage divides.
template <typename Weight>
Picks pick_best(const LinkSet<Weight>& links, const Buffer<uint32_t>& sizes, Linkage linkage);

// Forgets picks of less than `threshold`.
void drop_weak_picks(Picks& picks, double threshold);

// Undoes picks so that no cluster exceeds `limit` videos (TreeSettings::max_cluster_size). Returns how many.
uint64_t undo_oversized(Picks& picks, const Buffer<uint32_t>& sizes, size_t limit);

// Components of the picked edges.
struct Components {
  Buffer<uint32_t> of;     // node → component, numbered in order of the smallest node
  Buffer<uint32_t> sizes;  // videos of each component
};
Components connect(const Picks& picks, const Buffer<uint32_t>& sizes);

// Links between components in place of links between nodes, in the same buffer; u < v; loops are gone,
// parallel links stay.
template <typename Weight>
void relabel(LinkSet<Weight>& links, const Buffer<uint32_t>& component);

}  // namespace cowatch

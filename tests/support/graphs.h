// Small graphs for tests, and plain slow clustering to compare with.
#pragma once

#include <algorithm>
#include <map>
#include <vector>

#include "base/random.h"
#include "graph/graph.h"
#include "graph/tree.h"

namespace cowatch::test {

// `count` random edges over `nodes` videos, with weights 1 … distinct_weights, or in (0, 1) when that is 0.
inline std::vector<Edge> random_edges(size_t nodes, size_t count, uint64_t distinct_weights, uint64_t seed) {
  const Random ends(seed, 1), weights(seed, 2);
  std::vector<Edge> edges;
  for (uint32_t i = 0; i != count; ++i) {
    const auto u = static_cast<uint32_t>(ends.below(nodes, 0, i));
    const auto v = static_cast<uint32_t>(ends.below(nodes, 1, i));
    const double weight = distinct_weights > 0
                              ? 1.0 + static_cast<double>(weights.below(distinct_weights, 0, i))
                              : weights.uniform(0, i) + 1e-3;
    if (u != v) edges.push_back({u, v, static_cast<float>(weight)});
  }
  return edges;
}

inline std::vector<Edge> star(uint32_t leaves) {
  std::vector<Edge> edges;
  for (uint32_t i = 1; i <= leaves; ++i) edges.push_back({0, i, 1});
  return edges;
}

inline std::vector<Edge> chain(uint32_t nodes, bool rising) {
  std::vector<Edge> edges;
  for (uint32_t i = 1; i < nodes; ++i) edges.push_back({i - 1, i, rising ? static_cast<float>(i) : 1.0F});
  return edges;
}

inline std::vector<Edge> clique(uint32_t nodes) {
  std::vector<Edge> edges;
  for (uint32_t u = 0; u < nodes; ++u) {
    for (uint32_t v = u + 1; v < nodes; ++v) edges.push_back({u, v, 1});
  }
  return edges;
}

// After each round, for each video the smallest video of its cluster.
using Partitions = std::vector<std::vector<uint32_t>>;

inline Partitions partitions_of(const AffinityTree& tree) {
  Partitions result;
  for (size_t round = 1; round <= tree.rounds(); ++round) {
    std::vector<uint32_t> smallest(tree.clusters(round), ~uint32_t{0});
    for (uint32_t video = 0; video != tree.videos(); ++video) {
      smallest[tree.cluster(round, video)] = std::min(smallest[tree.cluster(round, video)], video);
    }
    std::vector<uint32_t> of(tree.videos());
    for (uint32_t video = 0; video != tree.videos(); ++video)
      of[video] = smallest[tree.cluster(round, video)];
    result.push_back(of);
  }
  return result;
}

}  // namespace cowatch::test

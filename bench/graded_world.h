// A generated catalogue with clusters inside clusters, for studies that real graphs are too small for.
#pragma once

#include "graph/graph.h"
#include "learn/features.h"

namespace cowatch::bench {

struct GradedWorld {
  FeatureTable features;
  Graph graph;
};

// Videos are leaves of a tree with eight children a node and about eight videos a lowest cluster. Each has
// ten partners; a partner is in the same lowest cluster with probability .7, else one level further up with
// .7 of the rest, and so on. Features are 128 numbers: the sum of a vector for each cluster on the way down,
// shorter the lower, through a fixed nonlinear map, and noise.
GradedWorld make_graded_world(size_t videos, uint64_t seed);

}  // namespace cowatch::bench

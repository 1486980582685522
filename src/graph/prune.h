// Fewer, stronger neighbours.
#pragma once

#include "graph/graph.h"

namespace cowatch {

// The top_k strongest neighbours of each video (ties: smaller id), an edge staying if either end keeps it;
// then the max_degree strongest of what is left, an edge staying only if both ends keep it, so that no video
// has more. 0: no limit.
Graph prune(Graph graph, size_t top_k, size_t max_degree);

}  // namespace cowatch

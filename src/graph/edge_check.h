// What every list of edges must promise before it becomes a graph or a tree.
#pragma once

#include <vector>

#include "graph/graph.h"

namespace cowatch {

inline constexpr size_t edge_grain = size_t{1} << 18;  // edges a task looks through

// Throws bad_input for the first edge that names a video ≥ nodes or whose weight is not positive and finite,
// too_large for more nodes than 32-bit ids can name.
void check_edges(const std::vector<Edge>& edges, size_t nodes);
// Throws bad_input: the weights of parallel edges overflowed when they were added.
[[noreturn]] void refuse_overflow(uint32_t u, uint32_t v);

}  // namespace cowatch

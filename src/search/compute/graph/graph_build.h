// Builds the graph over all present slots, from nothing or out of another graph, in parallel and with the same bytes for
// any number of threads.
#pragma once

#include <functional>

#include "search/compute/graph/graph_data.h"

namespace cowatch {

// `data` was made for the options and the dimension, and holds nothing. Slots are inserted in a random order,
// in batches of a small share of those already in: all searches of a batch see the graph as it was before,
// then the links back are added, those of one node by one thread, in order (as in ParlayANN; Manohar et al.,
// PPoPP 2024).
void build_graph(GraphData& data, const VectorSource& source, const Allowed* present,
                 const std::function<void(size_t)>& advance);

// The graph over all slots of `source` out of another one, `former`, of the same options: of slot s it had the vector in its
// slot former_slots[s], or (no_slot) had it not. What it had keeps its codes, and its links, but for those to what is gone,
// in whose place come some of the gone one's own neighbours; what is new is inserted as build_graph() does.
void grow_graph(GraphData& data, const GraphData& former, std::span<const uint32_t> former_slots,
                const VectorSource& source, const std::function<void(size_t)>& advance);

// The live slots in an order drawn by the seed.
std::vector<uint32_t> random_order(const GraphData& data);

}  // namespace cowatch

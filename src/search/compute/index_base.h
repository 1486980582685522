// What every index does the same way: checks of queries and vectors, scores of them, and the best of few survivors.
#pragma once

#include <algorithm>

#include "search/compute/vector_index.h"

namespace cowatch {

// A copy of the query as the kernels want it: of length 1 under cosine. Throws bad_argument.
std::vector<float> checked_query(Metric metric, size_t dimension, std::span<const float> query);

// The row of `slot` as float32 into `row`, of length 1 under cosine. Throws bad_input, naming the slot.
void checked_row(Metric metric, const VectorSource& source, uint32_t slot, std::span<float> row);

// The exact score of a row for a checked query; the source's rows are read as they are, without a copy.
float exact_score(Metric metric, std::span<const float> query, const VectorSource& source, uint32_t slot);
float exact_score(Metric metric, std::span<const float> query, std::span<const float> row);

// The k best of the survivors of a filter for which lives(slot), by their vectors one after another.
template <typename Lives>
std::vector<Scored> best_survivors(Metric metric, std::span<const float> query, size_t k, const VectorSource& source,
                                   const Allowed& survivors, const Lives& lives, const Patience& patience) {
  constexpr size_t scored_at_once = 256;  // between looks at who waits
  TopK best(std::min(k, survivors.count()));
  size_t seen = 0;
  survivors.for_each([&](uint32_t slot) {
    if (++seen % scored_at_once == 0) patience.check();
    if (lives(slot)) best.offer({slot, exact_score(metric, query, source, slot)});
  });
  return best.take();
}

// Of the source, beyond what check_index_options() looks at.
void check_source(const VectorSource& source);

}  // namespace cowatch

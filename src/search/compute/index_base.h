// What every index does the same way: checks of queries and vectors, and which slots are live.
#pragma once

#include "search/compute/vector_index.h"

namespace cowatch {

// A copy of the query as the kernels want it: of length 1 under cosine. Throws bad_argument.
std::vector<float> checked_query(Metric metric, size_t dimension, std::span<const float> query);

// The row of `slot` as float32 into `row`, of length 1 under cosine. Throws bad_input, naming the slot.
void checked_row(Metric metric, const VectorSource& source, uint32_t slot, std::span<float> row);

// The exact score of a row for a checked query; the source's rows are read as they are, without a copy.
float exact_score(Metric metric, std::span<const float> query, const VectorSource& source, uint32_t slot);
float exact_score(Metric metric, std::span<const float> query, std::span<const float> row);

// Of the source, beyond what check_index_options() looks at.
void check_source(const VectorSource& source);

}  // namespace cowatch

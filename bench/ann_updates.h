// What `cowatch bench ann` measures beyond plain search, of the index of this repository alone.
#pragma once

#include "bench/ann_data.h"
#include "bench/benchmark.h"

namespace cowatch::bench {

// Rows by share of survivors, for filters drawn at random and for filters that correlate with the vectors
// (the ends of a random direction): recall and rate beside those of an exact scan of the survivors; then
// lists of 10,000 excluded slots.
void measure_filters(const AnnData& data, const IndexOptions& options, size_t k, size_t effort,
                     Report& report);

// Half of the vectors are replaced, one by one: recall and bytes beside a fresh build over the same vectors.
// Then the delay of a query, by one thread, alone and beside a thread that writes `writes_per_second`.
void measure_churn(const AnnData& data, const IndexOptions& options, size_t k, size_t effort,
                   size_t writes_per_second, Report& report);

}  // namespace cowatch::bench

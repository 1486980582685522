// Exact search over one table of a collection.
#pragma once

#include <span>
#include <vector>

#include "search/collection_view.h"

namespace cowatch {

void throw_if_cancelled(const VectorQuery& query);

// A query on its way over one table, and the best so far.
struct Scan {
  const VectorQuery* query;
  const Allowed* allowed;
  TopK best;
};

// Every allowed slot is compared with its query. The table is passed over once for all: a block of rows that
// came from memory for one query is compared with the others out of the cache. Scores do not depend on what
// else is asked.
void scan_table(const PointTable& table, Metric metric, std::span<Scan> scans);

}  // namespace cowatch

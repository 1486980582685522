// Exact search over one table of a collection.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "search/collection_view.h"
#include "search/compute/top_k.h"

namespace cowatch {

// Higher scores first, equal scores by smaller id: slots of a table in memory are in order of arrival.
struct BetterPoint {
  const PointTable* table;
  bool operator()(const Scored& a, const Scored& b) const {
    return a.score > b.score || (a.score == b.score && table->id_of(a.index) < table->id_of(b.index));
  }
};

// A query on its way over one table, and the best so far, but for what stays below the floor.
struct Scan {
  const VectorQuery* query;
  const Allowed* allowed;
  Floor* floor;
  TopKBy<BetterPoint> best;
  std::optional<RowCodes::Query> coded = {};  // where the table has codes

  float threshold() const { return std::max(floor->get(), best.threshold()); }
  void raise_floor() {
    if (best.size() == query->k) floor->raise(best.threshold());
  }
};

// How many rows are compared with a query that is allowed these slots.
size_t rows_compared(const Allowed& allowed);

// Every allowed slot of [begin, end), multiples of 64 or the capacity, is compared with its query. The rows
// are passed over once for all: a block of them that came from memory for one query is compared with the
// others out of the cache. Scores do not depend on what else is asked, nor on the range.
void scan_rows(const PointTable& table, Metric metric, size_t begin, size_t end, std::span<Scan> scans);

}  // namespace cowatch

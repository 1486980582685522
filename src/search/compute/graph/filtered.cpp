#include "search/compute/graph/filtered.h"

#include <algorithm>

namespace cowatch {
namespace {

// A record fetched from a random place, with the heap around it, costs about this many of a scan in order.
constexpr size_t random_cost = 4;
// Of a traversal's budget over the cost of the scan: what a search that gives up has lost at most.
constexpr size_t budget_share = 2;
// Records scored for each candidate that is kept: neighbours not seen before.
constexpr size_t scored_per_step = 12;

}  // namespace

FilterPlan plan_filter(const GraphData& data, size_t effort, const Allowed& filter) {
  const size_t survivors = std::min(filter.count(), data.live.count());
  if (survivors <= effort) return {true, 0};
  const size_t scan_cost = survivors / random_cost;
  const size_t expected = effort * scored_per_step * data.slots() / survivors + 2 * data.entries.pivots();
  return {expected >= scan_cost, scan_cost / budget_share};
}

}  // namespace cowatch

// Search of a graph under a filter.
//
// The planner compares what two ways would score: all survivors in a row, or a traversal that passes through
// every slot but keeps only survivors, which has to see about effort / (share of survivors) slots'
// neighbours. A traversal whose survivors lie far from the query (a correlated filter) may need more than
// foreseen: it gives up at a budget, and the survivors are scored after all. So no filter costs much more
// than its survivors, and the recall does not depend on how they lie.
#pragma once

#include "search/compute/graph/graph_data.h"

namespace cowatch {

// The `effort` best live survivors of `filter` by `score`, best first; of those that were scored one after another `scan_kept` are
// enough, since none is missing.
template <typename Score>
void find_filtered(const GraphData& data, const Score& score, size_t effort, size_t scan_kept, const Allowed& filter,
                   SearchScratch& scratch, std::vector<Scored>& found, const Patience& patience);

// What a traversal is expected to score, and what it may: both in records.
struct FilterPlan {
  bool scan = false;
  size_t budget = 0;
};
FilterPlan plan_filter(const GraphData& data, size_t effort, const Allowed& filter);

template <typename Score>
void scan_filtered(const GraphData& data, const Score& score, size_t kept, const Allowed& filter,
                   SearchScratch& scratch, std::vector<Scored>& found, const Patience& patience) {
  constexpr size_t block = 256;
  TopK best(std::min(kept, filter.count()));
  auto& fresh = scratch.fresh;
  scratch.scores.resize(std::max(scratch.scores.size(), block));
  const auto flush = [&] {
    patience.check();
    score(data.records.data(), fresh, scratch.scores.data());
    for (size_t i = 0; i < fresh.size(); ++i) {
      if (scratch.scores[i] >= best.threshold()) best.offer({fresh[i], scratch.scores[i]});
    }
    fresh.clear();
  };
  fresh.clear();
  filter.for_each([&](uint32_t slot) {
    if (!data.live.has(slot)) return;
    prefetch_record(data, slot);
    fresh.push_back(slot);
    if (fresh.size() == block) flush();
  });
  flush();
  found = best.take();
}

// False when the budget was used up before the search came to its end.
template <typename Score>
bool traverse_filtered(const GraphData& data, const Score& score, size_t effort, const Allowed& filter,
                       size_t budget, SearchScratch& scratch, std::vector<Scored>& found,
                       const Patience& patience) {
  TopK best(std::min(effort, filter.count()));
  std::vector<Scored> open;  // a heap of what was not expanded yet, the best at the front
  const auto worse = [](const Scored& a, const Scored& b) { return better(b, a); };
  Visited& visited = scratch.visited;
  visited.reset(data.slots());
  const auto offer = [&](std::span<const uint32_t> slots, const float* scores) {
    for (size_t i = 0; i < slots.size(); ++i) {
      if (scores[i] < best.threshold()) continue;
      open.push_back({slots[i], scores[i]});
      std::push_heap(open.begin(), open.end(), worse);
      if (filter.has(slots[i]) && data.live.has(slots[i])) best.offer({slots[i], scores[i]});
    }
  };
  best_entries(data, score, effort, scratch);
  visited.mark(scratch.entries.slots);
  offer(scratch.entries.slots, scratch.entries.scores.data());
  scratch.scores.resize(std::max(scratch.scores.size(), data.capacity));
  for (size_t step = 0; !open.empty() && open.front().score >= best.threshold(); ++step) {
    if (visited.count() > budget) return false;
    if (step % 64 == 0 && patience.ended()) return true;
    const uint32_t slot = open.front().index;
    std::pop_heap(open.begin(), open.end(), worse);
    open.pop_back();
    const size_t before = visited.count();
    visited.mark(data.links_of(slot));
    const auto fresh = visited.since(before);
    for (const uint32_t end : fresh) prefetch_record(data, end);
    if (!open.empty()) prefetch_links(data, open.front().index);
    score(data.records.data(), fresh, scratch.scores.data());
    offer(fresh, scratch.scores.data());
  }
  found = best.take();
  return true;
}

template <typename Score>
void find_filtered(const GraphData& data, const Score& score, size_t effort, size_t scan_kept, const Allowed& filter,
                   SearchScratch& scratch, std::vector<Scored>& found, const Patience& patience) {
  const FilterPlan plan = plan_filter(data, effort, filter);
  if (!plan.scan && traverse_filtered(data, score, effort, filter, plan.budget, scratch, found, patience))
    return;
  scan_filtered(data, score, scan_kept, filter, scratch, found, patience);
}

}  // namespace cowatch

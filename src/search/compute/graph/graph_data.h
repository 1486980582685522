// The arrays of a graph index and the traversal over them: what building, searching and updating share.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <span>
#include <vector>

#include "search/compute/codes/rotation.h"
#include "search/compute/codes/scalar_codes.h"
#include "search/compute/graph/beam.h"
#include "search/compute/graph/entry_table.h"
#include "search/compute/huge_array.h"
#include "search/compute/vector_index.h"

namespace cowatch {

// Cosine is l2 of vectors of length 1: near the query, its estimates from codes are the better ones.
//
// Numbers are coded after the mean of the vectors (of those the index was built from) was subtracted, except
// for inner products, and after a rotation. Inner products are searched over vectors as long as they are; the
// graph is linked by l2 of (x, √(M² −
// ‖x‖²)), M the largest length, where the inner product with (q, 0) and the distance from it give one order
// (Bachrach et al., RecSys 2014).
struct GraphData {
  static constexpr uint32_t no_slot = UINT32_MAX;

  GraphData(const IndexOptions& options, size_t dimension);

  IndexOptions options;
  ScalarLayout layout;
  std::vector<float> mean;
  Rotation rotation;
  float largest_square = 0;    // M², inner products only
  HugeArray<uint8_t> records;  // codes of each slot
  HugeArray<uint8_t> finer;    // second level, scalar4x8 only
  HugeArray<uint32_t> links;   // `capacity` places a slot, filled from the front, then no_slot
  size_t capacity = 0;
  EntryTable entries;
  Allowed live{0};  // what may be answered; other slots may still be passed through

  size_t slots() const { return live.size(); }
  bool has_finer() const { return options.codes == CodeKind::scalar4x8; }
  std::span<const uint32_t> links_of(uint32_t slot) const;
  void set_links(uint32_t slot, std::span<const uint32_t> ends);
  void resize(size_t slots);
  // The numbers that codes are made of: `row` as checked_row() or checked_query() gives it, in place.
  void transform(std::span<float> row) const;
  void encode_slot(uint32_t slot, std::span<float> row);  // transforms the row
  float square_of(uint32_t slot) const;                   // of the decoded vector
  size_t bytes() const;
};

// Working memory of one thread's searches.
struct SearchScratch {
  Beam beam;
  Visited visited;
  TopK nearest{0}, starts{0};
  CodeQuery query;
  std::vector<uint32_t> fresh, places;  // places: 0, 1, 2, …
  std::vector<float> scores, row;
};
SearchScratch& thread_scratch();

// Scores by which the graph is linked: nearness of a slot's decoded vector, with the added coordinate for
// inner products. Higher is nearer; `distance` makes a squared distance of it.
class LinkScorer {
 public:
  explicit LinkScorer(const GraphData& data) : data_(data) {}
  void set(uint32_t slot);
  // Of the records at slots[i] · record_bytes.
  void operator()(const uint8_t* records, std::span<const uint32_t> slots, float* scores) const;
  float distance(float score) const { return std::max(0.0f, square_ - score); }

 private:
  float added(float square) const;
  const GraphData& data_;
  CodeQuery query_;
  std::vector<float> row_;
  float square_ = 0, added_ = 0;
};

// Scores are asked for by score(records, slots, scores): those of the records at slots[i] · record_bytes.

// The best entries for a search of so much effort, into scratch.fresh and scratch.scores.
template <typename Score>
void best_entries(const GraphData& data, const Score& score, size_t effort, SearchScratch& scratch);

// Greedy best-first search: scratch.beam then holds the `effort` best. Stops early when *cancel becomes true.
template <typename Score>
void traverse(const GraphData& data, const Score& score, size_t effort, SearchScratch& scratch,
              const std::atomic<bool>* cancel = nullptr);

// Which of the candidates, nearest first, the slot of `scorer` is linked to: a candidate is dropped when one
// that was kept is alpha times nearer to it than the slot is (robust pruning; Subramanya et al., NeurIPS
// 2019). `candidates` bear the scorer's scores and get sorted; the slot itself must not be among them. Sets
// the scorer to other slots.
void prune(const GraphData& data, LinkScorer& scorer, std::vector<Scored>& candidates, size_t degree,
           std::vector<uint32_t>& kept);

// prune() of the ends of a slot's links, down to options.degree.
void prune_links(const GraphData& data, uint32_t slot, std::vector<uint32_t>& ends);

void prefetch_record(const GraphData& data, uint32_t slot);
void prefetch_links(const GraphData& data, uint32_t slot);

inline std::span<const uint32_t> GraphData::links_of(uint32_t slot) const {
  const uint32_t* begin = links.data() + slot * capacity;
  size_t count = 0;
  while (count < capacity && begin[count] != no_slot) ++count;
  return {begin, count};
}

inline void prefetch_record(const GraphData& data, uint32_t slot) {
  constexpr uintptr_t line = 64;
  const auto begin = reinterpret_cast<uintptr_t>(data.records.data() + slot * data.layout.record_bytes);
  const uintptr_t end = begin + data.layout.record_bytes;
  for (uintptr_t at = begin & ~(line - 1); at < end; at += line)
    __builtin_prefetch(reinterpret_cast<const void*>(at));
}

inline void prefetch_links(const GraphData& data, uint32_t slot) {
  const uint32_t* begin = data.links.data() + slot * data.capacity;
  for (size_t i = 0; i < data.capacity; i += 16) __builtin_prefetch(begin + i);
}

// How many groups of entries a search looks into, and from how many entries it walks at most.
constexpr size_t most_starts = 8;
inline size_t entry_probes(size_t effort) {
  constexpr size_t effort_of_probe = 64, most = 4;
  return std::min(most, 2 + effort / effort_of_probe);
}

template <typename Score>
void best_entries(const GraphData& data, const Score& score, size_t effort, SearchScratch& scratch) {
  const EntryTable& table = data.entries;
  TopK &starts = scratch.starts, &nearest = scratch.nearest;
  starts.reset(std::min(effort, most_starts));
  nearest.reset(std::min(entry_probes(effort), table.pivots()));
  const auto score_group = [&](const EntryTable::Group& group) {
    while (scratch.places.size() < group.slots.size())
      scratch.places.push_back(static_cast<uint32_t>(scratch.places.size()));
    scratch.scores.resize(std::max(scratch.scores.size(), group.slots.size()));
    score(group.records, std::span(scratch.places).first(group.slots.size()), scratch.scores.data());
  };
  const auto offer = [&](const EntryTable::Group& group, size_t begin) {
    for (size_t i = begin; i < group.slots.size(); ++i) {
      if (scratch.scores[i] >= starts.threshold()) starts.offer({group.slots[i], scratch.scores[i]});
    }
  };
  if (!table.slots().empty()) {
    score_group(table.group(0));
    offer(table.group(0), table.pivots());
  }
  for (uint32_t g = 0; g < table.pivots(); ++g) {
    if (scratch.scores[g] >= nearest.threshold()) nearest.offer({g, scratch.scores[g]});
  }
  for (const Scored& pivot : nearest.kept()) {
    starts.offer({table.group(0).slots[pivot.index], pivot.score});
    score_group(table.group(pivot.index + size_t{1}));
    offer(table.group(pivot.index + size_t{1}), 0);
  }
  scratch.fresh.clear();
  scratch.scores.resize(std::max(scratch.scores.size(), most_starts));
  for (size_t i = 0; i < starts.kept().size(); ++i) {
    scratch.fresh.push_back(starts.kept()[i].index);
    scratch.scores[i] = starts.kept()[i].score;
  }
}

// Nodes expanded in one go, so that the fetches of one hide those of the other.
constexpr size_t expanded_at_once = 2;

template <typename Score>
void traverse(const GraphData& data, const Score& score, size_t effort, SearchScratch& scratch,
              const std::atomic<bool>* cancel) {
  Beam& beam = scratch.beam;
  Visited& visited = scratch.visited;
  beam.reset(effort);
  visited.reset(data.slots());
  best_entries(data, score, effort, scratch);
  visited.mark(scratch.fresh);
  beam.offer(scratch.fresh, scratch.scores.data());
  scratch.scores.resize(std::max(scratch.scores.size(), expanded_at_once * data.capacity));
  std::array<uint32_t, expanded_at_once> nodes;
  for (size_t step = 0;; ++step) {
    const size_t popped = beam.pop(nodes);
    if (popped == 0) return;
    if (cancel && step % 64 == 0 && cancel->load(std::memory_order_relaxed)) return;
    const size_t before = visited.count();
    for (size_t i = 0; i < popped; ++i) visited.mark(data.links_of(nodes[i]));
    const auto fresh = visited.since(before);
    for (const uint32_t end : fresh) prefetch_record(data, end);
    beam.peek(expanded_at_once, [&](uint32_t slot) { prefetch_links(data, slot); });
    score(data.records.data(), fresh, scratch.scores.data());
    beam.offer(fresh, scratch.scores.data());
  }
}

}  // namespace cowatch

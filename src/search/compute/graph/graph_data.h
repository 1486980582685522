// The arrays of a graph index and the traversal over them: what building, searching and updating share.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
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
  // Larger copies of what cannot hold so many slots, or is mapped from a file; a writer makes them beside the
  // readers, and holds these up only to take() them, which leaves the old arrays in `room`.
  struct Room {
    std::optional<HugeArray<uint8_t>> records, finer;
    std::optional<HugeArray<uint32_t>> links;
  };
  Room room_for(size_t slots) const;
  void take(Room& room);
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
  struct {
    std::vector<uint32_t> slots;
    std::vector<float> scores;
  } entries;
  CodeQuery query;
  std::vector<uint32_t> fresh, places;  // places: 0, 1, 2, …
  std::vector<float> scores, row, decoded;
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

// The best entries for a search of so much effort, into scratch.entries.
template <typename Score>
void best_entries(const GraphData& data, const Score& score, size_t effort, SearchScratch& scratch);

// Greedy best-first search: scratch.beam then holds the best, as many as `width` keeps. Stops early when patience ends.
// `near_end(beam)` is called when perhaps nothing better is to come: what the best need next may be fetched.
struct Nothing {
  void operator()(const Beam&) const {}
};
template <typename Score, typename NearEnd = Nothing>
void traverse(const GraphData& data, const Score& score, BeamWidth width, SearchScratch& scratch,
              const Patience& patience = {}, const NearEnd& near_end = {});

// Which of the candidates, nearest first, the slot of `scorer` is linked to: a candidate is dropped when one
// that was kept is alpha times nearer to it than the slot is (robust pruning; Subramanya et al., NeurIPS
// 2019); the nearest dropped ones fill up to three quarters of the degree. `candidates` bear the scorer's
// scores and get sorted; the slot itself must not be among them. Sets the scorer to other slots.
void prune(const GraphData& data, LinkScorer& scorer, std::vector<Scored>& candidates, size_t degree,
           std::vector<uint32_t>& kept);

// prune() of the ends of a slot's links, down to options.degree.
void prune_links(const GraphData& data, uint32_t slot, std::vector<uint32_t>& ends);

// A neighbour of a slot that goes away: the nearest of that one's other neighbours, `heirs`, at most so many, join the ends of
// the links of the slot that `scorer` is set to, `slot`.
void inherit(const GraphData& data, const LinkScorer& scorer, uint32_t slot, std::span<const uint32_t> heirs, size_t most,
             std::vector<uint32_t>& ends);

void prefetch_record(const GraphData& data, uint32_t slot);
void prefetch_finer(const GraphData& data, uint32_t slot);
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

inline void prefetch_finer(const GraphData& data, uint32_t slot) {
  const uint8_t* finer = data.finer.data() + slot * data.layout.finer_bytes;
  for (size_t at = 0; at < data.layout.finer_bytes; at += 64) __builtin_prefetch(finer + at);
}

inline void prefetch_links(const GraphData& data, uint32_t slot) {
  const uint32_t* begin = data.links.data() + slot * data.capacity;
  for (size_t i = 0; i < data.capacity; i += 16) __builtin_prefetch(begin + i);
}

// How many groups of entries a search looks into.
constexpr size_t most_probes = 4;
inline size_t entry_probes(size_t effort) {
  constexpr size_t effort_of_probe = 64;
  return std::min(most_probes, 2 + effort / effort_of_probe);
}

template <typename Score>
void best_entries(const GraphData& data, const Score& score, size_t effort, SearchScratch& scratch) {
  auto& [slots, scores] = scratch.entries;
  slots.clear(), scores.clear();
  const EntryTable& table = data.entries;
  if (table.slots().empty()) return;
  const auto score_group = [&](const EntryTable::Group& group) {
    while (scratch.places.size() < group.slots.size())
      scratch.places.push_back(static_cast<uint32_t>(scratch.places.size()));
    scratch.scores.resize(std::max(scratch.scores.size(), group.slots.size()));
    score(group.records, std::span(scratch.places).first(group.slots.size()), scratch.scores.data());
  };
  const auto pivots = table.group(0);
  score_group(pivots);
  std::array<Scored, most_probes + 1> nearest;
  size_t count = 0;
  for (uint32_t g = 0; g < table.pivots(); ++g) {
    const float value = scratch.scores[g];
    if (count == entry_probes(effort) && value <= nearest[count - 1].score) continue;
    size_t place = count < entry_probes(effort) ? count++ : count - 1;
    for (; place > 0 && nearest[place - 1].score < value; --place) nearest[place] = nearest[place - 1];
    nearest[place] = {g, value};
  }
  slots.assign(pivots.slots.begin() + static_cast<ptrdiff_t>(table.pivots()), pivots.slots.end());
  scores.assign(scratch.scores.begin() + static_cast<ptrdiff_t>(table.pivots()),
                scratch.scores.begin() + static_cast<ptrdiff_t>(pivots.slots.size()));
  for (size_t i = 0; i < count; ++i) {
    slots.push_back(pivots.slots[nearest[i].index]), scores.push_back(nearest[i].score);
    const auto group = table.group(nearest[i].index + size_t{1});
    score_group(group);
    // What is no nearer than the nearest pivot is not worth a start.
    size_t kept = slots.size();
    slots.resize(kept + group.slots.size() + 1), scores.resize(slots.size());
    for (size_t m = 0; m < group.slots.size(); ++m) {
      slots[kept] = group.slots[m], scores[kept] = scratch.scores[m];
      kept += scratch.scores[m] > nearest[0].score;
    }
    slots.resize(kept), scores.resize(kept);
  }
}

// Nodes expanded in one go.
constexpr size_t expanded_at_once = 2;

// Memory is slow, so the steps overlap: while the neighbours of the last nodes are scored, the links of the
// next ones are on their way, and then their neighbours' codes. The next nodes are chosen without knowing the
// scores of those under way, which costs few steps, since most of what is in the beam is expanded anyway.
template <typename Score, typename NearEnd>
void traverse(const GraphData& data, const Score& score, BeamWidth width, SearchScratch& scratch,
              const Patience& patience, const NearEnd& near_end) {
  Beam& beam = scratch.beam;
  Visited& visited = scratch.visited;
  beam.reset(width);
  visited.reset(data.slots());
  best_entries(data, score, width.expanded, scratch);
  visited.mark(scratch.entries.slots);
  beam.offer(scratch.entries.slots, scratch.entries.scores.data());
  scratch.scores.resize(std::max(scratch.scores.size(), expanded_at_once * data.capacity));
  std::array<uint32_t, expanded_at_once> nodes, next;
  size_t before = visited.count();
  for (size_t step = 0, count = 0;; ++step) {
    if (step % 64 == 0 && patience.ended()) return;
    const auto ready = visited.since(before);
    score(data.records.data(), ready, scratch.scores.data());
    beam.offer(ready, scratch.scores.data());
    const size_t next_count = beam.pop(next);
    if (count + next_count == 0) return;
    if (next_count == 0) near_end(beam);
    for (size_t i = 0; i < next_count; ++i) prefetch_links(data, next[i]);
    before = visited.count();
    for (size_t i = 0; i < count; ++i)
      visited.mark_until(GraphData::no_slot, {data.links.data() + nodes[i] * data.capacity, data.capacity});
    for (const uint32_t end : visited.since(before)) prefetch_record(data, end);
    std::swap(nodes, next);
    count = next_count;
  }
}

}  // namespace cowatch

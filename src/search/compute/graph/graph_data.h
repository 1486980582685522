// The arrays of a graph index and the traversal over them: what building, searching and updating share.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "search/compute/codes/scalar_codes.h"
#include "search/compute/graph/beam.h"
#include "search/compute/huge_array.h"
#include "search/compute/vector_index.h"

namespace cowatch {

// Cosine is l2 of vectors of length 1: near the query, its estimates from codes are the better ones.
//
// Numbers are coded after the mean of the vectors (of those the index was built from) was subtracted, except
// for inner products. These are searched over vectors as they are; the graph is linked by l2 of (x, √(M² −
// ‖x‖²)), M the largest length, where the inner product with (q, 0) and the distance from it give one order
// (Bachrach et al., RecSys 2014).
struct GraphData {
  static constexpr uint32_t no_slot = UINT32_MAX;

  GraphData(const IndexOptions& options, size_t dimension);

  IndexOptions options;
  ScalarLayout layout;
  std::vector<float> mean;
  float largest_square = 0;    // M², inner products only
  HugeArray<uint8_t> records;  // codes of each slot
  HugeArray<uint8_t> finer;    // second level, scalar4x8 only
  HugeArray<uint32_t> links;   // `capacity` places a slot, filled from the front, then no_slot
  size_t capacity = 0;
  std::vector<uint32_t> entries;  // where searches begin
  Allowed live{0};                // what may be answered; other slots may still be passed through

  size_t slots() const { return live.size(); }
  bool has_finer() const { return options.codes == CodeKind::scalar4x8; }
  std::span<const uint32_t> links_of(uint32_t slot) const;
  void set_links(uint32_t slot, std::span<const uint32_t> ends);
  void resize(size_t slots);
  // `row` as checked_row() gives it.
  void encode_slot(uint32_t slot, std::span<const float> row);
  float square_of(uint32_t slot) const;  // of the decoded vector
  size_t bytes() const;
};

// Working memory of one thread's searches.
struct SearchScratch {
  Beam beam;
  Visited visited;
  CodeQuery query;
  std::vector<uint32_t> fresh;
  std::vector<float> scores, row;
};
SearchScratch& thread_scratch();

// Scores by which the graph is linked: nearness of a slot's decoded vector, with the added coordinate for
// inner products. Higher is nearer; `distance` makes a squared distance of it.
class LinkScorer {
 public:
  explicit LinkScorer(const GraphData& data) : data_(data) {}
  void set(uint32_t slot);
  void score(std::span<const uint32_t> slots, float* scores) const;
  float distance(float score) const { return std::max(0.0f, square_ - score); }

 private:
  float added(float square) const;
  const GraphData& data_;
  CodeQuery query_;
  std::vector<float> row_;
  float square_ = 0, added_ = 0;
};

// Greedy best-first search from the entries: scratch.beam then holds the `effort` best by `score(slots,
// scores)`. Stops early when *cancel becomes true.
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
  const uint8_t* record = data.records.data() + slot * data.layout.record_bytes;
  for (size_t i = 0; i < data.layout.record_bytes; i += 64) __builtin_prefetch(record + i);
  __builtin_prefetch(record + data.layout.record_bytes - 1);
}

inline void prefetch_links(const GraphData& data, uint32_t slot) {
  const uint32_t* begin = data.links.data() + slot * data.capacity;
  for (size_t i = 0; i < data.capacity; i += 16) __builtin_prefetch(begin + i);
}

template <typename Score>
void traverse(const GraphData& data, const Score& score, size_t effort, SearchScratch& scratch,
              const std::atomic<bool>* cancel) {
  scratch.beam.reset(effort);
  scratch.visited.reset(effort * 24 + data.entries.size());
  auto& fresh = scratch.fresh;
  const auto offer_fresh = [&] {
    scratch.scores.resize(std::max(scratch.scores.size(), fresh.size()));
    score(std::span<const uint32_t>(fresh), scratch.scores.data());
    float threshold = scratch.beam.threshold();
    for (size_t i = 0; i < fresh.size(); ++i) {
      if (scratch.scores[i] < threshold) continue;
      scratch.beam.offer(fresh[i], scratch.scores[i]);
      threshold = scratch.beam.threshold();
    }
  };
  fresh.assign(data.entries.begin(), data.entries.end());
  for (const uint32_t entry : fresh) scratch.visited.insert(entry);
  offer_fresh();
  uint32_t slot = 0, ahead = 0;
  for (size_t step = 0; scratch.beam.pop(slot); ++step) {
    if (cancel && step % 64 == 0 && cancel->load(std::memory_order_relaxed)) return;
    fresh.clear();
    const uint32_t* ends = data.links.data() + slot * data.capacity;
    for (size_t i = 0; i < data.capacity && ends[i] != GraphData::no_slot; ++i) {
      if (!scratch.visited.insert(ends[i])) continue;
      fresh.push_back(ends[i]);
      prefetch_record(data, ends[i]);
    }
    if (scratch.beam.peek(ahead)) prefetch_links(data, ahead);
    offer_fresh();
  }
}

}  // namespace cowatch

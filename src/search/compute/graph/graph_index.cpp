#include "search/compute/graph/graph_index.h"

#include <algorithm>
#include <cmath>

#include <hwy/cache_control.h>

#include "math/vectors.h"
#include "search/compute/graph/filtered.h"
#include "search/compute/graph/graph_build.h"
#include "search/compute/index_base.h"

namespace cowatch {
namespace {

constexpr size_t default_effort = 48;
constexpr size_t rescored_at_once = 16;
// So few survivors of a filter are scored by their vectors, and so many by both levels of their codes: nothing is gained by
// looking at the first level alone.
constexpr size_t few_survivors = 24, some_survivors = 256;

// Scores of queries while they traverse: estimates from the codes.
struct QueryScorer {
  const GraphData& data;
  const CodeQuery& query;
  void operator()(const uint8_t* records, std::span<const uint32_t> slots, float* scores) const {
    score_codes(data.layout, query, records, slots, scores);
  }
};

// Locks are held for some microseconds, and to be put to sleep and woken takes ten times that.
template <typename Lock>
Lock soon(Lock lock) {
  constexpr int tries = 1500;
  for (int i = 0; i < tries; ++i) {
    if (lock.try_lock()) return lock;
    hwy::Pause();
  }
  lock.lock();
  return lock;
}

// From what the codes score (2⟨q, x⟩ − ‖x‖², both centred) to what the metric says.
float metric_score(Metric metric, float score, float query_square) {
  if (metric == Metric::inner_product) return score;
  const float distance = std::max(0.0f, query_square - score);
  return metric == Metric::l2 ? -distance : 1 - distance / 2;
}

size_t effort_of(size_t k, const SearchOptions& options) {
  return options.effort > 0 ? options.effort : std::max(k, default_effort);
}

// Of a scan by codes of which the best are scored again.
size_t scan_kept(size_t k) {
  return std::max<size_t>(32, 3 * k);
}

// Codes may take one of the best k for one a little behind: where these are scored again, some more are kept.
size_t candidates_kept(size_t k, const SearchOptions& options) {
  return std::max(options.rerank == 0 ? k : k + k / 2, effort_of(k, options));
}

}  // namespace

GraphIndex::GraphIndex(const IndexOptions& options, const VectorSource& source, const Allowed* present,
                       const std::function<void(size_t)>& advance)
    : GraphIndex(options, source) {
  build_graph(data_, source, present, advance);
}

// Codes are made around the mean of what a graph was built from, links go where that was, and by inner product as its longest
// vector has it.
bool GraphIndex::keeps_its_shape(std::span<const uint32_t> former_slots, const VectorSource& source) const {
  constexpr float longer = 1.01f;
  size_t added = 0;
  float largest_square = 0;
  std::vector<float> buffer(dimension());
  for (uint32_t slot = 0; slot < former_slots.size(); ++slot) {
    const uint32_t former = former_slots[slot];
    if (former != no_former && !data_.live.has(former)) return false;
    if (former != no_former) continue;
    ++added;
    if (metric() != Metric::inner_product) continue;
    const auto row = float_row(source, slot, buffer);
    largest_square = std::max(largest_square, dot(row, row));
  }
  return added <= former_slots.size() / 2 && largest_square <= longer * data_.largest_square;
}

std::unique_ptr<VectorIndex> GraphIndex::grown(const IndexOptions& options, std::span<const uint32_t> former_slots,
                                               const VectorSource& source,
                                               const std::function<void(size_t)>& advance) const {
  const auto lock = reading();
  check_source(source);
  check_index_memory(options, source.size(), source.dimension());
  const bool same = built_as(options) && options.seed == data_.options.seed && data_.rotation.turns();
  if (!same || !keeps_its_shape(former_slots, source)) return nullptr;
  std::unique_ptr<GraphIndex> index(new GraphIndex(options, source));
  grow_graph(index->data_, data_, former_slots, source, advance);
  return index;
}

std::shared_lock<std::shared_mutex> GraphIndex::reading() const {
  const auto gate = soon(std::unique_lock(gate_, std::defer_lock));
  return soon(std::shared_lock(mutex_, std::defer_lock));
}

std::unique_lock<std::shared_mutex> GraphIndex::writing() {
  const auto gate = soon(std::unique_lock(gate_, std::defer_lock));
  return soon(std::unique_lock(mutex_, std::defer_lock));
}

size_t GraphIndex::slots() const {
  const auto lock = reading();
  return data_.slots();
}

size_t GraphIndex::size() const {
  const auto lock = reading();
  return data_.live.count();
}

size_t GraphIndex::bytes() const {
  const auto lock = reading();
  return data_.bytes();
}

std::vector<Scored> GraphIndex::search(std::span<const float> query, size_t k,
                                       const SearchOptions& options) const {
  const auto checked = checked_query(metric(), dimension(), query);
  if (k == 0) return {};
  const auto lock = reading();
  options.patience.check();
  if (options.filter && options.filter->count() <= std::min(few_survivors, options.rerank))
    return score_survivors(checked, k, *options.filter);
  std::vector<Scored> candidates;
  find(checked, k, options, candidates);
  options.patience.check();
  rescore(checked, k, options, candidates);
  return candidates;
}

std::vector<Scored> GraphIndex::score_survivors(std::span<const float> query, size_t k, const Allowed& survivors) const {
  TopK best(std::min(k, survivors.count()));
  survivors.for_each([&](uint32_t slot) {
    if (data_.live.has(slot)) best.offer({slot, exact_score(metric(), query, source_, slot)});
  });
  return best.take();
}

// Live and allowed slots, best first, as the codes score them.
void GraphIndex::find(std::span<const float> query, size_t k, const SearchOptions& options,
                      std::vector<Scored>& candidates) const {
  auto& scratch = thread_scratch();
  scratch.row.assign(query.begin(), query.end());
  data_.transform(scratch.row);
  const bool products = metric() == Metric::inner_product;
  prepare_query(data_.layout, scratch.row, products ? 1 : 2, products ? 0 : 1, scratch.query);
  const size_t effort = effort_of(k, options), kept = candidates_kept(k, options);
  const QueryScorer score = {data_, scratch.query};
  if (options.filter) {
    if (options.filter->count() <= std::min(some_survivors, options.rerank)) {
      candidates.reserve(options.filter->count());
      options.filter->for_each([&](uint32_t slot) {
        if (data_.live.has(slot)) candidates.push_back({slot, __builtin_inff()});
      });
      return;
    }
    find_filtered(data_, score, kept, std::min(kept, scan_kept(k)), *options.filter, scratch, candidates, options.patience);
    return;
  }
  // Erased slots are passed through but not answered: make up for their places. There are no more than all slots.
  const size_t slots = data_.slots(), live = std::max<size_t>(1, data_.live.count());
  const BeamWidth width = {std::min(slots, kept * slots / live), std::min(slots, effort * slots / live)};
  traverse(data_, score, width, scratch, options.patience, [&](const Beam& beam) {
    if (!data_.has_finer() || options.rerank == 0) return;
    for (size_t i = 0; i < std::min(beam.size(), rescored_at_once); ++i) prefetch_finer(data_, beam[i].index);
  });
  candidates.reserve(scratch.beam.size());
  for (size_t i = 0; i < scratch.beam.size(); ++i) {
    if (data_.live.has(scratch.beam[i].index)) candidates.push_back(scratch.beam[i]);
  }
}

// How far the score of a candidate may well be above its estimate: some standard deviations of what rounding
// a vector to its steps does to it.
float GraphIndex::slack(const Scored& candidate, float query_square) const {
  constexpr float deviations = 2.0f;
  const uint8_t* record = data_.records.data() + candidate.index * data_.layout.record_bytes;
  const float step = constants_of(data_.layout, record).step, error = step / std::sqrt(12.0f);
  if (metric() == Metric::inner_product) return deviations * error * std::sqrt(query_square);
  const float distance = std::sqrt(std::max(0.0f, query_square - candidate.score));
  const float squares = static_cast<float>(dimension()) * error * error;
  return (metric() == Metric::cosine ? 0.5f : 1.0f) * (2 * deviations * error * distance + squares);
}

// Scores of the metric in the place of estimates.
void GraphIndex::score_again(std::span<const float> query, bool full, float query_square,
                             std::span<Scored> candidates) const {
  auto& scratch = thread_scratch();
  if (full) {
    scratch.decoded.resize(dimension());
    for (Scored& candidate : candidates)
      candidate.score = exact_score(metric(), query, float_row(source_, candidate.index, scratch.decoded));
    return;
  }
  scratch.fresh.clear();
  for (const Scored& candidate : candidates) scratch.fresh.push_back(candidate.index);
  scratch.scores.resize(std::max(scratch.scores.size(), candidates.size()));
  score_finer(data_.layout, scratch.query, data_.records.data(), data_.finer.data(), scratch.fresh,
              scratch.scores.data());
  for (size_t i = 0; i < candidates.size(); ++i)
    candidates[i].score = metric_score(metric(), scratch.scores[i], query_square);
}

// The best k by finer scores. Candidates come best first by their estimates, so it ends at the first whose
// estimate is too low to come in.
void GraphIndex::rescore(std::span<const float> query, size_t k, const SearchOptions& options,
                         std::vector<Scored>& candidates) const {
  const auto& scratch = thread_scratch();
  const float square = dot(scratch.row, scratch.row);  // of the centred query, from find()
  const bool full = options.full_vectors || data_.options.codes == CodeKind::scalar4;
  const size_t most = std::min(candidates.size(), options.rerank == 0 ? k : std::max(k, options.rerank));
  const auto part = [&](size_t begin) {
    return std::span(candidates)
        .subspan(std::min(begin, most), std::min(rescored_at_once, most - std::min(begin, most)));
  };
  const auto prefetch = [&](std::span<const Scored> next) {
    for (const Scored& candidate : next) {
      if (full) {
        __builtin_prefetch(source_.row(candidate.index));
      } else if (data_.has_finer()) {  // without, records were read just now
        prefetch_finer(data_, candidate.index);
      }
    }
  };
  TopK best(std::min(k, candidates.size()));
  if (options.rerank > 0) prefetch(part(0));
  for (size_t begin = 0; begin < most; begin += rescored_at_once) {
    const auto some = part(begin);
    const Scored first = some.front();
    if (options.rerank == 0) {
      for (Scored& candidate : some) candidate.score = metric_score(metric(), candidate.score, square);
    } else {
      if (metric_score(metric(), first.score, square) + slack(first, square) < best.threshold()) break;
      prefetch(part(begin + rescored_at_once));
      score_again(query, full, square, some);
    }
    for (const Scored& candidate : some) {
      if (candidate.score >= best.threshold()) best.offer(candidate);
    }
  }
  candidates = best.take();
}

PredictedBytes predict_graph_bytes(const IndexOptions& options, size_t vectors, size_t dimension) {
  const ScalarLayout layout(dimension, options.codes == CodeKind::scalar8 ? 8 : 4);
  const size_t codes =
      vectors * (layout.record_bytes + (options.codes == CodeKind::scalar4x8 ? layout.finer_bytes : 0));
  const size_t links = vectors * options.degree * sizeof(uint32_t);
  const size_t entries = EntryTable::entry_count(vectors);
  const size_t entry_bytes = entries * (layout.record_bytes + 4) + (EntryTable::pivot_count(entries) + 2) * 4;
  const size_t rest = (vectors + 63) / 64 * 8 + entry_bytes + dimension * 4;
  const size_t room = links + links / 2;
  constexpr size_t order = 4 + 16;  // of each vector, while building
  return {codes + links + rest, codes + rest + room + std::max(links, vectors * order)};
}

}  // namespace cowatch

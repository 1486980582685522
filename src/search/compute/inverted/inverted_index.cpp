#include "search/compute/inverted/inverted_index.h"

#include <algorithm>
#include <mutex>

#include "math/vectors.h"
#include "search/compute/codes/k_means.h"
#include "search/compute/index_base.h"
#include "search/compute/scan.h"

namespace cowatch {
namespace {

constexpr size_t default_effort = 100;
constexpr size_t scanned_blocks = 8;       // between looks at the threshold
constexpr size_t scanned_survivors = 256;  // between looks at who waits
// Fetching a full vector from a random place costs about as much as scanning so many codes.
constexpr size_t random_cost = 16;

// Working memory of one thread's searches.
struct Scratch {
  CodeTables tables;
  std::vector<float> turned, remainder, centre_scores;
  std::vector<Scored> order;
  std::vector<CodeHit> hits;
};
Scratch& scratch_of_thread() {
  thread_local Scratch scratch;
  return scratch;
}

// The scan of one query over lists: prepares the tables when they change and offers what passes the
// threshold.
class ListScan {
 public:
  ListScan(const InvertedData& data, std::span<const float> query, const Allowed* filter, Scratch& scratch)
      : data_(data),
        filter_(filter),
        scratch_(scratch),
        products_(data.options.metric == Metric::inner_product) {
    auto& turned = scratch.turned;
    turned.resize(data.projection.outputs());
    if (products_) {
      data.projection.turn(query, turned);
      if (!data.projection.mean().empty()) mean_product_ = dot(query, data.projection.mean());
    } else {
      data.projection.apply(query, turned);
    }
    scratch.hits.resize(scanned_blocks * block_codes);
    if (products_ || !data.residual) prepare(turned);
  }

  // Lists, the nearest centres first.
  std::span<const Scored> order(size_t count) {
    auto& scores = scratch_.centre_scores;
    scores.resize(data_.centre_halves.size());
    score_rows(scratch_.turned, data_.centre_rows(), scores);
    auto& order = scratch_.order;
    order.resize(scores.size());
    for (uint32_t c = 0; c < scores.size(); ++c)
      order[c] = {c, products_ ? scores[c] : scores[c] - data_.centre_halves[c]};
    std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(count), order.end(), better);
    return order;
  }

  void scan(const Scored& list, TopK& best) {
    const auto slots = data_.lists.slots(list.index);
    if (slots.empty()) return;
    float base = mean_product_;
    if (data_.residual && products_) {
      base += list.score;
    } else if (data_.residual) {
      const auto centre = data_.centre_rows().row(list.index);
      auto& remainder = scratch_.remainder;
      remainder.resize(centre.size());
      for (size_t i = 0; i < centre.size(); ++i) remainder[i] = scratch_.turned[i] - centre[i];
      prepare(remainder);
      base = -dot(remainder, remainder);
    } else if (!products_) {
      base = -dot(scratch_.turned, scratch_.turned);
    }
    const size_t blocks = (slots.size() + block_codes - 1) / block_codes;
    for (size_t b = 0; b < blocks; b += scanned_blocks) {
      const size_t found = data_.code->scan(
          scratch_.tables, data_.lists.blocks(list.index) + b * data_.code->block_bytes(),
          std::min(scanned_blocks, blocks - b), best.threshold() - base, scratch_.hits.data());
      for (size_t h = 0; h < found; ++h) {
        const size_t place = b * block_codes + scratch_.hits[h].place;
        if (place >= slots.size()) break;  // the last block is not full
        if (!filter_ || filter_->has(slots[place])) best.offer({slots[place], base + scratch_.hits[h].score});
      }
    }
  }

 private:
  void prepare(std::span<const float> query) {
    data_.code->prepare(query, products_ ? 1 : 2, products_ ? 0 : 1, scratch_.tables);
  }

  const InvertedData& data_;
  const Allowed* filter_;
  Scratch& scratch_;
  bool products_;
  float mean_product_ = 0;
};

float metric_score(Metric metric, float score) {
  if (metric == Metric::inner_product) return score;
  const float distance = std::max(0.0f, -score);
  return metric == Metric::l2 ? -distance : 1 - distance / 2;
}

}  // namespace

size_t InvertedData::bytes() const {
  return lists.bytes() + projection.held_bytes() + code->held_bytes() +
         (centres.size() + centre_halves.size() + list_of.size()) * sizeof(float);
}

uint32_t InvertedData::encode(std::span<const float> row, std::vector<uint8_t>& encoded) const {
  std::vector<float> whole(projection.outputs());
  projection.apply(row, whole);
  const ConstMatrix whole_row(whole.data(), 1, whole.size());
  uint32_t list = 0;
  nearest_here(whole_row, centre_rows(), centre_halves, {&list, 1});
  std::vector<float> remainder = whole;
  if (residual) {
    const auto centre = centre_rows().row(list);
    for (size_t i = 0; i < remainder.size(); ++i) remainder[i] -= centre[i];
  }
  encoded.resize(code->code_bytes());
  code->encode({remainder.data(), 1, remainder.size()}, whole_row, encoded.data());
  return list;
}

InvertedIndex::InvertedIndex(const IndexOptions& options, const VectorSource& source, const Allowed* present,
                             const std::function<void(size_t)>& advance)
    : VectorIndex(IndexKind::ivf, options.metric, source),
      data_(build_inverted(options, source, present, advance)) {}

size_t InvertedIndex::slots() const {
  const std::shared_lock lock(mutex_);
  return data_.list_of.size();
}

size_t InvertedIndex::size() const {
  const std::shared_lock lock(mutex_);
  return data_.live;
}

size_t InvertedIndex::bytes() const {
  const std::shared_lock lock(mutex_);
  return data_.bytes();
}

InvertedIndex::Plan InvertedIndex::plan(size_t k, const SearchOptions& options) const {
  const size_t lists = data_.lists.lists();
  Plan plan = {std::max(k, options.effort > 0 ? options.effort : default_effort),
               options.probes > 0 ? options.probes : usual_probes(lists), false};
  plan.probes = std::min(plan.probes, lists);
  if (!options.filter) return plan;
  const size_t survivors = options.filter->count();
  if (survivors <= plan.effort) return {plan.effort, 0, true};
  plan.probes = std::min(lists, (plan.probes * data_.live + survivors - 1) / survivors);
  plan.survivors = survivors * random_cost <= plan.probes * data_.live / lists;
  return plan;
}

std::vector<Scored> InvertedIndex::scan_lists(std::span<const float> query, const Plan& plan,
                                              const SearchOptions& options) const {
  ListScan scan(data_, query, options.filter, scratch_of_thread());
  const size_t lists = data_.lists.lists(), effort = std::min(plan.effort, data_.live);
  TopK best(effort);
  // Under a filter lists are scanned until candidates are found, and then as many again as were asked for.
  const auto order = scan.order(options.filter ? lists : plan.probes);
  size_t last = plan.probes;
  const size_t wanted = options.filter ? std::min(effort, options.filter->count()) : 0;
  for (size_t i = 0; i < last && i < lists; ++i) {
    options.patience.check();
    scan.scan(order[i], best);
    if (best.size() < wanted) last = std::max(last, std::min(lists, i + 1 + plan.probes));
  }
  return best.take();
}

std::vector<Scored> InvertedIndex::scan_survivors(std::span<const float> query, size_t k,
                                                  const SearchOptions& options) const {
  TopK best(std::min(k, options.filter->count()));
  size_t seen = 0;
  options.filter->for_each([&](uint32_t slot) {
    if (seen++ % scanned_survivors == 0) options.patience.check();
    if (slot >= data_.list_of.size() || data_.list_of[slot] == InvertedData::no_list) return;
    best.offer({slot, exact_score(metric(), query, source_, slot)});
  });
  return best.take();
}

std::vector<Scored> InvertedIndex::search(std::span<const float> query, size_t k,
                                          const SearchOptions& options) const {
  const auto checked = checked_query(metric(), dimension(), query);
  if (k == 0) return {};
  const std::shared_lock lock(mutex_);
  options.patience.check();
  const Plan planned = plan(k, options);
  if (planned.survivors) return scan_survivors(checked, k, options);
  auto candidates = scan_lists(checked, planned, options);
  const size_t count = options.rerank == 0 ? 0 : std::min(candidates.size(), std::max(k, options.rerank));
  if (count == 0) {
    for (Scored& candidate : candidates) candidate.score = metric_score(metric(), candidate.score);
    if (candidates.size() > k) candidates.resize(k);
    return candidates;
  }
  candidates.resize(count);
  for (const Scored& candidate : candidates) __builtin_prefetch(source_.row(candidate.index));
  TopK best(std::min(k, count));
  for (const Scored& candidate : candidates)
    best.offer({candidate.index, exact_score(metric(), checked, source_, candidate.index)});
  return best.take();
}

void InvertedIndex::erase_live(uint32_t slot) {
  uint32_t& list = data_.list_of[slot];
  if (list == InvertedData::no_list) return;
  data_.lists.remove(*data_.code, list, slot);
  list = InvertedData::no_list;
  --data_.live;
}

void InvertedIndex::insert(uint32_t slot) {
  if (slot >= source_.size() || slot > slots()) {
    throw Error(ErrorCode::bad_argument, "a slot would leave a gap",
                {.expected = "at most " + std::to_string(slots()), .found = std::to_string(slot)});
  }
  std::vector<float> row(dimension());
  checked_row(metric(), source_, slot, row);
  std::vector<uint8_t> encoded;
  const uint32_t list = data_.encode(row, encoded);  // what it reads is not changed after training
  const std::unique_lock lock(mutex_);
  if (slot > data_.list_of.size())
    throw Error(ErrorCode::bad_argument, "a slot would leave a gap", {.found = std::to_string(slot)});
  if (slot == data_.list_of.size()) data_.list_of.push_back(InvertedData::no_list);
  erase_live(slot);
  data_.lists.append(*data_.code, list, slot, encoded.data());
  data_.list_of[slot] = list;
  ++data_.live;
}

void InvertedIndex::erase(uint32_t slot) {
  const std::unique_lock lock(mutex_);
  if (slot < data_.list_of.size()) erase_live(slot);
}

}  // namespace cowatch

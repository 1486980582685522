#include "search/compute/graph/graph_data.h"

#include <algorithm>
#include <cmath>

namespace cowatch {
namespace {

float square_of(const ScalarLayout& layout, const uint8_t* records, uint32_t slot) {
  return constants_of(layout, records + slot * layout.record_bytes).square;
}

}  // namespace

GraphData::GraphData(const IndexOptions& made_with, size_t dimension)
    : options(made_with),
      layout(dimension, made_with.codes == CodeKind::scalar8 ? 8 : 4),
      mean(dimension),
      rotation(dimension, made_with.seed),
      capacity(made_with.degree) {}

void GraphData::set_links(uint32_t slot, std::span<const uint32_t> ends) {
  uint32_t* place = links.writable() + slot * capacity;
  std::copy(ends.begin(), ends.end(), place);
  std::fill(place + ends.size(), place + capacity, no_slot);
}

GraphData::Room GraphData::room_for(size_t size) const {
  Room room;
  room.records = records.with_room(size * layout.record_bytes);
  if (has_finer()) room.finer = finer.with_room(size * layout.finer_bytes);
  room.links = links.with_room(size * capacity);
  return room;
}

void GraphData::take(Room& room) {
  if (room.records) std::swap(records, *room.records);
  if (room.finer) std::swap(finer, *room.finer);
  if (room.links) std::swap(links, *room.links);
}

void GraphData::resize(size_t size) {
  const size_t before = slots();
  records.resize(size * layout.record_bytes);
  if (has_finer()) finer.resize(size * layout.finer_bytes);
  links.resize(size * capacity);
  live.resize(size);
  for (size_t slot = before; slot < size; ++slot) set_links(static_cast<uint32_t>(slot), {});
}

void GraphData::transform(std::span<float> row) const {
  for (size_t i = 0; i < row.size(); ++i) row[i] -= mean[i];
  rotation.apply(row);
}

void GraphData::encode_slot(uint32_t slot, std::span<float> row) {
  transform(row);
  encode(layout, row, records.writable() + slot * layout.record_bytes,
         has_finer() ? finer.writable() + slot * layout.finer_bytes : nullptr);
}

float GraphData::square_of(uint32_t slot) const {
  return cowatch::square_of(layout, records.data(), slot);
}

size_t GraphData::bytes() const {
  return records.bytes() + finer.bytes() + links.bytes() + live.words().size() * sizeof(uint64_t) +
         entries.bytes() + mean.size() * sizeof(float);
}

SearchScratch& thread_scratch() {
  thread_local SearchScratch scratch;
  return scratch;
}

void LinkScorer::set(uint32_t slot) {
  row_.resize(data_.layout.dimension);
  decode(data_.layout, data_.records.data() + slot * data_.layout.record_bytes, row_);
  const bool products = data_.options.metric == Metric::inner_product;
  prepare_query(data_.layout, row_, 2, products ? 0 : 1, query_);
  square_ = products ? data_.largest_square : data_.square_of(slot);
  if (products) added_ = added(data_.square_of(slot));
}

float LinkScorer::added(float square) const {
  return std::sqrt(std::max(0.0f, data_.largest_square - square));
}

void LinkScorer::operator()(const uint8_t* records, std::span<const uint32_t> slots, float* scores) const {
  score_codes(data_.layout, query_, records, slots, scores);
  if (data_.options.metric != Metric::inner_product) return;
  for (size_t i = 0; i < slots.size(); ++i)
    scores[i] += 2 * added_ * added(square_of(data_.layout, records, slots[i])) - data_.largest_square;
}

void prune(const GraphData& data, LinkScorer& scorer, std::vector<Scored>& candidates, size_t degree,
           std::vector<uint32_t>& kept) {
  struct Scratch {
    std::vector<float> distances, scores;
    std::vector<uint32_t> rest, places;
  };
  thread_local Scratch scratch;
  auto& [distances, scores, rest, places] = scratch;
  std::sort(candidates.begin(), candidates.end(), better);
  distances.resize(candidates.size());
  for (size_t i = 0; i < candidates.size(); ++i) distances[i] = scorer.distance(candidates[i].score);
  places.resize(candidates.size());
  for (size_t i = 0; i < places.size(); ++i) places[i] = static_cast<uint32_t>(i);
  scores.resize(candidates.size());
  kept.clear();
  // `places` are the candidates still in question, nearest first.
  while (!places.empty() && kept.size() < degree) {
    const uint32_t chosen = candidates[places.front()].index;
    kept.push_back(chosen);
    if (kept.size() == degree || places.size() == 1) break;
    rest.clear();
    for (size_t i = 1; i < places.size(); ++i) rest.push_back(candidates[places[i]].index);
    scorer.set(chosen);
    scorer(data.records.data(), rest, scores.data());
    size_t left = 0;
    for (size_t i = 0; i < rest.size(); ++i) {
      const uint32_t place = places[i + 1];
      if (data.options.alpha * scorer.distance(scores[i]) > distances[place]) places[left++] = place;
    }
    places.resize(left);
  }
  // Where neighbours crowd, most are dropped and the few links left lead nowhere else: the nearest dropped
  // ones come back, up to three quarters of the degree.
  const size_t fewest = degree - degree / 4;
  for (size_t i = 0; i < candidates.size() && kept.size() < fewest; ++i) {
    if (std::find(kept.begin(), kept.end(), candidates[i].index) == kept.end())
      kept.push_back(candidates[i].index);
  }
}

void prune_links(const GraphData& data, uint32_t slot, std::vector<uint32_t>& ends) {
  thread_local std::vector<float> scores;
  LinkScorer scorer(data);
  scorer.set(slot);
  scores.resize(ends.size());
  scorer(data.records.data(), ends, scores.data());
  std::vector<Scored> candidates(ends.size());
  // Codes of a damaged file score NaN, which has no place in an order.
  for (size_t i = 0; i < ends.size(); ++i) candidates[i] = {ends[i], std::isnan(scores[i]) ? -INFINITY : scores[i]};
  prune(data, scorer, candidates, data.options.degree, ends);
}

void inherit(const GraphData& data, const LinkScorer& scorer, uint32_t slot, std::span<const uint32_t> heirs, size_t most,
             std::vector<uint32_t>& ends) {
  thread_local std::vector<float> scores;
  thread_local std::vector<Scored> nearest;
  scores.resize(std::max(scores.size(), heirs.size()));
  scorer(data.records.data(), heirs, scores.data());
  nearest.clear();
  for (size_t i = 0; i < heirs.size(); ++i) {
    if (!std::isnan(scores[i]) && heirs[i] != slot && std::find(ends.begin(), ends.end(), heirs[i]) == ends.end())
      nearest.push_back({heirs[i], scores[i]});
  }
  const size_t count = std::min(most, nearest.size());
  std::partial_sort(nearest.begin(), nearest.begin() + static_cast<ptrdiff_t>(count), nearest.end(), better);
  for (size_t i = 0; i < count; ++i) ends.push_back(nearest[i].index);
}

}  // namespace cowatch

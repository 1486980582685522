#include "graph/negatives.h"

#include <algorithm>
#include <array>

namespace cowatch {
namespace {

constexpr std::array<std::string_view, 4> level_names{"l0", "l1", "l2", "random"};
constexpr uint32_t negative_stream = 0x6e656700;  // one stream for each attempt at each level, 64 in all
constexpr uint32_t attempts = 8;  // before candidates are counted: rarely needed unless a is a hub

}  // namespace

std::string_view negative_level_name(NegativeLevel level) {
  return level_names[static_cast<size_t>(level)];
}

std::optional<NegativeLevel> negative_level_named(std::string_view name) {
  const auto found = std::find(level_names.begin(), level_names.end(), name);
  if (found == level_names.end()) return std::nullopt;
  return static_cast<NegativeLevel>(found - level_names.begin());
}

NegativeSampler::NegativeSampler(const Graph& graph, const AffinityTree& tree, uint64_t seed)
    : graph_(graph), tree_(tree), seed_(seed) {
  if (graph.nodes() == tree.videos() && graph.nodes() > 0) return;
  throw Error(ErrorCode::bad_input, "the graph and the tree are not of the same videos",
              {.where = "",
               .expected = "a tree of " + std::to_string(graph.nodes()) + " videos (at least one)",
               .found = std::to_string(tree.videos()),
               .remedy = "Run `cowatch graph` again: it makes both."});
}

uint32_t NegativeSampler::Ring::at(uint32_t place) const {
  const uint32_t position = outer.begin + place;
  return position < inner.begin ? position : position + inner.size();
}

bool NegativeSampler::Ring::has(uint32_t position) const {
  return position >= outer.begin && position < outer.end && (position < inner.begin || position >= inner.end);
}

uint32_t NegativeSampler::Ring::place_of(uint32_t position) const {
  return position - outer.begin - (position < inner.begin ? 0 : inner.size());
}

NegativeSampler::Ring NegativeSampler::ring(uint32_t anchor, NegativeLevel level) const {
  const auto all = AffinityTree::Range{0, static_cast<uint32_t>(tree_.videos())};
  if (level == NegativeLevel::random) return {all, tree_.range_of(0, anchor)};
  const auto inner_round = static_cast<size_t>(level);
  if (inner_round + 1 > tree_.rounds())
    return {{0, 0}, {0, 0}};  // the tree ended below: nothing at this level
  return {tree_.range_of(inner_round + 1, anchor), tree_.range_of(inner_round, anchor)};
}

Negative NegativeSampler::draw(uint32_t anchor, NegativeLevel level, uint64_t step, uint32_t index) const {
  const auto first = static_cast<uint32_t>(level);
  for (uint32_t l = first; l <= static_cast<uint32_t>(NegativeLevel::random); ++l) {
    const auto found = draw_in(ring(anchor, static_cast<NegativeLevel>(l)), anchor, l, step, index);
    if (found) return {*found, static_cast<uint8_t>(l - first)};
  }
  const auto top = static_cast<uint32_t>(NegativeLevel::random) + 1;
  const Ring others = ring(anchor, NegativeLevel::random);
  if (others.size() == 0) return {anchor, static_cast<uint8_t>(top - first)};
  const Random random(seed_, negative_stream + top * attempts);
  const uint32_t position = others.at(static_cast<uint32_t>(random.below(others.size(), step, index)));
  return {tree_.order()[position], static_cast<uint8_t>(top - first)};
}

std::optional<uint32_t> NegativeSampler::draw_in(const Ring& ring, uint32_t anchor, uint32_t use,
                                                 uint64_t step, uint32_t index) const {
  if (ring.size() == 0) return std::nullopt;
  for (uint32_t attempt = 0; attempt + 1 != attempts; ++attempt) {
    const Random random(seed_, negative_stream + use * attempts + attempt);
    const auto place = static_cast<uint32_t>(random.below(ring.size(), step, index));
    const uint32_t video = tree_.order()[ring.at(place)];
    if (!graph_.has_edge(anchor, video)) return video;
  }
  const std::vector<uint32_t> taken = neighbours_in(ring, anchor);
  const auto free = ring.size() - static_cast<uint32_t>(taken.size());
  if (free == 0) return std::nullopt;
  const Random random(seed_, negative_stream + use * attempts + attempts - 1);
  auto place = static_cast<uint32_t>(random.below(free, step, index));
  for (const uint32_t t :
       taken) {  // place counts the free ones; each taken place before it moves it on by one
    if (t > place) break;
    ++place;
  }
  return tree_.order()[ring.at(place)];
}

std::vector<uint32_t> NegativeSampler::neighbours_in(const Ring& ring, uint32_t anchor) const {
  std::vector<uint32_t> places;
  for (const uint32_t neighbour : graph_.neighbours(anchor)) {
    const uint32_t position = tree_.position(neighbour);
    if (ring.has(position)) places.push_back(ring.place_of(position));
  }
  std::sort(places.begin(), places.end());
  return places;
}

std::vector<uint32_t> NegativeSampler::candidates(uint32_t anchor, NegativeLevel level) const {
  const Ring around = ring(anchor, level);
  std::vector<uint32_t> videos;
  for (uint32_t place = 0; place != around.size(); ++place) {
    const uint32_t video = tree_.order()[around.at(place)];
    if (!graph_.has_edge(anchor, video)) videos.push_back(video);
  }
  std::sort(videos.begin(), videos.end());
  return videos;
}

}  // namespace cowatch

#include "graph/triplets.h"

#include <algorithm>
#include <cmath>

namespace cowatch {
namespace {

constexpr uint32_t anchor_stream = 0x616e6368;
constexpr uint32_t positive_stream = 0x706f7369;
constexpr uint32_t lone_stream = 0x6c6f6e65;

}  // namespace

TripletSampler::TripletSampler(const Graph& graph, const AffinityTree& tree, const TripletSettings& settings,
                               uint64_t seed)
    : graph_(graph), negatives_(graph, tree, seed), seed_(seed) {
  for (uint32_t video = 0; video != graph.nodes(); ++video) {
    (graph.degree(video) > 0 ? anchors_ : lone_).push_back(video);
  }
  if (anchors_.empty()) {
    throw Error(ErrorCode::bad_input, "the graph has no edges: there is nothing to learn from",
                {.where = "the co-watch graph",
                 .expected = "at least one pair of videos that people watched together",
                 .found = std::to_string(graph.nodes()) + " videos, all isolated",
                 .remedy = "Import more watches, or lower graph.min_people, and run `cowatch graph` again."});
  }
  if (!std::isfinite(settings.anchor_power)) {
    throw Error(ErrorCode::bad_argument, "the power of the degree is not a number",
                {.where = "train.anchor_power",
                 .expected = "a finite number",
                 .found = std::to_string(settings.anchor_power),
                 .remedy = ""});
  }
  if (settings.anchor_power != 0) {
    std::vector<double> weights;
    weights.reserve(anchors_.size());
    for (const uint32_t video : anchors_) {
      weights.push_back(std::pow(static_cast<double>(graph.degree(video)), settings.anchor_power));
    }
    anchor_table_ = AliasTable(weights);
  }
  if (!settings.positive_by_weight) return;
  row_begin_.reserve(graph.nodes());
  cumulative_.reserve(2 * graph.edges());
  for (uint32_t video = 0; video != graph.nodes(); ++video) {
    row_begin_.push_back(cumulative_.size());
    double sum = 0;
    for (const float weight : graph.weights(video)) cumulative_.push_back(sum += static_cast<double>(weight));
  }
}

Triplet TripletSampler::draw(uint64_t step, uint32_t index, NegativeLevel level) const {
  const uint32_t anchor = draw_anchor(step, index);
  const uint32_t positive = draw_positive(anchor, step, index);
  const Negative negative = negatives_.draw(anchor, level, step, index);
  return {anchor, positive, negative.video, negative.climbed};
}

uint32_t TripletSampler::draw_lone(uint64_t step, uint32_t index) const {
  return lone_[Random(seed_, lone_stream).below(lone_.size(), step, index)];
}

uint32_t TripletSampler::draw_anchor(uint64_t step, uint32_t index) const {
  const Random random(seed_, anchor_stream);
  if (anchor_table_.size() > 0) return anchors_[anchor_table_.draw(random.bits(step, index))];
  return anchors_[random.below(anchors_.size(), step, index)];
}

uint32_t TripletSampler::draw_positive(uint32_t anchor, uint64_t step, uint32_t index) const {
  const Random random(seed_, positive_stream);
  const auto row = graph_.neighbours(anchor);
  if (row_begin_.empty()) return row[random.below(row.size(), step, index)];
  const auto sums = std::span(cumulative_).subspan(row_begin_[anchor], row.size());
  const auto place = std::upper_bound(sums.begin(), sums.end(), random.uniform(step, index) * sums.back());
  return row[std::min(static_cast<size_t>(place - sums.begin()), row.size() - 1)];
}

}  // namespace cowatch

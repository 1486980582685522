// A small catalogue whose features say who is whose neighbour: for tests of training.
#pragma once

#include <vector>

#include "base/random.h"
#include "graph/graph.h"
#include "learn/features.h"

namespace cowatch::test {

struct SmallWorld {
  FeatureTable features;
  Graph graph;
};

// Groups of six videos around a random centre, each a neighbour of the next two of its group and, one in
// four, of a video anywhere. Two modalities of six and four columns; every seventh video lacks the second,
// video 5 lacks both. `changed` videos (empty: none) get other features and other edges among themselves.
inline SmallWorld small_world(size_t videos, const std::vector<uint32_t>& changed = {}) {
  constexpr size_t width = 10, group = 6;
  const Random centres(1, 1), noise(1, 2), ends(1, 3), others(2, 2);
  std::vector<bool> is_changed(videos);
  for (const uint32_t video : changed) is_changed[video] = true;
  std::vector<float> values(videos * width);
  std::vector<uint8_t> present(videos * 2, 1);
  std::vector<Edge> edges;
  for (uint32_t video = 0; video != videos; ++video) {
    const Random& own = is_changed[video] ? others : noise;
    for (uint32_t k = 0; k != width; ++k) {
      values[video * width + k] =
          static_cast<float>(3 + 2 * centres.normal(video / group, k) + own.normal(video, k));
    }
    if (video % 7 == 0) present[2 * video + 1] = 0;
    if (video == 5) present[2 * video] = present[2 * video + 1] = 0;
    for (uint32_t next = 1; next <= 2; ++next) {
      if (video + next >= videos || (video + next) / group != video / group) continue;
      if (is_changed[video] || is_changed[video + next]) continue;
      edges.push_back({video, video + next, 1.0F + static_cast<float>(next)});
    }
    const auto far = static_cast<uint32_t>(ends.below(videos, 0, video));
    if (video % 4 == 0 && far != video && !is_changed[video] && !is_changed[far])
      edges.push_back({video, far, 1});
  }
  for (size_t k = 1; k < changed.size(); ++k) edges.push_back({changed[k - 1], changed[k], 5});
  return {FeatureTable(videos, {{"picture", 0, 6}, {"sound", 6, 10}}, std::move(values), std::move(present)),
          Graph::from_edges(videos, std::move(edges))};
}

}  // namespace cowatch::test

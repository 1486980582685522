#include "bench/graded_world.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "base/threads.h"

namespace cowatch::bench {
namespace {

constexpr size_t children = 8, leaf = 8, width = 128, hidden = 48;
constexpr double stay = 0.7, noise = 0.6, shrink = 0.8;
constexpr size_t partners = 10;
constexpr uint32_t cluster_stream = 0x776f726c, map_stream = 0x776d6170, noise_stream = 0x776e6f69,
                   edge_stream = 0x77656467;

// Number of levels above a video until one cluster holds all.
size_t depth_of(size_t videos) {
  size_t depth = 1;
  for (size_t size = leaf; size < videos; size *= children) ++depth;
  return depth;
}

// First video of v's cluster `level` levels up, and the cluster's size: 8, 64, 512, …
std::pair<size_t, size_t> cluster_of(size_t video, size_t level, size_t videos) {
  size_t size = leaf;
  for (size_t k = 0; k < level; ++k) size *= children;
  const size_t begin = video / size * size;
  return {begin, std::min(size, videos - begin)};
}

std::vector<float> features_of(size_t videos, uint64_t seed, size_t depth) {
  const Random clusters(seed, cluster_stream), map(seed, map_stream), noises(seed, noise_stream);
  std::vector<double> mixing(width * hidden);
  for (size_t k = 0; k < mixing.size(); ++k)
    mixing[k] = map.normal(0, static_cast<uint32_t>(k)) / std::sqrt(double{hidden});
  std::vector<float> values(videos * width);
  parallel_for(videos, 256, [&](size_t begin, size_t end) {
    for (size_t video = begin; video < end; ++video) {
      std::vector<double> place(hidden);
      double strength = 1;
      for (size_t level = depth; level-- > 0; strength *= shrink) {
        const uint64_t cluster = cluster_of(video, level, videos).first + (uint64_t{level} << 40);
        for (size_t k = 0; k < hidden; ++k)
          place[k] += strength * clusters.normal(cluster, static_cast<uint32_t>(k));
      }
      for (size_t k = 0; k < width; ++k) {
        double sum = 0;
        for (size_t h = 0; h < hidden; ++h) sum += mixing[k * hidden + h] * place[h];
        values[video * width + k] =
            static_cast<float>(std::sin(2 * sum) + noise * noises.normal(video, static_cast<uint32_t>(k)));
      }
    }
  });
  return values;
}

}  // namespace

GradedWorld make_graded_world(size_t videos, uint64_t seed) {
  const size_t depth = depth_of(videos);
  const Random random(seed, edge_stream);
  std::vector<Edge> edges;
  for (size_t video = 0; video < videos; ++video) {
    for (size_t partner = 0; partner < partners; ++partner) {
      size_t level = 0;
      uint32_t draw = 2;
      const uint64_t step = video * partners + partner;
      while (level + 1 < depth && random.uniform(step, draw++) >= stay) ++level;
      const auto [begin, size] = cluster_of(video, level, videos);
      const size_t other = begin + random.below(size, step, 0);
      if (other != video) edges.push_back({static_cast<uint32_t>(video), static_cast<uint32_t>(other), 1});
    }
  }
  return {FeatureTable(videos, {{"features", 0, width}}, features_of(videos, seed, depth)),
          Graph::from_edges(videos, std::move(edges))};
}

}  // namespace cowatch::bench

#include "graph/prune.h"

#include <algorithm>
#include <numeric>

#include "base/threads.h"

namespace cowatch {
namespace {

constexpr size_t video_grain = 1024;

// For each place in each row (rows one after another) whether its video keeps that neighbour among its `most`
// strongest.
std::vector<std::vector<bool>> strongest(const Graph& graph, size_t most) {
  std::vector<std::vector<bool>> keeps(graph.nodes());
  parallel_for(graph.nodes(), video_grain, [&](size_t begin, size_t end) {
    std::vector<uint32_t> places;
    for (size_t video = begin; video != end; ++video) {
      const auto weights = graph.weights(static_cast<uint32_t>(video));
      keeps[video].assign(weights.size(), weights.size() <= most);
      if (weights.size() <= most) continue;
      places.resize(weights.size());
      std::iota(places.begin(), places.end(), 0);
      std::nth_element(
          places.begin(), places.begin() + static_cast<std::ptrdiff_t>(most), places.end(),
          [&](uint32_t a, uint32_t b) { return weights[a] != weights[b] ? weights[a] > weights[b] : a < b; });
      for (size_t i = 0; i != most; ++i) keeps[video][places[i]] = true;
    }
  });
  return keeps;
}

bool other_end_keeps(const Graph& graph, const std::vector<std::vector<bool>>& keeps, uint32_t video,
                     uint32_t neighbour) {
  const auto row = graph.neighbours(neighbour);
  return keeps[neighbour][static_cast<size_t>(std::lower_bound(row.begin(), row.end(), video) - row.begin())];
}

Graph keep_strongest(const Graph& graph, size_t most, bool both_ends) {
  const auto keeps = strongest(graph, most);
  std::vector<Edge> kept;
  for (uint32_t u = 0; u != graph.nodes(); ++u) {
    const auto row = graph.neighbours(u);
    for (size_t i = 0; i != row.size(); ++i) {
      if (row[i] < u) continue;
      const bool own = keeps[u][i];
      const bool stays = both_ends ? own && other_end_keeps(graph, keeps, u, row[i])
                                   : own || other_end_keeps(graph, keeps, u, row[i]);
      if (stays) kept.push_back({u, row[i], graph.weights(u)[i]});
    }
  }
  return Graph::from_edges(graph.nodes(), std::move(kept));
}

}  // namespace

Graph prune(Graph graph, size_t top_k, size_t max_degree) {
  if (top_k > 0) graph = keep_strongest(graph, top_k, false);
  if (max_degree > 0) graph = keep_strongest(graph, max_degree, true);
  return graph;
}

}  // namespace cowatch

#include "graph/graph.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/threads.h"
#include "graph/edge_check.h"
#include "graph/links.h"

namespace cowatch {
namespace {

// Both directions of every edge that is not a loop.
LinkSet<float> both_directions(const std::vector<Edge>& edges) {
  LinkSet<float> both;
  both.links = Buffer<Link<float>>(2 * edges.size());
  both.segments.resize((edges.size() + link_grain - 1) / link_grain);
  parallel_for(edges.size(), link_grain, [&](size_t begin, size_t end) {
    size_t next = 2 * begin;
    for (size_t i = begin; i != end; ++i) {
      const Edge& edge = edges[i];
      if (edge.u == edge.v) continue;
      both.links[next++] = {edge.u, edge.v, edge.weight};
      both.links[next++] = {edge.v, edge.u, edge.weight};
    }
    both.segments[begin / link_grain] = {2 * begin, next - 2 * begin};
  });
  return both;
}

}  // namespace

Graph Graph::from_edges(size_t nodes, std::vector<Edge> edges, BuildReport* report) {
  check_edges(edges, nodes);
  LinkSet<float> both = both_directions(edges);
  const size_t loops = edges.size() - both.count() / 2;
  std::vector<Edge>().swap(edges);
  LinkSet<float>& sorted = both;
  Buffer<Link<float>> spare;
  const uint64_t merged = sort_and_merge(sorted, spare, nodes, Merge::sum);
  spare = {};
  if (report != nullptr) *report = {.self_loops = loops, .merged = merged / 2};

  Graph graph;
  graph.offsets_.assign(nodes + 1, 0);
  graph.neighbours_.resize(sorted.count());
  graph.weights_.resize(graph.neighbours_.size());
  std::vector<size_t> first_place(sorted.segments.size());
  for (size_t s = 0, place = 0; s != sorted.segments.size(); place += sorted.segments[s++].count) {
    first_place[s] = place;
  }
  parallel_for(sorted.segments.size(), 16, [&](size_t begin, size_t end) {
    for (size_t s = begin; s != end; ++s) {
      const auto* links = sorted.links.data() + sorted.segments[s].begin;
      for (size_t i = 0; i != sorted.segments[s].count; ++i) {
        graph.neighbours_[first_place[s] + i] = links[i].v;
        graph.weights_[first_place[s] + i] = links[i].weight;
        ++graph.offsets_[links[i].u + 1];  // a node's links lie in one segment
        if (!std::isfinite(links[i].weight)) refuse_overflow(links[i].u, links[i].v);
      }
    }
  });
  for (size_t node = 0; node != nodes; ++node) graph.offsets_[node + 1] += graph.offsets_[node];
  return graph;
}

std::span<const uint32_t> Graph::neighbours(uint32_t node) const {
  return std::span(neighbours_).subspan(offsets_[node], degree(node));
}

std::span<const float> Graph::weights(uint32_t node) const {
  return std::span(weights_).subspan(offsets_[node], degree(node));
}

bool Graph::has_edge(uint32_t u, uint32_t v) const {
  if (degree(v) < degree(u)) std::swap(u, v);
  const auto row = neighbours(u);
  return std::binary_search(row.begin(), row.end(), v);
}

std::vector<Edge> Graph::edge_list() const {
  std::vector<Edge> list;
  list.reserve(edges());
  for (uint32_t u = 0; u != nodes(); ++u) {
    for (size_t i = offsets_[u]; i != offsets_[u + 1]; ++i) {
      if (neighbours_[i] > u) list.push_back({u, neighbours_[i], weights_[i]});
    }
  }
  return list;
}

Graph Graph::induced(std::span<const uint32_t> kept) const {
  constexpr uint32_t left_out = std::numeric_limits<uint32_t>::max();
  std::vector<uint32_t> number(nodes(), left_out);
  for (size_t i = 0; i != kept.size(); ++i) {
    if (kept[i] >= nodes() || (i > 0 && kept[i] <= kept[i - 1])) {
      throw Error(ErrorCode::internal, "the videos of a subgraph are not ascending ids of the graph");
    }
    number[kept[i]] = static_cast<uint32_t>(i);
  }
  Graph part;
  part.offsets_.assign(kept.size() + 1, 0);
  for (size_t i = 0; i != kept.size(); ++i) {
    for (size_t k = offsets_[kept[i]]; k != offsets_[kept[i] + 1]; ++k) {
      if (number[neighbours_[k]] == left_out) continue;
      part.neighbours_.push_back(number[neighbours_[k]]);
      part.weights_.push_back(weights_[k]);
    }
    part.offsets_[i + 1] = part.neighbours_.size();
  }
  return part;
}

}  // namespace cowatch

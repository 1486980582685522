#include "graph/graph.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/hash.h"
#include "base/threads.h"
#include "graph/edge_check.h"
#include "graph/edge_grid.h"

namespace cowatch {
namespace {

// Calls body(links, is_first) for every cell with a node of block b: is_first where it is the first end. A
// node's other ends come in ascending order.
template <typename Body>
void visit_block(const EdgeGrid<double>& links, size_t b, const Body& body) {
  for (size_t a = 0; a <= b; ++a) links.visit_cell(a, b, [&](auto some) { body(some, false); });
  for (size_t c = b; c != links.blocks(); ++c) links.visit_cell(b, c, [&](auto some) { body(some, true); });
}

}  // namespace

Graph Graph::from_edges(size_t nodes, std::vector<Edge> edges, BuildReport* report) {
  check_edges(edges, nodes);
  const size_t given = edges.size();
  EdgeGrid<double> links(nodes, std::move(edges));
  const size_t loops = given - links.count();
  const uint64_t merged = links.merge(Merge::sum, [](auto) {});
  if (report != nullptr) *report = {.self_loops = loops, .merged = merged};

  Graph graph;
  graph.offsets_.assign(nodes + 1, 0);
  parallel_for(links.blocks(), 1, [&](size_t b, size_t) {
    visit_block(links, b, [&](auto some, bool is_first) {
      for (const auto& link : some) ++graph.offsets_[(is_first ? link.u : link.v) + 1];
    });
  });
  std::partial_sum(graph.offsets_.begin(), graph.offsets_.end(), graph.offsets_.begin());
  graph.neighbours_.resize(graph.offsets_.back());
  graph.weights_.resize(graph.offsets_.back());
  const auto begins = links.block_begins();
  parallel_for(links.blocks(), 1, [&](size_t b, size_t) {
    std::vector<uint64_t> next(graph.offsets_.begin() + begins[b], graph.offsets_.begin() + begins[b + 1]);
    visit_block(links, b, [&](auto some, bool is_first) {
      for (const auto& link : some) {
        const auto weight = static_cast<float>(link.weight);
        if (!std::isfinite(weight)) refuse_overflow(link.u, link.v);
        const size_t place = next[(is_first ? link.u : link.v) - begins[b]]++;
        graph.neighbours_[place] = is_first ? link.v : link.u;
        graph.weights_[place] = weight;
      }
    });
  });
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

std::string Graph::fingerprint() const {
  return Fingerprint()
      .add(hash64(std::as_bytes(std::span(offsets_))))
      .add(hash64(std::as_bytes(std::span(neighbours_))))
      .add(hash64(std::as_bytes(std::span(weights_))))
      .digest();
}

}  // namespace cowatch

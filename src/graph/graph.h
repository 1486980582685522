// The co-watch graph: an undirected weighted graph over videos 0 … n-1 in compressed sparse rows. Both
// directions of an edge are stored; rows are sorted by neighbour; no self-loops, no parallel edges; weights
// are positive and finite.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/tensor_file.h"

namespace cowatch {

struct Edge {
  uint32_t u = 0, v = 0;
  float weight = 1;
};

class Graph {
 public:
  Graph() = default;
  // Edges in any order and direction. Parallel edges are merged (their weights added), self-loops dropped;
  // both are counted in `report` when given. Throws bad_input for an id ≥ nodes or a weight that is not
  // positive and finite.
  struct BuildReport {
    uint64_t self_loops = 0, merged = 0;
  };
  static Graph from_edges(size_t nodes, std::vector<Edge> edges, BuildReport* report = nullptr);

  size_t nodes() const { return offsets_.empty() ? 0 : offsets_.size() - 1; }
  size_t edges() const { return neighbours_.size() / 2; }
  std::span<const uint32_t> neighbours(uint32_t node) const;
  std::span<const float> weights(uint32_t node) const;
  size_t degree(uint32_t node) const { return offsets_[node + 1] - offsets_[node]; }
  bool has_edge(uint32_t u, uint32_t v) const;  // O(log degree)
  std::vector<Edge> edge_list() const;          // u < v, sorted
  // The subgraph of `kept` (ascending ids), renumbered 0 … kept.size()-1 in that order.
  Graph induced(std::span<const uint32_t> kept) const;

  std::string fingerprint() const;                            // changes with any edge or weight
  void save(const Path& path, const Metadata& origin) const;  // kind "graph"
  static Graph load(const Path& path);

 private:
  std::vector<uint64_t> offsets_;
  std::vector<uint32_t> neighbours_;
  std::vector<float> weights_;
};

}  // namespace cowatch

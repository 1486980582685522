// Affinity clustering (Bateni et al., NIPS 2017) of the co-watch graph: a tree of clusters, each round at
// least halving the number of clusters that still have an outgoing edge (methods §1.2).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "graph/graph.h"

namespace cowatch {

enum class Linkage { maximum, average, sum, minimum, sparsity };

struct TreeSettings {
  Linkage linkage = Linkage::average;
  int rounds = 4;
  std::vector<double> thresholds;  // least affinity an edge needs to be picked in round r; missing: none
  size_t max_cluster_size = 0;     // 0: no limit; a merge beyond it is undone from its weakest picked edge on
};

// Clusters after each round. Videos are laid out in tree order, so that every cluster is a range of
// positions.
class AffinityTree {
 public:
  size_t videos() const { return order_.size(); }
  size_t rounds() const { return begins_.size(); }  // rounds that were made, ≤ TreeSettings::rounds
  std::span<const uint32_t> order() const { return order_; }  // position → video
  uint32_t position(uint32_t video) const { return positions_[video]; }
  size_t clusters(size_t round) const { return begins_[round - 1].size() - 1; }  // round in 1 … rounds()
  // Cluster number of a video after `round` rounds (0: the video's own position).
  uint32_t cluster(size_t round, uint32_t video) const;
  struct Range {
    uint32_t begin, end;  // positions
    uint32_t size() const { return end - begin; }
  };
  Range range(size_t round, uint32_t cluster) const {
    return {begins_[round - 1][cluster], begins_[round - 1][cluster + 1]};
  }
  Range range_of(size_t round, uint32_t video) const;  // round 0: the video alone

  void save(const Path& path, const Metadata& origin) const;  // kind "tree"
  static AffinityTree load(const Path& path);

 private:
  friend class TreeBuilder;
  std::vector<uint32_t> order_, positions_;
  std::vector<std::vector<uint32_t>> begins_;      // per round: first position of each cluster, and the end
  std::vector<std::vector<uint32_t>> cluster_of_;  // per round: position → cluster
};

AffinityTree build_tree(const Graph& graph, const TreeSettings& settings);

}  // namespace cowatch

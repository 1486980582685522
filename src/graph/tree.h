// Affinity clustering (Bateni et al., "Affinity Clustering: Hierarchical Clustering at Scale", NIPS 2017) of
// the co-watch graph: Borůvka rounds with a linkage. In a round every cluster picks the incident edge of the
// largest affinity, the components of the picked edges are the next clusters, parallel edges are aggregated
// and loops dropped. Every cluster with an outgoing edge merges, so after r rounds a cluster has at least 2^r
// videos unless its component is exhausted (or a threshold or the size limit held it back).
//
// Ties go to the edge with the smaller (min id, max id), where a cluster's id is its smallest video: a total
// order, so the picks form no cycle. Average, sum and sparsity are computed in double, the others in float.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"

namespace cowatch {

// Affinity of clusters X and Y, over the edges between them: the largest weight; Σw / (|X|·|Y|), so that a
// missing edge counts 0; Σw; the smallest weight of a present edge; Σw / min(|X|, |Y|).
enum class Linkage { maximum, average, sum, minimum, sparsity };
std::string_view linkage_name(Linkage linkage);
std::optional<Linkage> linkage_named(std::string_view name);

constexpr int most_tree_rounds = 64;  // far more than halving the number of clusters can use

struct TreeSettings {
  Linkage linkage = Linkage::average;
  int rounds = 4;
  std::vector<double> thresholds = {};  // least affinity an edge needs to be picked in round r; missing: none
  // 0: no limit. The picked edges of a cluster that would exceed it are undone from the weakest on: it falls
  // in two there, and each part that is still too large does the same.
  size_t max_cluster_size = 0;
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

  std::string fingerprint() const;                            // of every video's place and every cluster
  void save(const Path& path, const Metadata& origin) const;  // kind "tree"
  static AffinityTree load(const Path& path);

 private:
  friend class TreeLayout;
  void number_positions();  // fills cluster_of_ from begins_
  std::vector<uint32_t> order_, positions_;
  std::vector<std::vector<uint32_t>> begins_;      // per round: first position of each cluster, and the end
  std::vector<std::vector<uint32_t>> cluster_of_;  // per round: position → cluster
};

// What the rounds did.
struct TreeReport {
  uint64_t isolated = 0;      // videos without an edge: they stay alone
  uint64_t self_loops = 0;    // dropped from a list of edges
  uint64_t merged_edges = 0;  // edges of a list that went into a parallel one, by the linkage's rule
  uint64_t held_back = 0;     // clusters of a round that have links, none of them as strong as its threshold
  uint64_t undone_picks = 0;  // picked edges undone by max_cluster_size
};

AffinityTree build_tree(const Graph& graph, const TreeSettings& settings, TreeReport* report = nullptr);
// From edges in memory, in any order and direction, which it consumes: for graphs too large to hold twice.
// Throws bad_input for an id ≥ nodes or a weight that is not positive and finite, bad_argument for settings
// out of range.
AffinityTree build_tree(size_t nodes, std::vector<Edge>&& edges, const TreeSettings& settings,
                        TreeReport* report = nullptr);

}  // namespace cowatch

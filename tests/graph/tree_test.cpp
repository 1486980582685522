#include "graph/tree.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <optional>
#include <set>

#include "base/threads.h"
#include "support/graphs.h"

namespace cowatch {
namespace {

using test::Partitions;
using test::partitions_of;

// Affinity of two clusters over a dense matrix of weights (0: no edge), straight from the definition.
std::optional<double> slow_affinity(const std::vector<std::vector<double>>& weight,
                                    const std::vector<uint32_t>& x, const std::vector<uint32_t>& y,
                                    Linkage linkage) {
  double sum = 0, most = 0, least = INFINITY;
  for (const uint32_t u : x) {
    for (const uint32_t v : y) {
      if (weight[u][v] == 0) continue;
      sum += weight[u][v];
      most = std::max(most, weight[u][v]);
      least = std::min(least, weight[u][v]);
    }
  }
  if (sum == 0) return std::nullopt;
  const auto a = static_cast<double>(x.size()), b = static_cast<double>(y.size());
  switch (linkage) {
    case Linkage::maximum:
      return most;
    case Linkage::minimum:
      return least;
    case Linkage::sum:
      return sum;
    case Linkage::average:
      return sum / (a * b);
    case Linkage::sparsity:
      return sum / std::min(a, b);
  }
  return std::nullopt;
}

struct Pick {
  double affinity;
  uint32_t low, high;  // ids (smallest videos) of the two clusters
  bool better_than(const Pick& other) const {
    if (affinity != other.affinity) return affinity > other.affinity;
    return std::pair(low, high) < std::pair(other.low, other.high);
  }
  bool operator<(const Pick& other) const { return better_than(other); }
};

using Clusters = std::map<uint32_t, std::vector<uint32_t>>;  // smallest video → videos

Clusters join(const Clusters& clusters, const std::set<Pick>& picked) {
  std::map<uint32_t, uint32_t> label;
  for (const auto& [id, videos] : clusters) label[id] = id;
  for (bool changed = true; changed;) {
    changed = false;
    for (const Pick& pick : picked) {
      const uint32_t least = std::min(label[pick.low], label[pick.high]);
      changed |= label[pick.low] != least || label[pick.high] != least;
      label[pick.low] = label[pick.high] = least;
    }
  }
  Clusters joined;
  for (const auto& [id, videos] : clusters) {
    auto& into = joined[label[id]];
    into.insert(into.end(), videos.begin(), videos.end());
  }
  return joined;
}

// Takes the weakest picked edge out of a cluster that is too large until none is.
void undo(const Clusters& clusters, std::set<Pick>& picked, size_t limit) {
  for (bool again = true; again;) {
    again = false;
    for (const auto& [id, videos] : join(clusters, picked)) {
      if (videos.size() <= limit) continue;
      std::optional<Pick> weakest;
      for (const Pick& pick : picked) {
        const bool inside = std::find(videos.begin(), videos.end(), pick.low) != videos.end();
        if (inside && (!weakest || weakest->better_than(pick))) weakest = pick;
      }
      if (!weakest) continue;  // one cluster of the round before
      picked.erase(*weakest);
      again = true;
      break;
    }
  }
}

Partitions slow_tree(size_t nodes, const std::vector<Edge>& edges, const TreeSettings& settings) {
  std::vector<std::vector<double>> weight(nodes, std::vector<double>(nodes, 0));
  for (const Edge& edge : edges)
    weight[edge.u][edge.v] = weight[edge.v][edge.u] = static_cast<double>(edge.weight);
  Clusters clusters;
  for (uint32_t video = 0; video != nodes; ++video) clusters[video] = {video};
  Partitions result;
  for (int round = 0; round != settings.rounds; ++round) {
    std::set<Pick> picked;
    bool any = false;
    for (const auto& [a, x] : clusters) {
      std::optional<Pick> best;
      for (const auto& [b, y] : clusters) {
        const auto affinity = a == b ? std::nullopt : slow_affinity(weight, x, y, settings.linkage);
        if (!affinity) continue;
        any = true;
        const Pick pick{*affinity, std::min(a, b), std::max(a, b)};
        if (!best || pick.better_than(*best)) best = pick;
      }
      const auto r = static_cast<size_t>(round);
      const double threshold = r < settings.thresholds.size() ? settings.thresholds[r] : 0;
      if (best && best->affinity >= threshold) picked.insert(*best);
    }
    if (!any) break;
    if (settings.max_cluster_size > 0) undo(clusters, picked, settings.max_cluster_size);
    clusters = join(clusters, picked);
    std::vector<uint32_t> of(nodes);
    for (const auto& [id, videos] : clusters) {
      for (const uint32_t video : videos) of[video] = id;
    }
    result.push_back(of);
  }
  return result;
}

constexpr Linkage all_linkages[] = {Linkage::maximum, Linkage::average, Linkage::sum, Linkage::minimum,
                                    Linkage::sparsity};

std::vector<Edge> merged(size_t nodes, std::vector<Edge> edges) {
  return Graph::from_edges(nodes, std::move(edges)).edge_list();
}

class TreeOfEveryLinkage : public testing::TestWithParam<Linkage> {};

TEST_P(TreeOfEveryLinkage, EqualsTheSlowCopy) {
  for (uint64_t seed = 0; seed != 40; ++seed) {
    const size_t nodes = 5 + seed % 30;
    const auto edges =
        merged(nodes, test::random_edges(nodes, nodes * (1 + seed % 4), seed % 2 ? 0 : 3, seed));
    const TreeSettings settings{.linkage = GetParam(), .rounds = 4};
    const auto tree = build_tree(Graph::from_edges(nodes, edges), settings);
    EXPECT_EQ(partitions_of(tree), slow_tree(nodes, edges, settings)) << "seed " << seed;
  }
}

TEST_P(TreeOfEveryLinkage, KeepsThresholdsAndTheSizeLimitAsTheSlowCopy) {
  for (uint64_t seed = 0; seed != 40; ++seed) {
    const size_t nodes = 10 + seed % 30;
    const auto edges = merged(nodes, test::random_edges(nodes, nodes * 2, seed % 2 ? 0 : 3, seed));
    const TreeSettings settings{
        .linkage = GetParam(), .rounds = 4, .thresholds = {0.6, 0.3}, .max_cluster_size = 2 + seed % 7};
    TreeReport report;
    const auto tree = build_tree(Graph::from_edges(nodes, edges), settings, &report);
    EXPECT_EQ(partitions_of(tree), slow_tree(nodes, edges, settings)) << "seed " << seed;
    for (size_t round = 1; round <= tree.rounds(); ++round) {
      for (uint32_t c = 0; c != tree.clusters(round); ++c)
        EXPECT_LE(tree.range(round, c).size(), settings.max_cluster_size);
    }
  }
}

TEST_P(TreeOfEveryLinkage, IsTheSameForEdgesInAnyOrderAndDirection) {
  const size_t nodes = 3000;
  auto edges = merged(nodes, test::random_edges(nodes, 20000, 5, 7));
  const TreeSettings settings{.linkage = GetParam(), .rounds = 4};
  const auto expected = partitions_of(build_tree(Graph::from_edges(nodes, edges), settings));
  const Random random(3, 3);
  for (uint32_t i = 0; i + 1 < edges.size(); ++i) {
    std::swap(edges[i], edges[i + random.below(edges.size() - i, 0, i)]);
    if (random.below(2, 1, i) == 1) std::swap(edges[i].u, edges[i].v);
  }
  EXPECT_EQ(partitions_of(build_tree(nodes, std::move(edges), settings)), expected);
}

TEST_P(TreeOfEveryLinkage, DoesNotDependOnTheNumbersOfVideosWithoutTies) {
  const size_t nodes = 500;
  auto edges = merged(nodes, test::random_edges(nodes, 3000, 0, 11));
  const TreeSettings settings{.linkage = GetParam(), .rounds = 4};
  const auto tree = build_tree(nodes, std::vector<Edge>(edges), settings);
  std::vector<uint32_t> number(nodes);
  std::iota(number.begin(), number.end(), 0);
  const Random random(5, 5);
  for (uint32_t i = 0; i + 1 < nodes; ++i) std::swap(number[i], number[i + random.below(nodes - i, 0, i)]);
  for (Edge& edge : edges) edge = {number[edge.u], number[edge.v], edge.weight};
  const auto permuted = build_tree(nodes, std::move(edges), settings);
  ASSERT_EQ(tree.rounds(), permuted.rounds());
  for (size_t round = 1; round <= tree.rounds(); ++round) {
    std::map<uint32_t, uint32_t> image;
    ASSERT_EQ(tree.clusters(round), permuted.clusters(round));
    for (uint32_t video = 0; video != nodes; ++video) {
      const auto [at, is_new] =
          image.emplace(tree.cluster(round, video), permuted.cluster(round, number[video]));
      EXPECT_EQ(at->second, permuted.cluster(round, number[video]));
    }
  }
}

TEST_P(TreeOfEveryLinkage, IsTheSameForAnyNumberOfThreads) {
  const size_t nodes = 100000;
  const auto edges = test::random_edges(nodes, 600000, 4, 21);
  const TreeSettings settings{.linkage = GetParam(), .rounds = 4, .thresholds = {}, .max_cluster_size = 5000};
  std::optional<Partitions> expected;
  for (const size_t count : {1, 2, 4}) {
    set_threads(count);
    const auto partitions = partitions_of(build_tree(nodes, std::vector<Edge>(edges), settings));
    if (!expected) expected = partitions;
    EXPECT_EQ(partitions, *expected) << count << " threads";
  }
  set_threads(0);
}

TEST_P(TreeOfEveryLinkage, DoublesClustersUntilTheirComponentIsExhausted) {
  const size_t nodes = 2000;
  const auto edges = merged(nodes, test::random_edges(nodes, 2200, 3, 31));
  const auto tree = build_tree(nodes, std::vector<Edge>(edges), {.linkage = GetParam(), .rounds = 4});
  for (size_t round = 1; round <= tree.rounds(); ++round) {
    std::vector<bool> has_outgoing(tree.clusters(round), false);
    for (const Edge& edge : edges) {
      const uint32_t a = tree.cluster(round, edge.u), b = tree.cluster(round, edge.v);
      if (a != b) has_outgoing[a] = has_outgoing[b] = true;
    }
    for (uint32_t c = 0; c != tree.clusters(round); ++c) {
      const uint32_t least = has_outgoing[c] ? uint32_t{1} << round : 1;
      EXPECT_GE(tree.range(round, c).size(), least);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, TreeOfEveryLinkage, testing::ValuesIn(all_linkages),
                         [](const auto& info) { return std::string(linkage_name(info.param)); });

// Kruskal.
std::vector<Edge> maximum_spanning_forest(size_t nodes, std::vector<Edge> edges) {
  std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return a.weight > b.weight; });
  std::vector<uint32_t> label(nodes);
  std::iota(label.begin(), label.end(), 0);
  std::vector<Edge> forest;
  for (const Edge& edge : edges) {
    const uint32_t from = label[edge.u], to = label[edge.v];
    if (from == to) continue;
    forest.push_back(edge);
    std::replace(label.begin(), label.end(), from, to);
  }
  return forest;
}

TEST(Tree, MaximumLinkageNeedsOnlyTheMaximumSpanningForest) {
  for (uint64_t seed = 0; seed != 10; ++seed) {
    const size_t nodes = 300;
    const auto edges = merged(nodes, test::random_edges(nodes, 250 + 150 * seed, 0, seed));
    const auto forest = maximum_spanning_forest(nodes, edges);
    const TreeSettings settings{.linkage = Linkage::maximum, .rounds = 6};
    EXPECT_EQ(partitions_of(build_tree(nodes, std::vector<Edge>(edges), settings)),
              partitions_of(build_tree(nodes, std::vector<Edge>(forest), settings)));
  }
}

TEST(Tree, LaysEveryClusterOutAsARange) {
  const size_t nodes = 400;
  const auto tree = build_tree(Graph::from_edges(nodes, test::random_edges(nodes, 500, 3, 1)), {});
  std::vector<uint32_t> order(tree.order().begin(), tree.order().end());
  for (uint32_t position = 0; position != nodes; ++position)
    EXPECT_EQ(tree.position(order[position]), position);
  for (size_t round = 1; round <= tree.rounds(); ++round) {
    uint32_t next = 0;
    for (uint32_t c = 0; c != tree.clusters(round); ++c) {
      const auto range = tree.range(round, c);
      EXPECT_EQ(range.begin, next);
      next = range.end;
      for (uint32_t position = range.begin; position != range.end; ++position) {
        EXPECT_EQ(tree.cluster(round, order[position]), c);
      }
      const auto inner = tree.range_of(round - 1, order[range.begin]);
      EXPECT_GE(inner.begin, range.begin);
      EXPECT_LE(inner.end, range.end);
    }
    EXPECT_EQ(next, nodes);
  }
  EXPECT_EQ(tree.range_of(0, 17).size(), 1u);
}

TEST(Tree, StarsJoinInOneRound) {
  const auto tree = build_tree(Graph::from_edges(1001, test::star(1000)), {});
  EXPECT_EQ(tree.rounds(), 1u);
  EXPECT_EQ(tree.clusters(1), 1u);
}

// One video joined to all others, among chains and cliques: nearly every link has the same end.
TEST(Tree, OfOneGiantHubIsTheSameForAnyNumberOfThreads) {
  const size_t nodes = 120'001;
  std::vector<Edge> edges = test::star(nodes - 1);
  for (Edge& edge : edges) edge.weight = 1 + static_cast<float>(edge.v % 13);
  for (uint32_t video = 1; video + 1 < nodes; ++video) {
    if (video % 50 != 0) edges.push_back({video, video + 1, static_cast<float>(1 + video % 17)});
  }
  for (const Linkage linkage : all_linkages) {
    const TreeSettings settings{.linkage = linkage, .rounds = 4, .thresholds = {}, .max_cluster_size = 1000};
    std::optional<Partitions> expected;
    for (const size_t count : {1, 2, 4}) {
      set_threads(count);
      const auto tree = build_tree(nodes, std::vector<Edge>(edges), settings);
      for (uint32_t c = 0; c != tree.clusters(1); ++c) ASSERT_LE(tree.range(1, c).size(), 1000u);
      const auto partitions = partitions_of(tree);
      if (!expected) expected = partitions;
      EXPECT_EQ(partitions, *expected) << linkage_name(linkage) << ", " << count << " threads";
    }
    set_threads(0);
  }
}

TEST(Tree, ARisingChainIsOneClusterAfterOneRound) {
  // Every video prefers the next one: the longest walk along picks there can be.
  const auto tree =
      build_tree(Graph::from_edges(100000, test::chain(100000, true)), {.linkage = Linkage::maximum});
  EXPECT_EQ(tree.clusters(1), 1u);
}

TEST(Tree, TiesGoToTheSmallerIds) {
  // In a chain of equal weights each video prefers its smaller neighbour: all in one.
  EXPECT_EQ(build_tree(Graph::from_edges(50, test::chain(50, false)), {}).clusters(1), 1u);
  // In a clique of equal weights all prefer video 0.
  EXPECT_EQ(build_tree(Graph::from_edges(20, test::clique(20)), {}).clusters(1), 1u);
  // Two pairs and a bridge, all equal: 0-1 is picked by both, 2 picks 1, 3 picks 2.
  EXPECT_EQ(build_tree(Graph::from_edges(4, {{0, 1, 1}, {1, 2, 1}, {2, 3, 1}}), {.rounds = 1}).clusters(1),
            1u);
}

TEST(Tree, IsolatedVideosStayAloneAndAreCounted) {
  TreeReport report;
  const auto tree = build_tree(Graph::from_edges(6, {{1, 2, 1}}), {}, &report);
  EXPECT_EQ(report.isolated, 4u);
  EXPECT_EQ(tree.clusters(1), 5u);
  EXPECT_EQ(tree.range_of(1, 0).size(), 1u);
  EXPECT_EQ(tree.range_of(1, 1).size(), 2u);
}

TEST(Tree, AGraphWithoutEdgesHasNoRounds) {
  TreeReport report;
  const auto tree = build_tree(Graph::from_edges(5, {}), {}, &report);
  EXPECT_EQ(tree.rounds(), 0u);
  EXPECT_EQ(tree.videos(), 5u);
  EXPECT_EQ(report.isolated, 5u);
  EXPECT_EQ(build_tree(Graph::from_edges(0, {}), {}).videos(), 0u);
}

TEST(Tree, ParallelEdgesAreAggregatedByTheLinkage) {
  // 0-1 twice 2, 1-2 once 3: their sum wins with average, the single one with maximum.
  const std::vector<Edge> edges{{0, 1, 2}, {1, 2, 3}, {1, 0, 2}, {3, 3, 9}};
  TreeReport report;
  build_tree(4, std::vector<Edge>(edges), {.linkage = Linkage::sum, .rounds = 1}, &report);
  EXPECT_EQ(report.merged_edges, 1u);
  EXPECT_EQ(report.self_loops, 1u);
  const TreeSettings sum{.linkage = Linkage::sum, .rounds = 1, .thresholds = {3.5}};
  const TreeSettings maximum{.linkage = Linkage::maximum, .rounds = 1, .thresholds = {2.5}};
  EXPECT_EQ(partitions_of(build_tree(4, std::vector<Edge>(edges), sum)), (Partitions{{0, 0, 2, 3}}));
  EXPECT_EQ(partitions_of(build_tree(4, std::vector<Edge>(edges), maximum)), (Partitions{{0, 1, 1, 3}}));
}

TEST(Tree, RefusesImpossibleEdgesAndSettings) {
  const auto attempt = [](Edge edge) { build_tree(3, std::vector<Edge>{{0, 1, 1}, edge}, {}); };
  EXPECT_THROW(attempt({0, 3, 1}), Error);
  EXPECT_THROW(attempt({0, 2, 0}), Error);
  EXPECT_THROW(attempt({0, 2, -1}), Error);
  EXPECT_THROW(attempt({0, 2, NAN}), Error);
  EXPECT_THROW(attempt({0, 2, INFINITY}), Error);
  EXPECT_THROW(build_tree(3, {{0, 1, 1}}, {.rounds = 0}), Error);
  EXPECT_THROW(build_tree(3, {{0, 1, 1}}, {.rounds = 65}), Error);
  EXPECT_THROW(build_tree(3, {{0, 1, 1}}, {.thresholds = {NAN}}), Error);
  EXPECT_NO_THROW(build_tree(3, {{0, 1, 1}}, {.rounds = 2, .thresholds = {3, 2}}));
  EXPECT_THROW(build_tree(3, {{0, 1, 1}}, {.rounds = 2, .thresholds = {3, 2, 1}}), Error);
}

TEST(Tree, ClustersHeldBackByAThresholdAreCounted) {
  // Video 4 is alone. In round 1 the pairs 0-1 and 2-3 are made; their bridge is too weak for round 2.
  const Graph graph = Graph::from_edges(5, {{0, 1, 5}, {2, 3, 5}, {1, 2, 1}});
  const TreeSettings settings{.linkage = Linkage::maximum, .rounds = 2, .thresholds = {5, 2}};
  TreeReport report;
  EXPECT_EQ(build_tree(graph, settings, &report).clusters(2), 3u);
  EXPECT_EQ(report.held_back, 2u);
}

TEST(Tree, SurvivesHugeAndTinyWeights) {
  const float huge = 3e38F, tiny = 1e-45F;
  const auto tree = build_tree(4, {{0, 1, huge}, {1, 0, huge}, {1, 2, tiny}, {2, 3, tiny}}, {.rounds = 4});
  EXPECT_EQ(tree.clusters(1), 1u);
}

}  // namespace
}  // namespace cowatch

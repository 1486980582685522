#include "graph/negatives.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "graph/triplets.h"
#include "support/graphs.h"

namespace cowatch {
namespace {

// Whether counts of draws fit expected shares: Pearson's χ² below its 1 - 1e-6 quantile (Wilson and Hilferty
// 1931).
template <typename Key>
void expect_shares(const std::map<Key, uint64_t>& counts, const std::map<Key, double>& shares,
                   uint64_t draws) {
  double chi_squared = 0;
  for (const auto& [key, share] : shares) {
    const auto found = counts.find(key);
    const double count = found == counts.end() ? 0 : static_cast<double>(found->second);
    const double expected = share * static_cast<double>(draws);
    chi_squared += (count - expected) * (count - expected) / expected;
  }
  for (const auto& [key, count] : counts) EXPECT_TRUE(shares.contains(key)) << "drawn, but not a candidate";
  const double freedom = std::max<double>(1, static_cast<double>(shares.size()) - 1);
  const double normal_quantile = 4.7534;
  const double a = 2 / (9 * freedom);
  EXPECT_LT(chi_squared, freedom * std::pow(1 - a + normal_quantile * std::sqrt(a), 3));
}

std::map<uint32_t, double> equal_shares(const std::vector<uint32_t>& videos) {
  std::map<uint32_t, double> shares;
  for (const uint32_t video : videos) shares[video] = 1 / static_cast<double>(videos.size());
  return shares;
}

constexpr NegativeLevel all_levels[] = {NegativeLevel::l0, NegativeLevel::l1, NegativeLevel::l2,
                                        NegativeLevel::random};

// C_{l+1}(a) \ C_l(a) without neighbours, from the partitions alone.
std::vector<uint32_t> enumerate(const Graph& graph, const AffinityTree& tree, uint32_t anchor,
                                NegativeLevel level) {
  std::vector<uint32_t> videos;
  const auto l = static_cast<size_t>(level);
  for (uint32_t video = 0; video != graph.nodes(); ++video) {
    const auto together = [&](size_t round) {
      return tree.cluster(round, video) == tree.cluster(round, anchor);
    };
    const bool inside = level == NegativeLevel::random
                            ? video != anchor
                            : l + 1 <= tree.rounds() && together(l + 1) && !together(l);
    if (inside && !graph.has_edge(anchor, video)) videos.push_back(video);
  }
  return videos;
}

TEST(NegativeSampler, CandidatesAreThoseOfTheDefinition) {
  const size_t nodes = 150;
  const Graph graph = Graph::from_edges(nodes, test::random_edges(nodes, 260, 3, 2));
  const AffinityTree tree = build_tree(graph, {});
  const NegativeSampler sampler(graph, tree, 1);
  for (uint32_t anchor = 0; anchor != nodes; ++anchor) {
    for (const NegativeLevel level : all_levels) {
      EXPECT_EQ(sampler.candidates(anchor, level), enumerate(graph, tree, anchor, level));
    }
  }
}

TEST(NegativeSampler, DrawsAreUniformOverTheFirstLevelThatHasCandidates) {
  const size_t nodes = 150;
  const Graph graph = Graph::from_edges(nodes, test::random_edges(nodes, 260, 3, 2));
  const AffinityTree tree = build_tree(graph, {});
  const NegativeSampler sampler(graph, tree, 9);
  constexpr uint64_t draws = 3000;
  bool climbs = false;
  for (uint32_t anchor = 0; anchor < nodes; anchor += 5) {
    for (const NegativeLevel level : all_levels) {
      auto from = static_cast<uint8_t>(level);
      while (enumerate(graph, tree, anchor, static_cast<NegativeLevel>(from)).empty()) ++from;
      std::map<uint32_t, uint64_t> counts;
      for (uint32_t i = 0; i != draws; ++i) {
        const Negative negative = sampler.draw(anchor, level, 7, i);
        EXPECT_EQ(negative.climbed, from - static_cast<uint8_t>(level));
        ++counts[negative.video];
      }
      climbs |= from != static_cast<uint8_t>(level);
      expect_shares(counts, equal_shares(enumerate(graph, tree, anchor, static_cast<NegativeLevel>(from))),
                    draws);
    }
  }
  EXPECT_TRUE(climbs) << "the graph does not try climbing";
}

TEST(NegativeSampler, StaysUniformWhereAlmostAllAreNeighbours) {
  // A hub joined to 300 of 303 others: rejection alone would all but never end.
  auto edges = test::star(300);
  edges.push_back({301, 302, 1});
  edges.push_back({300, 301, 5});
  const Graph graph = Graph::from_edges(304, edges);
  const AffinityTree tree = build_tree(graph, {});
  const NegativeSampler sampler(graph, tree, 4);
  constexpr uint64_t draws = 3000;
  std::map<uint32_t, uint64_t> counts;
  for (uint32_t i = 0; i != draws; ++i) ++counts[sampler.draw(0, NegativeLevel::random, 0, i).video];
  expect_shares(counts, equal_shares({301, 302, 303}), draws);
}

TEST(NegativeSampler, AlwaysAnswers) {
  const Graph clique = Graph::from_edges(4, test::clique(4));
  const AffinityTree tree = build_tree(clique, {});
  const NegativeSampler everyone_is_a_neighbour(clique, tree, 1);
  std::set<uint32_t> seen;
  for (uint32_t i = 0; i != 200; ++i) {
    const Negative negative = everyone_is_a_neighbour.draw(1, NegativeLevel::l0, 0, i);
    EXPECT_EQ(negative.climbed, 4);
    seen.insert(negative.video);
  }
  EXPECT_EQ(seen, (std::set<uint32_t>{0, 2, 3}));
  const Graph one = Graph::from_edges(1, {});
  const AffinityTree tree_of_one = build_tree(one, {});
  EXPECT_EQ(NegativeSampler(one, tree_of_one, 1).draw(0, NegativeLevel::l0, 0, 0).video, 0u);
}

TEST(NegativeSampler, DependsOnSeedStepAndIndexOnly) {
  const Graph graph = Graph::from_edges(200, test::random_edges(200, 400, 3, 8));
  const AffinityTree tree = build_tree(graph, {});
  const NegativeSampler a(graph, tree, 5), b(graph, tree, 5), other(graph, tree, 6);
  uint32_t differing_seed = 0, differing_step = 0;
  for (uint32_t i = 100; i-- > 0;) {
    EXPECT_EQ(a.draw(3, NegativeLevel::random, 2, i).video, b.draw(3, NegativeLevel::random, 2, i).video);
    differing_seed +=
        a.draw(3, NegativeLevel::random, 2, i).video != other.draw(3, NegativeLevel::random, 2, i).video;
    differing_step +=
        a.draw(3, NegativeLevel::random, 2, i).video != a.draw(3, NegativeLevel::random, 3, i).video;
  }
  EXPECT_GT(differing_seed, 80u);
  EXPECT_GT(differing_step, 80u);
}

TEST(NegativeSampler, RefusesATreeOfOtherVideos) {
  const Graph graph = Graph::from_edges(3, {{0, 1, 1}});
  const AffinityTree tree = build_tree(Graph::from_edges(4, {}), {});
  EXPECT_THROW(NegativeSampler(graph, tree, 1), Error);
}

TEST(AliasTable, DrawsInProportionToWeights) {
  const std::vector<double> weights{5, 1, 0.25, 3, 3, 1e-3};
  const AliasTable table(weights);
  std::map<uint32_t, uint64_t> counts;
  std::map<uint32_t, double> shares;
  double sum = 0;
  for (const double weight : weights) sum += weight;
  for (uint32_t i = 0; i != weights.size(); ++i) shares[i] = weights[i] / sum;
  const Random random(1, 1);
  constexpr uint64_t draws = 200000;
  for (uint32_t i = 0; i != draws; ++i) ++counts[table.draw(random.bits(0, i))];
  expect_shares(counts, shares, draws);
}

class Triplets : public testing::TestWithParam<TripletSettings> {};

TEST_P(Triplets, HaveAnchorsAndPositivesInTheirShares) {
  const size_t nodes = 40;
  const Graph graph = Graph::from_edges(nodes, test::random_edges(nodes, 60, 4, 12));
  const AffinityTree tree = build_tree(graph, {});
  const TripletSampler sampler(graph, tree, GetParam(), 3);
  std::map<std::pair<uint32_t, uint32_t>, double> shares;
  double anchor_sum = 0;
  for (const uint32_t anchor : sampler.anchors()) {
    anchor_sum += std::pow(static_cast<double>(graph.degree(anchor)), GetParam().anchor_power);
  }
  for (const uint32_t anchor : sampler.anchors()) {
    const double share =
        std::pow(static_cast<double>(graph.degree(anchor)), GetParam().anchor_power) / anchor_sum;
    double weights = 0;
    for (const float weight : graph.weights(anchor))
      weights += GetParam().positive_by_weight ? static_cast<double>(weight) : 1;
    for (size_t i = 0; i != graph.degree(anchor); ++i) {
      const double weight = GetParam().positive_by_weight ? static_cast<double>(graph.weights(anchor)[i]) : 1;
      shares[{anchor, graph.neighbours(anchor)[i]}] = share * weight / weights;
    }
  }
  std::map<std::pair<uint32_t, uint32_t>, uint64_t> counts;
  constexpr uint64_t draws = 100000;
  for (uint32_t i = 0; i != draws; ++i) {
    const Triplet triplet = sampler.draw(i / 1000, i % 1000, NegativeLevel::l1);
    ++counts[{triplet.anchor, triplet.positive}];
    EXPECT_FALSE(graph.has_edge(triplet.anchor, triplet.negative));
  }
  expect_shares(counts, shares, draws);
}

INSTANTIATE_TEST_SUITE_P(All, Triplets,
                         testing::Values(TripletSettings{}, TripletSettings{.anchor_power = 0.75},
                                         TripletSettings{.positive_by_weight = true},
                                         TripletSettings{.anchor_power = -1, .positive_by_weight = true}));

TEST(Triplets, DrawLoneVideosAlike) {
  const Graph graph = Graph::from_edges(12, {{1, 4, 1}, {4, 7, 1}, {8, 11, 1}});
  const AffinityTree tree = build_tree(graph, {});
  const TripletSampler sampler(graph, tree, {}, 3);
  EXPECT_EQ(sampler.anchors(), (std::vector<uint32_t>{1, 4, 7, 8, 11}));
  EXPECT_EQ(sampler.lone(), (std::vector<uint32_t>{0, 2, 3, 5, 6, 9, 10}));
  std::map<uint32_t, uint64_t> counts;
  constexpr uint64_t draws = 50000;
  for (uint32_t i = 0; i != draws; ++i) ++counts[sampler.draw_lone(i / 1000, i % 1000)];
  expect_shares(counts, equal_shares(sampler.lone()), draws);
}

TEST(Triplets, NeedAGraphWithEdges) {
  const Graph graph = Graph::from_edges(5, {});
  const AffinityTree tree = build_tree(graph, {});
  try {
    TripletSampler(graph, tree, {}, 1);
    ADD_FAILURE() << "accepted a graph without edges";
  } catch (const Error& error) {
    EXPECT_NE(error.details().found.find("isolated"), std::string::npos);
  }
}

}  // namespace
}  // namespace cowatch

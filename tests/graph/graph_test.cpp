#include "graph/graph.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/threads.h"
#include "support/graphs.h"

namespace cowatch {
namespace {

bool operator==(const Edge& a, const Edge& b) {
  return a.u == b.u && a.v == b.v && a.weight == b.weight;
}

void expect_equal(const Graph& a, const Graph& b) {
  ASSERT_EQ(a.nodes(), b.nodes());
  const auto x = a.edge_list(), y = b.edge_list();
  ASSERT_EQ(x.size(), y.size());
  for (size_t i = 0; i != x.size(); ++i) EXPECT_TRUE(x[i] == y[i]) << "edge " << i;
}

TEST(Graph, MergesParallelEdgesDropsLoopsAndCountsBoth) {
  Graph::BuildReport report;
  const Graph graph = Graph::from_edges(4, {{2, 0, 1}, {0, 1, 2}, {0, 2, 3}, {3, 3, 1}, {1, 0, 4}}, &report);
  EXPECT_EQ(report.self_loops, 1u);
  EXPECT_EQ(report.merged, 2u);
  EXPECT_EQ(graph.nodes(), 4u);
  EXPECT_EQ(graph.edges(), 2u);
  EXPECT_EQ(graph.degree(0), 2u);
  EXPECT_EQ(graph.degree(3), 0u);
  EXPECT_EQ(graph.neighbours(0)[0], 1u);
  EXPECT_EQ(graph.weights(0)[0], 6.0F);
  EXPECT_EQ(graph.weights(2)[0], 4.0F);
  EXPECT_TRUE(graph.has_edge(2, 0));
  EXPECT_FALSE(graph.has_edge(1, 2));
  EXPECT_FALSE(graph.has_edge(3, 3));
}

TEST(Graph, EqualsAMapOfPairs) {
  for (const size_t nodes : {3u, 100u, 70000u}) {
    const auto edges = test::random_edges(nodes, 5000, 9, nodes);
    std::map<std::pair<uint32_t, uint32_t>, double> expected;
    for (const Edge& edge : edges) expected[std::minmax(edge.u, edge.v)] += static_cast<double>(edge.weight);
    const auto list = Graph::from_edges(nodes, edges).edge_list();
    ASSERT_EQ(list.size(), expected.size());
    auto at = expected.begin();
    for (const Edge& edge : list) {
      EXPECT_EQ(at->first, std::pair(edge.u, edge.v));
      EXPECT_EQ(at->second, static_cast<double>(edge.weight));
      ++at;
    }
  }
}

TEST(Graph, IsTheSameForAnyOrderOfEdgesAndAnyNumberOfThreads) {
  // Weights whose sums round differently in another order.
  auto edges = test::random_edges(50, 700000, 0, 3);
  const Graph expected = Graph::from_edges(50, edges);
  std::reverse(edges.begin(), edges.end());
  for (Edge& edge : edges) std::swap(edge.u, edge.v);
  for (const size_t count : {1, 2, 4}) {
    set_threads(count);
    expect_equal(Graph::from_edges(50, edges), expected);
  }
  set_threads(0);
}

TEST(Graph, RefusesEdgesThatCannotBe) {
  for (const Edge& wrong :
       {Edge{0, 3, 1}, Edge{3, 0, 1}, Edge{0, 1, 0}, Edge{0, 1, -2}, Edge{0, 1, NAN}, Edge{0, 1, INFINITY}}) {
    try {
      Graph::from_edges(3, {{1, 2, 1}, wrong});
      ADD_FAILURE() << "accepted " << wrong.u << " " << wrong.v << " " << wrong.weight;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::bad_input);
      EXPECT_NE(error.details().where.find("edge 1"), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(Graph::from_edges(2, {{0, 1, 3e38F}, {1, 0, 3e38F}}), Error);
}

TEST(Graph, InducesTheSubgraphOfSomeVideos) {
  const Graph graph = Graph::from_edges(5, {{0, 1, 1}, {1, 2, 2}, {2, 4, 3}, {0, 4, 4}});
  const std::vector<uint32_t> kept{1, 2, 4};
  expect_equal(graph.induced(kept), Graph::from_edges(3, {{0, 1, 2}, {1, 2, 3}}));
  const std::vector<uint32_t> falling{2, 1};
  EXPECT_THROW(graph.induced(falling), Error);
}

TEST(Graph, OfNothingIsEmpty) {
  EXPECT_EQ(Graph().nodes(), 0u);
  EXPECT_EQ(Graph::from_edges(0, {}).edges(), 0u);
  EXPECT_EQ(Graph::from_edges(7, {}).nodes(), 7u);
}

}  // namespace
}  // namespace cowatch

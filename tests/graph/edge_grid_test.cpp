#include "graph/edge_grid.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <mutex>

#include "base/random.h"
#include "base/threads.h"
#include "support/graphs.h"

namespace cowatch {
namespace {

using Pair = std::pair<uint32_t, uint32_t>;

// Every link, in an order of its own.
template <typename Weight>
std::vector<std::pair<Pair, Weight>> links_of(const EdgeGrid<Weight>& grid) {
  std::mutex mutex;
  std::vector<std::pair<Pair, Weight>> links;
  grid.visit([&](auto some) {
    const std::scoped_lock lock(mutex);
    for (const auto& link : some) links.push_back({{link.u, link.v}, link.weight});
  });
  std::sort(links.begin(), links.end());
  return links;
}

TEST(EdgeGrid, KeepsEveryLinkThroughRelabelsAsAPlainList) {
  for (const size_t count : {0, 1, 127, 128, 300, 500'000}) {
    for (const size_t threads : {1, 3}) {
      set_threads(threads);
      const size_t nodes = 1 + count / 5;
      const auto edges = test::random_edges(nodes, count, 9, count);
      std::vector<std::pair<Pair, double>> expected;
      for (const Edge& edge : edges) expected.push_back({std::minmax(edge.u, edge.v), edge.weight});
      EdgeGrid<double> grid(nodes, std::vector<Edge>(edges));
      size_t left = nodes;
      for (const uint32_t fold : {1, 3, 40}) {
        Buffer<uint32_t> component(left);
        for (uint32_t x = 0; x != left; ++x) component[x] = x / fold;
        left = (left - 1) / fold + 1;
        grid.relabel(component, left);
        for (auto& [ends, weight] : expected) ends = {ends.first / fold, ends.second / fold};
        std::erase_if(expected, [](const auto& link) { return link.first.first == link.first.second; });
        std::sort(expected.begin(), expected.end());
        EXPECT_EQ(links_of(grid), expected) << count << " edges, folded by " << fold;
        EXPECT_EQ(grid.count(), expected.size());
      }
    }
  }
  set_threads(0);
}

TEST(EdgeGrid, MergesByMinimum) {
  EdgeGrid<float> grid(9, {{1, 2, 5}, {2, 1, 3}, {4, 4, 1}, {8, 0, 2}, {1, 2, 4}});
  EXPECT_EQ(grid.merge(Merge::minimum, [](auto) {}), 2u);
  EXPECT_EQ(links_of(grid), (std::vector<std::pair<Pair, float>>{{{0, 8}, 2}, {{1, 2}, 3}}));
}

// Weights so far apart that the order of adding them matters to the last bit.
TEST(EdgeGrid, SumsDoNotDependOnTheOrderOfTheInput) {
  const Random random(1, 2);
  std::vector<Edge> edges;
  for (uint32_t i = 0; i != 60'000; ++i) {
    const auto weight = static_cast<float>(std::exp2(100 * random.uniform(0, i) - 50));
    edges.push_back({i % 7, 7 + i % 11, weight});
  }
  std::vector<double> naive(2, 0);
  std::vector<std::pair<Pair, double>> sums[2];
  for (int turn = 0; turn != 2; ++turn) {
    for (const Edge& edge : edges) {
      if (edge.u == 0 && edge.v == 7) naive[static_cast<size_t>(turn)] += static_cast<double>(edge.weight);
    }
    EdgeGrid<double> grid(18, std::vector<Edge>(edges));
    EXPECT_EQ(grid.merge(Merge::sum, [](auto) {}), edges.size() - 77);
    sums[turn] = links_of(grid);
    std::reverse(edges.begin(), edges.end());
  }
  EXPECT_NE(naive[0], naive[1]) << "the weights are too tame for this test";
  EXPECT_EQ(sums[0], sums[1]);
  EXPECT_NEAR(sums[0].front().second / naive[0], 1, 1e-12);
}

// A body may change what is known of the nodes of its links without a lock.
TEST(EdgeGrid, NeverGivesTwoThreadsTheSameNode) {
  const size_t nodes = 20'000;
  set_threads(4);
  EdgeGrid<float> grid(nodes, test::random_edges(nodes, 800'000, 0, 3));
  ASSERT_GT(grid.blocks(), 3u);
  const size_t links = grid.count();
  std::vector<std::atomic<int>> users(nodes);
  std::atomic<bool> shared = false;
  const auto enter = [&](uint32_t node) { shared = users[node].fetch_add(1) > 0 || shared; };
  std::atomic<size_t> seen = 0;
  grid.visit([&](auto some) {
    for (const auto& link : some) {
      enter(link.u);
      enter(link.v);
      --users[link.u];
      --users[link.v];
      ++seen;
    }
  });
  set_threads(0);
  EXPECT_FALSE(shared);
  EXPECT_EQ(seen, links);
}

}  // namespace
}  // namespace cowatch

#include "learn/relational/mining.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "base/threads.h"
#include "learn/relational/network.h"
#include "math/float16.h"

namespace cowatch {
namespace {

// Similarities from few values, so that ties are common, or from many small whole numbers, so that each
// anchor's best is anywhere; all are exact in both precisions.
struct MiningCase {
  Graph graph;
  Batch batch;
  std::vector<float> z;
  static constexpr size_t width = 4;

  MiningCase(size_t videos, size_t triplets, uint64_t seed, bool fine = false) {
    const Random random(seed, 3);
    std::vector<Edge> edges;
    for (uint32_t v = 0; v < videos; ++v)
      edges.push_back({v, static_cast<uint32_t>((v + 1 + random.below(videos - 1, v, 0)) % videos), 1});
    graph = Graph::from_edges(videos, edges);
    std::vector<Triplet> drawn;
    for (uint32_t i = 0; i < triplets; ++i) {
      const auto anchor = static_cast<uint32_t>(random.below(videos, i, 1));
      const auto neighbours = graph.neighbours(anchor);
      drawn.push_back({anchor, neighbours[random.below(neighbours.size(), i, 2)],
                       static_cast<uint32_t>(random.below(videos, i, 3)), 0});
    }
    batch = make_batch(drawn, true);
    if (fine) {
      for (size_t k = 0; k < batch.rows.size() * width; ++k)
        z.push_back(static_cast<float>(random.below(101, 1000, static_cast<uint32_t>(k))) - 50.0f);
      return;
    }
    for (size_t k = 0; k < batch.rows.size() * width; ++k) {
      z.push_back(static_cast<float>(random.below(3, 1000, static_cast<uint32_t>(k))) - 1.0f);
    }
    for (size_t r = 0; r < batch.rows.size(); ++r) z[r * width] += 0.25f;  // no zero rows
    normalise_rows(Matrix(z.data(), batch.rows.size(), width));
    for (float& value : z)
      value = float_from_bfloat(bfloat_from_float(value));  // the same similarities in both precisions
  }
  float similarity(uint32_t a, uint32_t b) const {
    double sum = 0;
    for (size_t k = 0; k < width; ++k) sum += double{z[a * width + k]} * z[b * width + k];
    return static_cast<float>(sum);
  }
};

// By the definition: every anchor against every drawn negative.
Mined slow_mining(const MiningCase& c) {
  Mined mined;
  const Batch& b = c.batch;
  for (size_t i = 0; i < b.size(); ++i) {
    const float limit = c.similarity(b.anchor_row[i], b.positive_row[i]);
    size_t best = b.size();
    for (size_t j = 0; j < b.size(); ++j) {
      const uint32_t video = b.negative[j];
      if (video == b.anchor[i] || video == b.positive[i] || c.graph.has_edge(b.anchor[i], video)) continue;
      const float similarity = c.similarity(b.anchor_row[i], b.negative_row[j]);
      if (!(similarity < limit)) continue;
      if (best == b.size() || similarity > c.similarity(b.anchor_row[i], b.negative_row[best])) best = j;
    }
    mined.unmined += best == b.size();
    mined.negative_row.push_back(b.negative_row[best == b.size() ? i : best]);
    mined.retained += best < b.size() && b.negative[best] == b.negative[i];
  }
  return mined;
}

TEST(Mining, TakesTheNearestNegativeBeyondThePositive) {
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    const MiningCase c(seed % 3 == 0 ? 900 : 12 + seed, seed % 3 == 0 ? 1500 : 40, seed);
    const Mined expected = slow_mining(c);
    for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
      const Mined mined = mine_semi_hard(ConstMatrix(c.z.data(), c.batch.rows.size(), MiningCase::width), c.batch,
                                         c.graph, precision);
      EXPECT_EQ(mined.negative_row, expected.negative_row) << "seed " << seed;
      EXPECT_EQ(mined.retained, expected.retained);
      EXPECT_EQ(mined.unmined, expected.unmined);
    }
  }
}

// More columns than two tiles have, so that the best of a row is found across their borders.
TEST(Mining, LooksThroughAllTilesOfColumns) {
  const MiningCase c(2500, 3000, 1, true);
  const std::set<uint32_t> columns(c.batch.negative_row.begin(), c.batch.negative_row.end());
  ASSERT_GT(columns.size(), 2 * 768u);
  const Mined expected = slow_mining(c);
  ASSERT_GT(expected.retained, 0u);
  ASSERT_LT(expected.unmined, c.batch.size() / 2);
  for (const size_t count : {1, 2, 4}) {
    set_threads(count);
    for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
      const Mined mined = mine_semi_hard(ConstMatrix(c.z.data(), c.batch.rows.size(), MiningCase::width),
                                         c.batch, c.graph, precision);
      EXPECT_EQ(mined.negative_row, expected.negative_row) << count << " threads";
      EXPECT_EQ(mined.retained, expected.retained);
      EXPECT_EQ(mined.unmined, expected.unmined);
      EXPECT_EQ(mined.operations, 2.0 * 3000 * static_cast<double>(columns.size() * MiningCase::width));
    }
  }
  set_threads(0);
}

TEST(Mining, KeepsTheDrawnNegativeWhereNoneIsSemiHard) {
  const Graph graph = Graph::from_edges(3, {{0, 1, 1}});
  const Batch batch = make_batch({{0, 1, 2, 0}}, true);
  const std::vector<float> z = {1, 0, 0, 1, 1, 0};  // the negative lies on the anchor, the positive far away
  const Mined mined = mine_semi_hard(ConstMatrix(z.data(), 3, 2), batch, graph, Precision::float32);
  EXPECT_EQ(mined.negative_row, std::vector<uint32_t>{2});
  EXPECT_EQ(mined.unmined, 1u);
  EXPECT_EQ(mined.retained, 0u);
}

TEST(Mining, DoesNotDependOnThreads) {
  const MiningCase c(700, 1200, 5);
  const ConstMatrix z(c.z.data(), c.batch.rows.size(), MiningCase::width);
  set_threads(1);
  const Mined one = mine_semi_hard(z, c.batch, c.graph, Precision::float32);
  set_threads(2);
  const Mined two = mine_semi_hard(z, c.batch, c.graph, Precision::float32);
  set_threads(0);
  EXPECT_EQ(one.negative_row, two.negative_row);
}

}  // namespace
}  // namespace cowatch

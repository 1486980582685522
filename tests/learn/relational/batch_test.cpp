#include "learn/relational/batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace cowatch {
namespace {

// Positives stand for the videos with neighbours, lone negatives for the others: as many to each other as
// there are in the catalogue, by number or, where that is more than a batch, by weight.
TEST(SoftmaxBatch, ShowsLoneVideosInProportion) {
  constexpr size_t size = 20;
  for (const size_t lone : {0, 1, 2, 4, 12}) {
    const size_t videos = 4 + lone;
    const Graph graph = Graph::from_edges(videos, {{0, 1, 1}, {2, 3, 1}});
    const AffinityTree tree = build_tree(graph, {});
    const TripletSampler sampler(graph, tree, {}, 5);
    const double wanted = static_cast<double>(size * lone) / 4;
    std::set<uint32_t> seen;
    for (uint64_t step = 0; step < 40; ++step) {
      const Batch batch = draw_softmax_batch(sampler, size, step);
      const Batch pairs = draw_batch(sampler, size, step, NegativeLevel::random, false);
      EXPECT_EQ(batch.anchor, pairs.anchor);
      EXPECT_EQ(batch.positive, pairs.positive);
      EXPECT_EQ(batch.negative.size(), std::min<size_t>(size, 5 * lone));
      EXPECT_NEAR(batch.negative_weight * static_cast<double>(batch.negative.size()), wanted, 1e-9);
      for (size_t j = 0; j < batch.negative.size(); ++j)
        EXPECT_EQ(batch.rows[batch.negative_row[j]], batch.negative[j]);
      seen.insert(batch.negative.begin(), batch.negative.end());
    }
    EXPECT_EQ(seen.size(), lone) << "all of them, and no others";
    for (const uint32_t video : seen) EXPECT_EQ(graph.degree(video), 0u);
  }
}

}  // namespace
}  // namespace cowatch

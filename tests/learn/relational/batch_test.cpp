#include "learn/relational/batch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
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

// How far counts of independent events of one chance lie from it: about 1 a count when they are.
double chi_square(const std::vector<size_t>& counts, double trials, double chance) {
  double sum = 0;
  for (const size_t count : counts) {
    const double off = static_cast<double>(count) - trials * chance;
    sum += off * off / (trials * chance * (1 - chance));
  }
  return sum;
}

TEST(DrawClasses, TakesAllOrAUniformSample) {
  EXPECT_EQ(draw_classes(3, 3, 1, 0), (std::vector<uint32_t>{0, 1, 2}));
  constexpr size_t classes = 50, samples = 20, steps = 3000;
  std::vector<size_t> counts(classes);
  for (uint64_t step = 0; step < steps; ++step) {
    const auto drawn = draw_classes(classes, samples, 7, step);
    ASSERT_LE(drawn.size(), samples);
    for (size_t k = 0; k < drawn.size(); ++k) {
      ASSERT_LT(drawn[k], classes);
      if (k > 0) {
        ASSERT_LT(drawn[k - 1], drawn[k]);
      }
      ++counts[drawn[k]];
    }
  }
  const double chance = 1 - std::pow(1 - 1.0 / classes, samples);  // of a class to be drawn at least once
  EXPECT_LT(chi_square(counts, steps, chance), classes + 4 * std::sqrt(2.0 * classes));
  EXPECT_NE(draw_classes(classes, samples, 7, 0), draw_classes(classes, samples, 8, 0));
}

TEST(HideModalities, HidesItsShareAndNeverTheLast) {
  constexpr double chance = 0.3, steps = 2000;
  // Video 0 has all three, 1 the outer two, 2 the middle one, 3 none.
  const std::vector<uint8_t> present = {1, 1, 1, 1, 0, 1, 0, 1, 0, 0, 0, 0};
  const FeatureTable features(4, {{"a", 0, 1}, {"b", 1, 2}, {"c", 2, 4}}, std::vector<float>(16, 1), present);
  std::vector<std::vector<size_t>> hidden(4, std::vector<size_t>(3));
  for (uint64_t step = 0; step < steps; ++step) {
    for (uint32_t video = 0; video < 4; ++video) {
      std::vector<float> row(4, 1);
      hide_modalities(features, chance, 1, step, video, row.data());
      EXPECT_EQ(row[2], row[3]) << "a modality goes as a whole";
      for (size_t m = 0; m < 3; ++m) hidden[video][m] += row[m] == 0;
      if (video < 2) {
        EXPECT_GT(row[0] + row[2] + (video == 0 ? row[1] : 0), 0) << "something is left";
      }
    }
  }
  // The last of those in order goes only when not all before it did.
  const auto expect = [&](size_t video, size_t modality, double share) {
    const double deviation = std::sqrt(steps * share * (1 - share));
    EXPECT_NEAR(static_cast<double>(hidden[video][modality]), steps * share, 4 * deviation + 0.1)
        << "video " << video << ", modality " << modality;
  };
  expect(0, 0, chance);
  expect(0, 1, chance);
  expect(0, 2, chance * (1 - chance * chance));
  expect(1, 0, chance);
  expect(1, 1, 0);
  expect(1, 2, chance * (1 - chance));
  for (size_t m = 0; m < 3; ++m) {
    expect(2, m, 0);
    expect(3, m, 0);
  }
}

}  // namespace
}  // namespace cowatch

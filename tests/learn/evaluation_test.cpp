#include "learn/evaluation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "base/threads.h"
#include "support/graphs.h"

namespace cowatch {
namespace {

double precision_at(const std::vector<bool>& relevant, size_t cut, size_t total) {
  double sum = 0, found = 0;
  for (size_t r = 0; r < std::min(cut, relevant.size()); ++r) {
    if (relevant[r]) sum += ++found / static_cast<double>(r + 1);
  }
  return sum / static_cast<double>(std::min(cut, total));
}

double gain_at(const std::vector<bool>& relevant, size_t cut, size_t total) {
  double gain = 0, ideal = 0;
  for (size_t r = 0; r < std::min(cut, relevant.size()); ++r) {
    if (relevant[r]) gain += 1 / std::log2(static_cast<double>(r) + 2);
    if (r < total) ideal += 1 / std::log2(static_cast<double>(r) + 2);
  }
  return gain / ideal;
}

// Sorts everything for every query and goes down the list.
RetrievalScores slow_scores(ConstMatrix rows, const Graph& truth) {
  RetrievalScores mean;
  for (uint32_t query = 0; query < truth.nodes(); ++query) {
    const size_t total = truth.degree(query);
    if (total == 0) continue;
    std::vector<std::pair<double, uint32_t>> order;
    for (uint32_t video = 0; video < truth.nodes(); ++video) {
      double cosine = 0;
      for (size_t k = 0; k < rows.columns; ++k) cosine += rows.row(query)[k] * rows.row(video)[k];
      if (video != query) order.emplace_back(-cosine, video);
    }
    std::sort(order.begin(), order.end());
    std::vector<bool> relevant;
    for (const auto& [_, video] : order) relevant.push_back(truth.has_edge(query, video));
    RetrievalScores one{precision_at(relevant, SIZE_MAX, total),
                        precision_at(relevant, 10, total),
                        precision_at(relevant, 50, total),
                        precision_at(relevant, 100, total),
                        gain_at(relevant, 10, total),
                        gain_at(relevant, 50, total),
                        gain_at(relevant, 100, total),
                        1};
    mean.add(one, 1);
  }
  RetrievalScores scaled;
  scaled.add(mean, 1 / static_cast<double>(mean.queries));
  return scaled;
}

void expect_equal(const RetrievalScores& a, const RetrievalScores& b) {
  EXPECT_EQ(a.queries, b.queries);
  EXPECT_NEAR(a.map, b.map, 1e-12);
  EXPECT_NEAR(a.map_10, b.map_10, 1e-12);
  EXPECT_NEAR(a.map_50, b.map_50, 1e-12);
  EXPECT_NEAR(a.map_100, b.map_100, 1e-12);
  EXPECT_NEAR(a.ndcg_10, b.ndcg_10, 1e-12);
  EXPECT_NEAR(a.ndcg_50, b.ndcg_50, 1e-12);
  EXPECT_NEAR(a.ndcg_100, b.ndcg_100, 1e-12);
}

TEST(ScoreRanks, AreThoseWorkedOutByHand) {
  const std::vector<uint32_t> ranks{0, 2, 10};
  const RetrievalScores scores = score_ranks(ranks);
  EXPECT_NEAR(scores.map, (1.0 + 2.0 / 3 + 3.0 / 11) / 3, 1e-12);
  EXPECT_NEAR(scores.map_10, (1.0 + 2.0 / 3) / 3, 1e-12) << "the third is below the cut";
  EXPECT_NEAR(scores.map_50, scores.map, 1e-12);
  const double third = 1 / std::log2(3.0), ideal = 1 + third + 0.5;
  EXPECT_NEAR(scores.ndcg_10, 1.5 / ideal, 1e-12);
  EXPECT_NEAR(scores.ndcg_50, (1.5 + 1 / std::log2(12.0)) / ideal, 1e-12);
  EXPECT_EQ(score_ranks({}).queries, 0u);
  EXPECT_EQ(score_ranks({}).map, 0);
}

TEST(ScoreRanks, APerfectListOfMoreThanTheCutScoresOne) {
  std::vector<uint32_t> ranks(20);
  for (uint32_t k = 0; k < 20; ++k) ranks[k] = k;
  EXPECT_NEAR(score_ranks(ranks).map_10, 1, 1e-12);
  EXPECT_NEAR(score_ranks(ranks).ndcg_10, 1, 1e-12);
}

// Four videos on a line of falling cosines to video 0; its neighbours are 1 and 3.
TEST(EvaluateRetrieval, IsTheMeanOfTheQueries) {
  const std::vector<float> rows{1, 0, 0.8F, 0.6F, 0.6F, 0.8F, 0, 1};
  const Graph truth = Graph::from_edges(4, {{0, 1, 1}, {0, 3, 1}});
  const RetrievalScores scores = evaluate_retrieval(ConstMatrix(rows.data(), 4, 2), truth);
  // 0 sees 1, 2, 3: (1 + 2/3) / 2. 1 sees 2 (.96), then 0: 1/2. 3 sees 2, 1, 0: 1/3.
  EXPECT_EQ(scores.queries, 3u);
  EXPECT_NEAR(scores.map, (5.0 / 6 + 0.5 + 1.0 / 3) / 3, 1e-12);
}

// Rows are axes, so that most cosines are equal, exactly.
TEST(EvaluateRetrieval, EqualsTheSlowCopyWithTies) {
  for (const size_t axes : {1u, 2u, 7u}) {
    const size_t videos = 180;
    const Random random(3, static_cast<uint32_t>(axes));
    std::vector<float> rows(videos * axes);
    for (uint32_t video = 0; video < videos; ++video)
      rows[video * axes + random.below(axes, 0, video)] = video % 5 == 0 ? -1.0F : 1.0F;
    const Graph truth = Graph::from_edges(videos, test::random_edges(videos, 300, 1, axes));
    const ConstMatrix matrix(rows.data(), videos, axes);
    for (const size_t count : {1, 2, 4}) {
      set_threads(count);
      expect_equal(evaluate_retrieval(matrix, truth), slow_scores(matrix, truth));
    }
    set_threads(0);
  }
}

TEST(MeanOverQueries, AsksOnlyWhomItIsGiven) {
  const Graph truth = Graph::from_edges(4, {{0, 1, 1}, {2, 3, 1}});
  const std::vector<uint32_t> queries{2};
  const auto scores = mean_over_queries(queries, truth, [](size_t, std::vector<float>& to) {
    to = {0.5F, 0.5F, 9, 0.5F};
  });
  EXPECT_EQ(scores.queries, 1u);
  EXPECT_NEAR(scores.map, 1.0 / 3, 1e-12) << "equal scores rank by id, and the query itself is left out";
}

TEST(SplitVideos, CoversAllOnceAndDependsOnTheSeedAlone) {
  const VideoSplit split = split_videos(101, 0.7, 5);
  EXPECT_EQ(split.train.size(), 71u);
  std::vector<uint32_t> all = split.train;
  all.insert(all.end(), split.test.begin(), split.test.end());
  std::sort(all.begin(), all.end());
  for (uint32_t video = 0; video < 101; ++video) EXPECT_EQ(all[video], video);
  EXPECT_EQ(all.size(), 101u);
  EXPECT_EQ(split_videos(101, 0.7, 5).test, split.test);
  EXPECT_NE(split_videos(101, 0.7, 6).test, split.test);
}

}  // namespace
}  // namespace cowatch

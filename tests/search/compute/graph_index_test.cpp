#include "search/compute/graph/graph_index.h"

#include <gtest/gtest.h>

#include <array>

#include "search/compute/graph/beam.h"
#include "search/compute_examples.h"

namespace cowatch {
namespace {

using test::random_values;

TEST(GraphIndexTest, BothLevelsOfItsCodesScoreNearlyAsTheVectorsDo) {
  const auto values = test::clustered(500, 20);
  const VectorRows source(ConstMatrix(values.data(), 500, 20));
  const auto query = random_values(20, 9);
  for (const Metric metric : {Metric::inner_product, Metric::cosine, Metric::l2}) {
    const auto found = build_index({.metric = metric}, source)->search(query, 10, {.effort = 100});
    ASSERT_EQ(found.size(), 10u);
    for (const auto& scored : found) {
      const double exact = test::slow_score(metric, query, std::span(values).subspan(scored.index * 20, 20));
      EXPECT_NEAR(scored.score, exact, 3e-3 * (1 + std::abs(exact)));
    }
  }
}

TEST(BeamTest, HoldsTheBestOfAStreamAndPopsThemInOrder) {
  const auto scores = random_values(350, 4);
  std::vector<Scored> all;
  std::vector<uint32_t> slots(350);
  for (uint32_t i = 0; i < 350; ++i) all.push_back({slots[i] = i, scores[i]});
  std::sort(all.begin(), all.end(), better);
  for (const size_t at_once : {1u, 7u, 100u, 350u}) {
    Beam beam;
    beam.reset(30);
    for (size_t i = 0; i < 350; i += at_once) {
      const size_t count = std::min<size_t>(at_once, 350 - i);
      beam.offer(std::span(slots).subspan(i, count), scores.data() + i);
    }
    ASSERT_EQ(beam.size(), 30u);
    std::array<uint32_t, 4> popped;
    for (size_t i = 0; i < 30; i += 4) {
      ASSERT_EQ(beam.pop(popped), std::min<size_t>(4, 30 - i));
      for (size_t j = i; j < std::min<size_t>(i + 4, 30); ++j) {
        EXPECT_EQ(popped[j - i], all[j].index);
        EXPECT_EQ(beam[j].index, all[j].index);
        EXPECT_EQ(beam[j].score, all[j].score);
      }
    }
    EXPECT_EQ(beam.pop(popped), 0u);
  }
}

TEST(BeamTest, EqualScoresComeBySmallerSlotAndABetterOneIsPoppedFirst) {
  Beam beam;
  beam.reset(4);
  const std::vector<uint32_t> slots = {9, 2, 7, 5, 3};
  const std::vector<float> scores = {-1, -1, -1, 0, -1};
  beam.offer(slots, scores.data());
  ASSERT_EQ(beam.size(), 4u);
  for (const auto& [place, slot] : {std::pair(0u, 5u), {1u, 2u}, {2u, 3u}, {3u, 7u}})
    EXPECT_EQ(beam[place].index, slot);
  std::array<uint32_t, 2> popped;
  ASSERT_EQ(beam.pop(popped), 2u);
  const uint32_t better_slot = 8;
  const float better_score = 3;
  beam.offer(std::span(&better_slot, 1), &better_score);
  ASSERT_EQ(beam.pop(popped), 2u);
  EXPECT_EQ(popped[0], 8u);
  EXPECT_EQ(popped[1], 3u);
}

TEST(VisitedTest, ListsEachSlotOnceUntilItIsReset) {
  Visited visited;
  for (int round = 0; round < 2; ++round) {
    visited.reset(1000);
    visited.mark(std::vector<uint32_t>{5, 999, 5, 64});
    const size_t before = visited.count();
    EXPECT_EQ(before, 3u);
    visited.mark(std::vector<uint32_t>{64, 0, 999});
    ASSERT_EQ(visited.since(before).size(), 1u);
    EXPECT_EQ(visited.since(before)[0], 0u);
  }
}

}  // namespace
}  // namespace cowatch

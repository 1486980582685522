#include "search/compute/scan.h"

#include <gtest/gtest.h>

#include <cmath>

#include "math/targets.h"
#include "search/compute_examples.h"

namespace cowatch {
namespace {

using test::random_values;

TEST(ScoreRows, MatchesAPlainLoopAtRaggedSizesOnEveryInstructionSet) {
  for (const Target& target : supported_targets()) {
    use_only(target);
    for (const size_t width : {1u, 3u, 15u, 16u, 17u, 64u, 100u, 257u}) {
      const auto rows = random_values(37 * width, 1), query = random_values(width, 2);
      std::vector<float> scores(37);
      score_rows(query, ConstMatrix(rows.data(), 37, width), scores);
      for (size_t r = 0; r < 37; ++r) {
        double sum = 0, size = 0;
        for (size_t i = 0; i < width; ++i)
          sum += double{query[i]} * rows[r * width + i],
              size += std::abs(double{query[i]} * rows[r * width + i]);
        EXPECT_NEAR(scores[r], sum, 1e-6 * (size + 1)) << target.name << " width " << width;
      }
    }
  }
  use_all_targets();
}

// Large blocks are read in two ways in turns, then by the quicker one: the scores are those of small blocks,
// bit by bit.
TEST(ScoreRows, AreTheSameWhicheverWayRowsAreRead) {
  constexpr size_t width = 96, count = 1031;
  const auto rows = random_values(width * count, 7), query = random_values(width, 8);
  const ConstMatrix all(rows.data(), count, width);
  std::vector<float> expected(count), found(count);
  for (size_t r = 0; r < count; ++r)
    score_rows(query, ConstMatrix(all.row(r).data(), 1, width), std::span(expected).subspan(r, 1));
  for (int turn = 0; turn < 140; ++turn) {
    std::fill(found.begin(), found.end(), 0.0f);
    score_rows(query, all, found);
    ASSERT_EQ(found, expected) << turn;
  }
}

TEST(NextAtLeast, FindsWhatAPlainLoopFindsOnEveryInstructionSet) {
  auto scores = random_values(1000, 8);
  scores[300] = NAN;
  for (const Target& target : supported_targets()) {
    use_only(target);
    for (const size_t size : {0u, 1u, 15u, 64u, 301u, 1000u}) {
      for (const float threshold : {-INFINITY, 0.0f, 2.5f, INFINITY}) {
        const std::span<const float> part(scores.data(), size);
        for (size_t begin = 0; begin <= size; begin += 7) {
          size_t expected = begin;
          while (expected < size && !(part[expected] >= threshold)) ++expected;
          ASSERT_EQ(next_at_least(part, begin, threshold), expected) << target.name << " from " << begin;
        }
      }
    }
  }
  use_all_targets();
}

TEST(TopKTest, NeverKeepsNaN) {
  TopK best(2);
  best.offer({0, NAN});
  best.offer({1, 1.0f});
  best.offer({2, 2.0f});
  best.offer({3, NAN});
  const auto found = best.take();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].index, 2u);
}

}  // namespace
}  // namespace cowatch

#include "search/exact_index.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "base/threads.h"
#include "math/targets.h"
#include "search/compute/scan.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

std::vector<float> random_values(size_t count, uint32_t stream) {
  std::vector<float> values(count);
  for (uint32_t i = 0; i < count; ++i) values[i] = static_cast<float>(Random(3, stream).normal(0, i));
  return values;
}

// All scores by a plain loop in double, sorted by the documented order.
std::vector<Scored> slow_search(ConstMatrix rows, std::span<const float> query, size_t k,
                                const Exclude& exclude) {
  std::vector<Scored> all;
  for (uint32_t r = 0; r < rows.rows; ++r) {
    double sum = 0, length = 0;
    for (size_t i = 0; i < rows.columns; ++i)
      sum += double{query[i]} * rows.row(r)[i], length += std::abs(rows.row(r)[i]);
    if (length > 0 && !(exclude && exclude(r))) all.push_back({r, static_cast<float>(sum)});
  }
  std::sort(all.begin(), all.end(), better);
  all.resize(std::min(k, all.size()));
  return all;
}

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

TEST(ExactIndexTest, ABatchOverSeveralRangesAndGroupsFindsTheSame) {
  constexpr size_t count = 70'000, width = 4, queries = 300;
  auto values = random_values(count * width, 9);
  std::fill_n(values.begin() + 66'000 * width, width, 0.0f);
  const auto query_values = random_values(queries * width, 10);
  const ConstMatrix rows(values.data(), count, width);
  const auto lists = ExactIndex(rows).search_batch(ConstMatrix(query_values.data(), queries, width), 5);
  ASSERT_EQ(lists.size(), queries);
  for (const size_t q : {0u, 255u, 256u, 299u}) {
    const auto expected = slow_search(rows, std::span(query_values).subspan(q * width, width), 5, {});
    ASSERT_EQ(lists[q].size(), 5u);
    for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(lists[q][i].score, expected[i].score, 1e-4);
  }
}

TEST(ExactIndexTest, FindsWhatAPlainLoopFinds) {
  auto values = random_values(9000 * 12, 4);
  std::fill_n(values.begin() + 70 * 12, 12, 0.0f);  // a video without an embedding
  const ConstMatrix rows(values.data(), 9000, 12);
  const ExactIndex index(rows);
  const Exclude odd = [](uint32_t row) { return row % 2 == 1; };
  for (const size_t k : {0u, 1u, 10u, 8998u, 20000u}) {
    for (const Exclude& exclude : {Exclude{}, odd}) {
      const auto query = random_values(12, 5);
      const auto found = index.search(query, k, exclude), expected = slow_search(rows, query, k, exclude);
      ASSERT_EQ(found.size(), expected.size());
      for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i].score, expected[i].score, 1e-4);
      if (k <= 10) {
        for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].index, expected[i].index);
      }
    }
  }
}

TEST(ExactIndexTest, EqualScoresComeBySmallerIndexForAnyThreads) {
  const std::vector<float> same(10000 * 4, 0.5f);
  const ExactIndex index(ConstMatrix(same.data(), 10000, 4));
  for (const size_t count : {1u, 2u, 4u}) {
    set_threads(count);
    const auto found = index.search(std::vector<float>(4, 0.5f), 5);
    for (uint32_t i = 0; i < 5; ++i) EXPECT_EQ(found[i].index, i);
  }
  set_threads(0);
}

TEST(ExactIndexTest, ABatchAnswersAsSingleQueriesDo) {
  const auto values = random_values(5000 * 24, 6), queries = random_values(33 * 24, 7);
  const ExactIndex index(ConstMatrix(values.data(), 5000, 24));
  const auto lists = index.search_batch(ConstMatrix(queries.data(), 33, 24), 7);
  for (size_t q = 0; q < 33; ++q) {
    const auto single = index.search(std::span(queries).subspan(q * 24, 24), 7);
    ASSERT_EQ(lists[q].size(), 7u);
    for (size_t i = 0; i < 7; ++i) EXPECT_EQ(lists[q][i].index, single[i].index);
  }
}

TEST(ExactIndexTest, RefusesAnotherDimensionAndAMissingFile) {
  const std::vector<float> values(8);
  const ExactIndex index(ConstMatrix(values.data(), 2, 4));
  EXPECT_THROW(index.search(std::vector<float>(3), 1), Error);
  test::TemporaryFolder folder;
  try {
    ExactIndex::open(folder / "none");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::missing_stage);
  }
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

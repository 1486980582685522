#include "search/compute/flat_index.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/threads.h"
#include "math/float16.h"
#include "search/compute_examples.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

using test::metrics;
using test::random_values;
using test::slow_search;


void expect_same(const std::vector<Scored>& found, const std::vector<Scored>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].index, expected[i].index) << "place " << i;
    EXPECT_NEAR(found[i].score, expected[i].score, 1e-3) << "place " << i;
  }
}

TEST(FlatIndexTest, FindsWhatAPlainLoopFindsByEveryMetric) {
  const auto values = random_values(5000 * 12, 4), queries = random_values(9 * 12, 5);
  const VectorRows source(ConstMatrix(values.data(), 5000, 12));
  for (const Metric metric : metrics) {
    const auto index = build_index({.kind = IndexKind::exact, .metric = metric}, source);
    const auto batch = index->search_batch(ConstMatrix(queries.data(), 9, 12), 10);
    for (size_t q = 0; q < 9; ++q) {
      const auto query = std::span(queries).subspan(q * 12, 12);
      const auto expected = slow_search(source, metric, query, 10);
      expect_same(index->search(query, 10), expected);
      expect_same(batch[q], expected);
    }
  }
}

TEST(FlatIndexTest, ABatchOverSeveralRangesAndGroupsFindsTheSame) {
  constexpr size_t count = 70'000, width = 4, queries = 300;
  const auto values = random_values(count * width, 9), query_values = random_values(queries * width, 10);
  const VectorRows source(ConstMatrix(values.data(), count, width));
  const auto index = build_index({.kind = IndexKind::exact, .metric = Metric::inner_product}, source);
  const auto lists = index->search_batch(ConstMatrix(query_values.data(), queries, width), 5);
  ASSERT_EQ(lists.size(), queries);
  for (const size_t q : {0u, 255u, 256u, 299u}) {
    const auto query = std::span(query_values).subspan(q * width, width);
    expect_same(lists[q], slow_search(source, Metric::inner_product, query, 5));
  }
}

// What one part of the rows found bounds what another may leave out: not where it holds fewer than are wanted,
// and not equal scores.
TEST(FlatIndexTest, ABatchOverSeveralPartsFindsAsManyAsAreWanted) {
  constexpr size_t count = 70'000, queries = 3;
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = static_cast<float>(i * 7919 % 100);  // many are equal
  const VectorRows source(ConstMatrix(values.data(), count, 1));
  const auto index = build_index({.kind = IndexKind::exact, .metric = Metric::inner_product}, source);
  const std::vector<float> query_values = {1, -1, 0};
  for (const size_t k : {5u, 1000u, 50'000u}) {
    const auto lists = index->search_batch(ConstMatrix(query_values.data(), queries, 1), k);
    for (size_t q = 0; q < queries; ++q) {
      const auto expected = slow_search(source, Metric::inner_product, std::span(query_values).subspan(q, 1), k);
      ASSERT_EQ(lists[q].size(), k);
      for (size_t i = 0; i < k; ++i) {
        ASSERT_EQ(lists[q][i].index, expected[i].index) << "query " << q << ", place " << i << " of " << k;
        ASSERT_EQ(lists[q][i].score, expected[i].score);
      }
    }
  }
}

TEST(FlatIndexTest, EqualScoresComeBySmallerSlotForAnyThreads) {
  const std::vector<float> same(40'000 * 4, 0.5f);  // three ranges
  const VectorRows source(ConstMatrix(same.data(), 40'000, 4));
  const auto index = build_index({.kind = IndexKind::exact, .metric = Metric::inner_product}, source);
  for (const size_t count : {1u, 2u, 4u}) {
    set_threads(count);
    const auto found = index->search(std::vector<float>(4, 0.5f), 5);
    for (uint32_t i = 0; i < 5; ++i) EXPECT_EQ(found[i].index, i);
  }
  set_threads(0);
}

TEST(FlatIndexTest, AFilterLeavesItsSurvivorsSparseOrDense) {
  const auto values = random_values(3000 * 8, 1), query = random_values(8, 2);
  const VectorRows source(ConstMatrix(values.data(), 3000, 8));
  for (const Metric metric : metrics) {
    const auto index = build_index({.kind = IndexKind::exact, .metric = metric}, source);
    for (const uint32_t step : {1u, 2u, 100u, 1500u}) {
      Allowed allowed(3000);
      for (uint32_t slot = 0; slot < 3000; slot += step) allowed.add(slot);
      const auto expected = slow_search(source, metric, query, 5, &allowed);
      expect_same(index->search(query, 5, {.filter = &allowed}), expected);
      expect_same(index->search_batch(ConstMatrix(query.data(), 1, 8), 5, {.filter = &allowed})[0], expected);
    }
  }
}

TEST(FlatIndexTest, HalvesAreSearchedAsFloats) {
  const auto values = random_values(700 * 20, 1), query = random_values(20, 2);
  std::vector<uint16_t> halves(values.size());
  halves_from_floats(values, halves);
  const VectorRows source(ElementType::f16, halves.data(), 700, 20, 20);
  const auto index = build_index({.kind = IndexKind::exact, .metric = Metric::l2}, source);
  expect_same(index->search(query, 10), slow_search(source, Metric::l2, query, 10));
}

TEST(FlatIndexTest, BfloatsAndBytesAreSearchedByEveryMetric) {
  const auto values = random_values(700 * 40, 1), query = random_values(40, 2);
  std::vector<uint16_t> bfloats(values.size());
  bfloats_from_floats(values, bfloats);
  std::vector<int8_t> bytes(values.size());
  for (size_t i = 0; i < values.size(); ++i) bytes[i] = static_cast<int8_t>(values[i] * 30);
  for (const Metric metric : metrics) {
    for (const bool whole : {false, true}) {
      const VectorRows source = whole ? VectorRows(ElementType::i8, bytes.data(), 700, 40, 40)
                                      : VectorRows(ElementType::bf16, bfloats.data(), 700, 40, 40);
      const auto index = build_index({.kind = IndexKind::exact, .metric = metric}, source);
      const auto found = index->search(query, 10), expected = slow_search(source, metric, query, 10);
      for (size_t i = 0; i < expected.size(); ++i) {
        EXPECT_EQ(found[i].index, expected[i].index);
        EXPECT_NEAR(found[i].score, expected[i].score, 1e-5 * std::abs(expected[i].score) + 1e-3);
      }
    }
  }
}

TEST(FlatIndexTest, WhatIsErasedIsNotAnsweredUntilInsertedAgain) {
  const auto values = random_values(100 * 6, 1);
  const VectorRows source(ConstMatrix(values.data(), 100, 6));
  Allowed present(100, true);
  present.remove(99);
  const auto index = build_index({.kind = IndexKind::exact, .metric = Metric::cosine}, source, &present);
  EXPECT_EQ(index->size(), 99u);
  const std::span query(values.data() + 6 * 7, 6);
  EXPECT_EQ(index->search(query, 1)[0].index, 7u);
  index->erase(7);
  index->erase(7);
  EXPECT_EQ(index->size(), 98u);
  EXPECT_NE(index->search(query, 1)[0].index, 7u);
  index->insert(7);
  EXPECT_EQ(index->search(query, 1)[0].index, 7u);
}

TEST(FlatIndexTest, ASavedIndexAnswersTheSameAndFitsOnlyItsVectors) {
  const auto values = random_values(300 * 6, 1), query = random_values(6, 2);
  const VectorRows source(ConstMatrix(values.data(), 300, 6)), other(ConstMatrix(values.data(), 450, 4));
  const test::TemporaryFolder folder;
  for (const Metric metric : metrics) {
    const auto index = build_index({.kind = IndexKind::exact, .metric = metric}, source);
    index->erase(3);
    index->save(folder / "index");
    const auto opened = open_index(folder / "index", source);
    expect_same(opened->search(query, 300), index->search(query, 300));
    EXPECT_EQ(opened->bytes(), predict_bytes({.kind = IndexKind::exact, .metric = metric}, 300, 6).index);
    EXPECT_THROW(open_index(folder / "index", other), Error);
  }
}

TEST(FlatIndexTest, RefusesWhatCannotBeIndexedOrAsked) {
  auto values = random_values(50 * 4, 1);
  const VectorRows source(ConstMatrix(values.data(), 50, 4));
  const auto index = build_index({.kind = IndexKind::exact, .metric = Metric::cosine}, source);
  EXPECT_TRUE(index->search(std::vector<float>(4, 1.0f), 0).empty());
  EXPECT_EQ(index->search(std::vector<float>(4, 1.0f), 99).size(), 50u);
  EXPECT_THROW(index->search(std::vector<float>(5, 1.0f), 1), Error);
  EXPECT_THROW(index->search(std::vector<float>(4), 1), Error);
  EXPECT_THROW(index->search(std::vector<float>{1, NAN, 0, 0}, 1), Error);
  EXPECT_THROW(index->insert(52), Error);
  values[4 * 17] = INFINITY;
  try {
    build_index({.kind = IndexKind::exact, .metric = Metric::cosine}, source);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
    EXPECT_EQ(error.details().where, "slot 17");
  }
  std::atomic<bool> cancel = true;
  EXPECT_THROW(index->search(std::vector<float>(4, 1.0f), 1, {.patience = {.gone = &cancel}}), Error);
}

TEST(AllowedTest, CountsItsSlots) {
  Allowed allowed = Allowed::all_but(130, std::vector<uint32_t>{0, 64, 129, 129, 500});
  EXPECT_EQ(allowed.count(), 127u);
  EXPECT_FALSE(allowed.has(64));
  EXPECT_FALSE(allowed.has(130));
  allowed.resize(200);
  allowed.add(199);
  size_t visited = 0;
  allowed.for_each([&](uint32_t slot) { visited += allowed.has(slot); });
  EXPECT_EQ(visited, 128u);
  allowed.recount();
  EXPECT_EQ(allowed.count(), 128u);
}

}  // namespace
}  // namespace cowatch

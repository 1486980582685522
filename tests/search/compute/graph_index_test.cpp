#include "search/compute/graph/graph_index.h"

#include <gtest/gtest.h>

#include <array>

#include "base/error.h"
#include "base/threads.h"
#include "search/compute/graph/beam.h"
#include "search/compute_examples.h"
#include "support/temporary_folder.h"
#include "support/text_files.h"

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

// A slot that is put in when nothing else is there becomes an entry of all searches, once: a beam takes each slot once.
TEST(GraphIndexTest, ASlotThatIsAloneAgainAndAgainIsFoundOnce) {
  const auto values = random_values(3 * 16, 4);
  const VectorRows source(ConstMatrix(values.data(), 3, 16));
  Allowed first(3);
  first.add(0);
  const auto index = build_index({}, source, &first);
  for (int round = 0; round < 5; ++round) index->erase(0), index->insert(0);
  const auto found = index->search(std::span(values).first(16), 3);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].index, 0u);
  test::TemporaryFolder folder;
  index->save(folder / "graph.index");
  const TensorFile file(folder / "graph.index", "vector_index", 1);
  EXPECT_EQ(file.tensor<uint32_t>("entries").size(), 1u);
}

// 2,000 vectors and 1,000 others that come later: of the first every fourth goes, and they stand in another order.
struct Growth {
  static constexpr size_t before = 2000, added = 1000, width = 20;
  std::vector<float> values = test::clustered(before + added, width), after;
  std::vector<uint32_t> former_slots;
  Growth() {
    for (uint32_t i = 0; i < before + added; ++i) {
      const uint32_t from = i * 7 % (before + added);
      if (from < before && from % 4 == 0) continue;
      former_slots.push_back(from < before ? from : VectorIndex::no_former);
      after.insert(after.end(), values.begin() + from * width, values.begin() + (from + 1) * width);
    }
  }
  VectorRows former_source() const { return VectorRows(ConstMatrix(values.data(), before, width)); }
  VectorRows source() const { return VectorRows(ConstMatrix(after.data(), former_slots.size(), width)); }
};

TEST(GraphIndexTest, GrowsOutOfAnotherAndFindsAsMuchAsOneBuiltFromNothing) {
  const Growth growth;
  const VectorRows former_source = growth.former_source(), source = growth.source();
  for (const Metric metric : test::metrics) {
    for (const CodeKind codes : {CodeKind::scalar8, CodeKind::scalar4, CodeKind::scalar4x8}) {
      const IndexOptions options = {.metric = metric, .codes = codes};
      const auto grown = build_index(options, former_source)->grown(options, growth.former_slots, source, {});
      ASSERT_TRUE(grown);
      EXPECT_EQ(grown->size(), source.size());
      const auto built = build_index(options, source);
      const double found = test::recall(*grown, source, {.effort = 20}, 200), expected = test::recall(*built, source, {.effort = 20}, 200);
      EXPECT_GE(found, expected - (metric == Metric::inner_product ? 0.02 : 0.005))
          << metric_name(metric) << " " << code_kind_name(codes);
      for (uint32_t slot = 0; metric == Metric::l2 && slot < source.size(); ++slot) {
        const auto found = grown->search(std::span(growth.after).subspan(slot * Growth::width, Growth::width), 1, {.effort = 100});
        EXPECT_EQ(found.at(0).index, slot);
      }
    }
  }
}

TEST(GraphIndexTest, GrowsToTheSameBytesForAnyNumberOfThreadsAndFromAFile) {
  const Growth growth;
  const VectorRows former_source = growth.former_source(), source = growth.source();
  const test::TemporaryFolder folder;
  const auto former = build_index({}, former_source);
  former->save(folder / "former");
  const auto opened = open_index(folder / "former", former_source);
  std::string first;
  for (const auto& [threads, from] : {std::pair(1u, former.get()), {2u, former.get()}, {5u, opened.get()}}) {
    set_threads(threads);
    from->grown({}, growth.former_slots, source, {})->save(folder / "grown");
    const std::string bytes = read_text(folder / "grown");
    if (first.empty()) first = bytes;
    EXPECT_EQ(bytes, first) << threads;
  }
  set_threads(0);
}

TEST(GraphIndexTest, GrowsTakingNothingInOrLosingNearlyAll) {
  const Growth growth;
  const VectorRows former_source = growth.former_source();
  const auto former = build_index({}, former_source);
  std::vector<uint32_t> kept;
  for (uint32_t slot = 0; slot < Growth::before; slot += 50) kept.push_back(slot);  // of links between them none was there
  std::vector<float> rows;
  for (const uint32_t slot : kept)
    rows.insert(rows.end(), growth.values.begin() + slot * Growth::width, growth.values.begin() + (slot + 1) * Growth::width);
  const VectorRows source(ConstMatrix(rows.data(), kept.size(), Growth::width));
  const auto grown = former->grown({}, kept, source, {});
  ASSERT_TRUE(grown);
  EXPECT_GE(test::recall(*grown, source, {.effort = 40}, 100), 0.99);
}

TEST(GraphIndexTest, IsBuiltAnewWhereGrowingWouldNotDo) {
  const Growth growth;
  const VectorRows former_source = growth.former_source(), source = growth.source();
  const auto former = build_index({}, former_source);
  EXPECT_FALSE(former->grown({.degree = 16}, growth.former_slots, source, {}));
  EXPECT_FALSE(former->grown({.build_effort = 64}, growth.former_slots, source, {}));
  EXPECT_FALSE(former->grown({.seed = 2}, growth.former_slots, source, {}));
  EXPECT_FALSE(former->grown({}, std::vector<uint32_t>(source.size(), VectorIndex::no_former), source, {}));
  EXPECT_THROW(former->grown({.memory_cap = 1}, growth.former_slots, source, {}), Error);
  const auto lists = build_index({.kind = IndexKind::ivf, .codes = CodeKind::scalar8}, former_source);
  EXPECT_FALSE(lists->grown({.kind = IndexKind::ivf, .codes = CodeKind::scalar8}, growth.former_slots, source, {}));
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

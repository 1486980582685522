#include "search/compute/graph/graph_index.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/threads.h"
#include "search/compute/graph/beam.h"
#include "search/compute_examples.h"
#include "support/temporary_folder.h"
#include "support/text_files.h"

namespace cowatch {
namespace {

using test::random_values;
using test::slow_search;

constexpr Metric metrics[] = {Metric::inner_product, Metric::cosine, Metric::l2};
constexpr CodeKind kinds[] = {CodeKind::scalar8, CodeKind::scalar4, CodeKind::scalar4x8};

// Clusters of 40 around normal centres, dimension 20.
std::vector<float> clustered(size_t count, size_t width = 20) {
  auto values = random_values(count * width, 1);
  const auto centres = random_values((count / 40 + 1) * width, 2);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = 0.5f * values[i] + centres[i / width / 40 * width + i % width];
  return values;
}

double recall(const VectorIndex& index, const VectorSource& source, const SearchOptions& options,
              size_t queries, const Allowed* present = nullptr) {
  const size_t width = source.dimension();
  size_t right = 0, wanted = 0;
  for (size_t q = 0; q < queries; ++q) {
    auto query = random_values(width, static_cast<uint32_t>(100 + q));
    std::vector<float> buffer(width);
    const auto near = float_row(source, static_cast<uint32_t>(q * 37 % source.size()), buffer);
    for (size_t i = 0; i < width; ++i) query[i] = near[i] + 0.3f * query[i];
    const auto expected =
        slow_search(source, index.metric(), query, 10, options.filter ? options.filter : present);
    std::set<uint32_t> best;
    for (const auto& scored : expected) best.insert(scored.index);
    for (const auto& scored : index.search(query, 10, options)) right += best.contains(scored.index);
    wanted += expected.size();
  }
  return static_cast<double>(right) / static_cast<double>(wanted);
}

TEST(GraphIndexTest, FindsNearlyAllByEveryMetricAndCode) {
  const auto values = clustered(3000);
  const VectorRows source(ConstMatrix(values.data(), 3000, 20));
  for (const Metric metric : metrics) {
    for (const CodeKind codes : kinds) {
      const auto index = build_index({.metric = metric, .codes = codes}, source);
      EXPECT_GE(recall(*index, source, {.effort = 100}, 50), 0.98)
          << metric_name(metric) << " " << code_kind_name(codes);
    }
  }
}

TEST(GraphIndexTest, ScoresAreTheMetricsOwn) {
  const auto values = clustered(500);
  const VectorRows source(ConstMatrix(values.data(), 500, 20));
  const auto query = random_values(20, 9);
  for (const Metric metric : metrics) {
    for (const bool full : {false, true}) {
      const auto index = build_index({.metric = metric}, source);
      const auto found = index->search(query, 10, {.effort = 100, .full_vectors = full});
      ASSERT_EQ(found.size(), 10u);
      for (const auto& scored : found) {
        const double exact =
            test::slow_score(metric, query, std::span(values).subspan(scored.index * 20, 20));
        EXPECT_NEAR(scored.score, exact, (full ? 1e-5 : 3e-3) * (1 + std::abs(exact)));
      }
    }
  }
}

TEST(GraphIndexTest, TheSameBytesForAnyNumberOfThreads) {
  const auto values = clustered(2000);
  const VectorRows source(ConstMatrix(values.data(), 2000, 20));
  const test::TemporaryFolder folder;
  std::string first;
  for (const size_t count : {1u, 2u, 5u}) {
    set_threads(count);
    build_index({}, source)->save(folder / "index");
    const std::string bytes = read_text(folder / "index");
    if (first.empty()) first = bytes;
    EXPECT_EQ(bytes, first) << count << " threads";
  }
  set_threads(0);
}

TEST(GraphIndexTest, ASavedIndexAnswersTheSameAndCanBeChanged) {
  const auto values = clustered(1000);
  const VectorRows source(ConstMatrix(values.data(), 1000, 20));
  const auto query = random_values(20, 3);
  const test::TemporaryFolder folder;
  for (const CodeKind codes : kinds) {
    const auto index = build_index({.metric = Metric::l2, .codes = codes}, source);
    index->erase(5);
    index->save(folder / "index");
    const auto opened = open_index(folder / "index", source);
    const auto found = opened->search(query, 20, {}), expected = index->search(query, 20, {});
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].index, expected[i].index);
      EXPECT_EQ(found[i].score, expected[i].score);
    }
    EXPECT_EQ(opened->size(), 999u);
    opened->insert(5);
    EXPECT_EQ(opened->search(std::span(values).subspan(5 * 20, 20), 1, {})[0].index, 5u);
  }
}

TEST(GraphIndexTest, ADamagedFileIsNamed) {
  const auto values = clustered(300);
  const VectorRows source(ConstMatrix(values.data(), 300, 20)), fewer(ConstMatrix(values.data(), 200, 20));
  const test::TemporaryFolder folder;
  build_index({}, source)->save(folder / "index");
  EXPECT_THROW(open_index(folder / "index", fewer), Error);
  std::string bytes = read_text(folder / "index");
  for (size_t at = bytes.size() / 2; at < bytes.size(); at += bytes.size() / 7) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 64);
    write_atomically(folder / "flipped", flipped);
    try {
      open_index(folder / "flipped", source);
      FAIL() << "byte " << at;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::damaged);
    }
  }
}

TEST(GraphIndexTest, FiltersKeepTheRecallAtEverySelectivityAndWhenTheyCorrelate) {
  const size_t count = 6000;
  const auto values = clustered(count);
  const VectorRows source(ConstMatrix(values.data(), count, 20));
  const auto index = build_index({.metric = Metric::l2}, source);
  for (const size_t step : {1u, 2u, 10u, 100u, 1000u}) {
    Allowed spread(count), together(count);
    for (uint32_t slot = 0; slot < count; slot += static_cast<uint32_t>(step)) spread.add(slot);
    for (uint32_t slot = 0; slot < count / step; ++slot) together.add(slot);  // whole clusters
    for (const Allowed* filter : {&spread, &together}) {
      const SearchOptions options = {.effort = 64, .filter = filter};
      EXPECT_GE(recall(*index, source, options, 30), 0.95) << "1 in " << step << (filter == &together);
      for (const auto& scored : index->search(random_values(20, 8), 50, options))
        EXPECT_TRUE(filter->has(scored.index));
    }
  }
  const Allowed none(count);
  EXPECT_TRUE(index->search(random_values(20, 8), 5, {.filter = &none}).empty());
}

TEST(GraphIndexTest, AfterHalfIsReplacedItFindsAsMuchAsAFreshOneInAsManyBytes) {
  const size_t count = 3000;
  auto values = clustered(2 * count);
  const VectorRows source(ConstMatrix(values.data(), count, 20));
  const auto index = build_index({.metric = Metric::l2}, source);
  const size_t bytes = index->bytes();
  for (uint32_t slot = 0; slot < count; slot += 2) {
    index->erase(slot);
    std::copy_n(values.begin() + static_cast<ptrdiff_t>((count + slot) * 20), 20,
                values.begin() + static_cast<ptrdiff_t>(slot * 20));
    index->insert(slot);
  }
  EXPECT_EQ(index->size(), count);
  EXPECT_LE(index->bytes(), bytes * 11 / 10);
  const auto fresh = build_index({.metric = Metric::l2}, source);
  EXPECT_GE(recall(*index, source, {.effort = 40}, 60), recall(*fresh, source, {.effort = 40}, 60) - 0.01);
}

TEST(GraphIndexTest, GrowsFromNothingAndUpdatesInPlace) {
  auto values = clustered(800);
  VectorRows source(ElementType::f32, values.data(), 0, 20, 20);
  const auto index = build_index({.metric = Metric::cosine}, source);
  EXPECT_TRUE(index->search(random_values(20, 1), 5, {}).empty());
  EXPECT_THROW(index->insert(0), Error);
  source.grow(values.data(), 800);
  for (uint32_t slot = 0; slot < 800; ++slot) index->insert(slot);
  EXPECT_GE(recall(*index, source, {.effort = 80}, 40), 0.97);
  EXPECT_THROW(index->insert(801), Error);
  // A live slot that is inserted again is found by its new vector only.
  const std::vector<float> old(values.begin() + 200, values.begin() + 220);
  for (size_t i = 0; i < 20; ++i) values[200 + i] = -old[i];
  index->insert(10);
  EXPECT_EQ(index->size(), 800u);
  EXPECT_NE(index->search(old, 1, {})[0].index, 10u);
  EXPECT_EQ(index->search(std::span(values).subspan(200, 20), 1, {})[0].index, 10u);
  for (uint32_t slot = 0; slot < 800; ++slot) index->erase(slot);
  EXPECT_TRUE(index->search(old, 5, {}).empty());
  index->insert(3);
  EXPECT_EQ(index->search(old, 5, {}).size(), 1u);
}

TEST(GraphIndexTest, ReadersGoOnWhileOneThreadWrites) {
  const auto values = clustered(1500);
  const VectorRows source(ConstMatrix(values.data(), 1500, 20));
  const auto index = build_index({.metric = Metric::l2}, source);
  std::atomic<bool> stop = false;
  std::atomic<size_t> wrong = 0;
  std::vector<std::thread> readers;
  for (uint32_t t = 0; t < 2; ++t) {
    readers.emplace_back([&, t] {
      for (uint32_t i = 0; !stop; ++i) {
        const auto found = index->search(random_values(20, t * 1000 + i), 5, {});
        wrong += found.size() != 5;
        for (const auto& scored : found) wrong += scored.index >= 1500;
      }
    });
  }
  for (uint32_t slot = 0; slot < 300; ++slot) index->erase(slot);
  for (uint32_t slot = 0; slot < 300; ++slot) index->insert(slot);
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0u);
}

TEST(GraphIndexTest, ItsBytesAreForeseenAndACapRefuses) {
  const auto values = clustered(4000);
  const VectorRows source(ConstMatrix(values.data(), 4000, 20));
  for (const CodeKind codes : kinds) {
    IndexOptions options = {.codes = codes};
    const auto predicted = predict_bytes(options, 4000, 20);
    const auto bytes = static_cast<double>(build_index(options, source)->bytes());
    EXPECT_NEAR(static_cast<double>(predicted.index), bytes, 0.1 * bytes);
    options.memory_cap = predicted.building - 1;
    try {
      build_index(options, source);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::no_space);
    }
  }
}

TEST(GraphIndexTest, SkipsWhatIsNotPresent) {
  auto values = clustered(600);
  values[20 * 7] = NAN;
  const VectorRows source(ConstMatrix(values.data(), 600, 20));
  EXPECT_THROW(build_index({}, source), Error);
  Allowed present(600, true);
  present.remove(7);
  const auto index = build_index({}, source, &present);
  EXPECT_EQ(index->size(), 599u);
  EXPECT_EQ(index->search(random_values(20, 2), 600, {}).size(), 599u);
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

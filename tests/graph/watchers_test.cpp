#include "graph/watchers.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "base/random.h"
#include "support/temporary_folder.h"
#include "watch_examples.h"

namespace cowatch {
namespace {

// The watches of a text, as the stage gives them.
Watchers watchers_of(const std::string& text, size_t videos, const Graph& graph = {}) {
  WatchersBuilder builder(videos);
  for (const PairWatch& watch : test::watches_of(text)) builder.add(watch.user, watch.item);
  return builder.finish(graph);
}

std::vector<uint32_t> list(std::span<const uint32_t> values) {
  return {values.begin(), values.end()};
}

TEST(WatchersTest, CountEachPersonOnce) {
  const Watchers watchers = watchers_of("ann: a b a b\nbob: b c\ncid: b\n", 4);
  EXPECT_EQ(list(watchers.people(1)), (std::vector<uint32_t>{0, 1, 2}));
  EXPECT_TRUE(watchers.people(3).empty());
  EXPECT_EQ(watchers.watches(), 5u);
  EXPECT_EQ(watchers.both(0, 1), 1u);
  EXPECT_EQ(watchers.both(1, 2), 1u);
  EXPECT_EQ(watchers.both(0, 2), 0u);
  EXPECT_EQ(watchers.both(3, 1), 0u);
}

TEST(WatchersTest, PopularIsByPeopleThenByLinksThenByIndex) {
  const Graph graph = Graph::from_edges(5, {{3, 4, 2.0f}, {0, 4, 0.5f}});
  EXPECT_EQ(list(watchers_of("ann: c\nbob: c b\n", 5, graph).by_popularity()),
            (std::vector<uint32_t>{2, 1, 4, 3, 0}));
  EXPECT_EQ(list(watchers_of("", 5).by_popularity()), (std::vector<uint32_t>{0, 1, 2, 3, 4}));
}

TEST(WatchersTest, CountsAsSetsDoAndIsReadBackTheSame) {
  constexpr uint32_t people = 500, videos = 40;
  std::vector<std::set<uint32_t>> sets(videos);
  WatchersBuilder builder(videos);
  for (uint32_t person = 0; person < people; ++person) {
    for (uint32_t video = 0; video < videos; ++video) {
      // From everybody to nearly nobody, so that lists of very different length meet.
      if (Random(5, video).uniform(0, person) < 1.0 / (1 + video)) {
        builder.add(person, video);
        sets[video].insert(person);
      }
    }
  }
  const test::TemporaryFolder folder;
  builder.finish({}).save(folder / "w", {{"edges_input", "x"}});
  const Watchers watchers = Watchers::load(folder / "w");
  ASSERT_EQ(watchers.videos(), videos);
  for (uint32_t a = 0; a < videos; ++a) {
    EXPECT_EQ(list(watchers.people(a)), std::vector<uint32_t>(sets[a].begin(), sets[a].end()));
    for (uint32_t b = 0; b < videos; ++b) {
      uint64_t expected = 0;
      for (const uint32_t person : sets[a]) expected += sets[b].contains(person);
      ASSERT_EQ(watchers.both(a, b), expected) << a << " " << b;
    }
  }
}

TEST(WatchersTest, AMillionRepeatsOfAPersonTakeNoMoreThanTheCatalogue) {
  WatchersBuilder builder(5);
  for (uint32_t k = 0; k < 1'000'000; ++k) builder.add(3, k % 4);
  builder.add(8, 1);
  EXPECT_LT(builder.memory_bytes(), 1000u);
  const Watchers watchers = builder.finish({});
  EXPECT_EQ(watchers.watches(), 5u);
  EXPECT_EQ(list(watchers.people(1)), (std::vector<uint32_t>{3, 8}));
}

TEST(WatchersTest, RefusesRowsThatLeadOutOfTheFile) {
  const test::TemporaryFolder folder;
  const auto refused = [&](std::vector<uint64_t> offsets, std::vector<uint32_t> people,
                           std::vector<uint32_t> popular) {
    TensorFileWriter writer("watchers", 1);
    writer.add<uint64_t>("offsets", {offsets.size()}, offsets);
    writer.add<uint32_t>("people", {people.size()}, people);
    writer.add<uint32_t>("popular", {popular.size()}, popular);
    writer.write(folder / "w");
    try {
      Watchers::load(folder / "w");
      return false;
    } catch (const Error& error) {
      return error.code() == ErrorCode::damaged;
    }
  };
  EXPECT_FALSE(refused({0, 1, 2}, {7, 7}, {1, 0}));
  EXPECT_TRUE(refused({0, 1, 3}, {7, 7}, {1, 0}));
  EXPECT_TRUE(refused({0, 3, 2}, {7, 7}, {1, 0}));
  EXPECT_TRUE(refused({0, 1, 2}, {7, 7}, {1, 2}));
  EXPECT_TRUE(refused({0, 1, 2}, {7, 7}, {1}));
  EXPECT_TRUE(refused({}, {}, {}));
}

}  // namespace
}  // namespace cowatch

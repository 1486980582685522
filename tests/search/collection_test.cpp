// A collection against a plain map: through writes, merges, restarts, damage and full disks.
#include "search/collection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "base/json.h"
#include "base/random.h"
#include "search/distance.h"
#include "support/damage.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

constexpr size_t dimension = 16;

// What the collection must hold.
struct Expected {
  std::map<PointId, PointChange> points;
  void apply(const std::vector<PointChange>& changes) {
    for (const PointChange& change : changes) {
      if (change.erase)
        points.erase(change.id);
      else
        points[change.id] = change;
    }
  }
};

std::vector<float> vector_of(const Random& random, uint32_t stream) {
  std::vector<float> vector(dimension);
  for (uint32_t d = 0; d < dimension; ++d) vector[d] = static_cast<float>(random.normal(stream, d));
  return vector;
}

std::vector<PointChange> random_batch(const Random& random, uint32_t round, uint32_t ids, uint32_t size) {
  std::map<PointId, PointChange> batch;
  for (uint32_t i = 0; i < size; ++i) {
    const uint32_t draw = round * 1000 + i;
    PointChange change;
    change.id = PointId(static_cast<uint64_t>(random.uniform(draw, 50) * ids));
    change.erase = random.uniform(draw, 51) < 0.2;
    if (!change.erase) {
      change.vector = vector_of(random, draw);
      change.payload = R"({"round":)" + std::to_string(round) + R"(,"even":)" + (i % 2 ? "false}" : "true}");
    }
    batch[change.id] = change;
  }
  std::vector<PointChange> changes;
  for (auto& [id, change] : batch) changes.push_back(std::move(change));
  return changes;
}

void expect_same(const Collection& collection, const Expected& expected, Metric metric) {
  const auto view = collection.view();
  ASSERT_EQ(view->count(), expected.points.size());
  for (const auto& [id, point] : expected.points) {
    const auto at = view->find(id);
    ASSERT_TRUE(at) << to_text(id);
    const PointTable& table = *view->tables[at->table].table;
    EXPECT_EQ(table.payload_text(at->slot), point.payload);
    std::vector<float> vector = point.vector;
    if (metric == Metric::cosine) normalise(vector);
    EXPECT_THAT(table.vector_of(at->slot), testing::ElementsAreArray(vector));
  }
  // In order of id, and the same nearest points as a plain loop finds.
  const auto places = view->in_order(PointId(0), expected.points.size() + 1, view->select(nullptr));
  ASSERT_EQ(places.size(), expected.points.size());
  auto next = expected.points.begin();
  for (const PointPlace at : places) EXPECT_EQ(view->id_of(at), (next++)->first);
  if (places.empty()) return;
  const auto query = view->tables[places[0].table].table->vector_of(places[0].slot);
  std::vector<std::pair<float, PointId>> truth;
  for (const PointPlace at : places)
    truth.emplace_back(-score_of(metric, query, view->tables[at.table].table->vector_of(at.slot)),
                       view->id_of(at));
  std::sort(truth.begin(), truth.end());
  const auto hits = search(*view, metric, {.vector = query, .k = 10, .exact = true}, view->select(nullptr));
  ASSERT_EQ(hits.size(), std::min<size_t>(10, truth.size()));
  for (size_t i = 0; i < hits.size(); ++i) EXPECT_NEAR(hits[i].score, -truth[i].first, 1e-5);
}

class CollectionTest : public testing::TestWithParam<Metric> {
 protected:
  CollectionTest() {
    Collection::create(path_, {.dimension = dimension, .index = {.metric = GetParam()}, .table_points = 256});
  }
  void write(Collection& collection, uint32_t rounds, uint32_t size = 60) {
    for (uint32_t i = 0; i < rounds; ++i) {
      auto changes = random_batch(random_, round_++, 3000, size);
      expected_.apply(changes);
      collection.write(std::move(changes));
    }
  }
  test::TemporaryFolder folder_;
  Path path_ = folder_ / "c";
  Random random_{5, 1};
  uint32_t round_ = 0;
  Expected expected_;
};

TEST_P(CollectionTest, holds_what_was_written_through_merges_and_restarts) {
  for (int restart = 0; restart < 4; ++restart) {
    Collection collection(path_);
    expect_same(collection, expected_, GetParam());
    write(collection, 40);
    if (restart % 2 == 0) collection.settle();
    write(collection, 3);
    expect_same(collection, expected_, GetParam());
    EXPECT_THAT(collection.verify(), testing::IsEmpty());
  }
}

// To the last bit: what else is asked at the same time must not show.
TEST_P(CollectionTest, several_queries_together_are_answered_as_each_alone) {
  Collection collection(path_);
  write(collection, 30);
  collection.settle();
  write(collection, 9);
  const auto view = collection.view();
  ASSERT_GT(view->tables.size(), 1u);
  const Condition even = parse_filter(Json::parse(R"({"must":[{"key":"even","match":{"value":true}}]})"), "");
  const Condition few = parse_filter(Json::parse(R"({"must":[{"key":"round","match":{"value":3}}]})"), "");
  std::vector<std::vector<float>> vectors;
  for (uint32_t q = 0; q < 9; ++q) vectors.push_back(vector_of(random_, 900'000 + q));
  std::vector<VectorQuery> queries;
  std::vector<AllowedSlots> allowed;
  for (size_t q = 0; q < vectors.size(); ++q) {
    queries.push_back({.vector = vectors[q], .k = 1 + 7 * q});
    allowed.push_back(view->select(q % 3 == 0 ? nullptr : q % 3 == 1 ? &even : &few));
  }
  const auto together = search(*view, GetParam(), queries, allowed);
  ASSERT_EQ(together.size(), queries.size());
  for (size_t q = 0; q < queries.size(); ++q) {
    const auto alone = search(*view, GetParam(), queries[q], allowed[q]);
    ASSERT_EQ(together[q].size(), alone.size());
    ASSERT_FALSE(alone.empty());
    for (size_t i = 0; i < alone.size(); ++i) {
      EXPECT_EQ(view->id_of(together[q][i].at), view->id_of(alone[i].at));
      EXPECT_EQ(together[q][i].score, alone[i].score);
    }
  }
  const std::atomic<bool> cancelled{true};
  queries[4].patience.gone = &cancelled;
  EXPECT_THROW(search(*view, GetParam(), queries, allowed), Error);
  queries[4].patience = {.deadline = Patience::Clock::now()};
  try {
    search(*view, GetParam(), queries, allowed);
    ADD_FAILURE() << "a search goes on past its deadline";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::overloaded);
  }
}

// What is to be scanned stays so when it is merged: searches that wait share the pass over it.
TEST(CollectionSearch, exact_collections_get_no_index) {
  const test::TemporaryFolder folder;
  Collection::create(folder / "c", {.dimension = dimension,
                                    .index = {.kind = IndexKind::exact, .metric = Metric::l2},
                                    .index_threshold = 100,
                                    .table_points = 64});
  Collection collection(folder / "c");
  for (uint32_t round = 0; round < 20; ++round) collection.write(random_batch(Random(5, 1), round, 3000, 60));
  collection.settle();
  const auto view = collection.view();
  size_t largest = 0;
  for (const TableView& table : view->tables) largest = std::max(largest, table.live->count());
  EXPECT_GT(largest, 100u) << "some were merged";
  EXPECT_EQ(view->scanned(), view->count());
}

// Large enough to be cut, with many equal scores: whoever does the pieces in whatever order, the answer is
// that of sorting all, by score and then by id.
TEST(CollectionSearch, does_not_depend_on_who_does_the_pieces) {
  const test::TemporaryFolder folder;
  constexpr size_t numbers = 32, points = 150'000;
  Collection::create(folder / "c", {.dimension = numbers,
                                    .index = {.metric = Metric::cosine},
                                    .index_threshold = SIZE_MAX,
                                    .table_points = 65536});
  Collection collection(folder / "c");
  const Random random(3, 1);
  std::vector<PointChange> changes(points);
  for (uint32_t i = 0; i < points; ++i) {
    changes[i].id = PointId((i * 77'773ull) % points);  // out of order
    for (uint32_t d = 0; d < numbers; ++d)
      changes[i].vector.push_back(std::floor(3 * static_cast<float>(random.uniform(i % 5000, d))) - 1);
    changes[i].payload = i % 20 == 0 ? R"({"few":true})" : "{}";
  }
  for (size_t i = 0; i < points; i += 30'000)
    collection.write(
        {changes.begin() + static_cast<ptrdiff_t>(i), changes.begin() + static_cast<ptrdiff_t>(i + 30'000)});
  const auto view = collection.view();
  const Condition few = parse_filter(Json::parse(R"({"must":[{"key":"few","match":{"value":true}}]})"), "");
  std::vector<float> vector(numbers);
  for (uint32_t d = 0; d < numbers; ++d) vector[d] = static_cast<float>(random.normal(1u << 20, d));
  size_t most_pieces = 0;
  const PieceLoop backwards = [&](size_t count, const std::function<void(size_t)>& body) {
    most_pieces = std::max(most_pieces, count);
    parallel_for(count, 1, [&](size_t begin, size_t) { body(count - 1 - begin); });
  };
  for (const size_t k : {1, 10, 300}) {
    for (const Condition* condition : {static_cast<const Condition*>(nullptr), &few}) {
      const auto allowed = view->select(condition);
      std::vector<std::pair<float, PointId>> truth;
      for (const PointPlace at : view->in_order(PointId(0), points, allowed))
        truth.emplace_back(
            -score_of(Metric::cosine, vector, view->tables[at.table].table->vector_of(at.slot)),
            view->id_of(at));
      std::ranges::sort(truth);
      for (const PieceLoop& loop : {PieceLoop(), backwards}) {
        const auto hits = search(*view, Metric::cosine, {.vector = vector, .k = k}, allowed, loop);
        ASSERT_EQ(hits.size(), k);
        for (size_t i = 0; i < k; ++i) {
          EXPECT_EQ(hits[i].score, -truth[i].first);
          EXPECT_EQ(view->id_of(hits[i].at), truth[i].second);
        }
      }
    }
  }
  EXPECT_GT(most_pieces, view->tables.size()) << "tables are cut";
}

TEST_P(CollectionTest, a_view_does_not_change) {
  Collection collection(path_);
  write(collection, 5);
  const auto view = collection.view();
  const Expected then = expected_;
  write(collection, 20);
  collection.settle();
  EXPECT_EQ(view->count(), then.points.size());
  for (const auto& [id, point] : then.points) {
    const auto at = view->find(id);
    ASSERT_TRUE(at);
    EXPECT_EQ(view->tables[at->table].table->payload_text(at->slot), point.payload);
  }
}

TEST_P(CollectionTest, damaged_segments_and_manifests_are_named_and_made_again) {
  for (const std::string file : {"segment-", "manifest"}) {
    for (const double where : {0.01, 0.5, 0.97}) {
      {
        Collection collection(path_);
        write(collection, 30);
        collection.settle();
        write(collection, 2);
      }
      const auto files = test::files_of(path_, file);
      ASSERT_FALSE(files.empty());
      test::flip_a_bit(files[0], where);
      Collection collection(path_);
      expect_same(collection, expected_, GetParam());
      EXPECT_THAT(collection.status().damage, testing::Not(testing::IsEmpty()));
      collection.settle();
      expect_same(collection, expected_, GetParam());
      EXPECT_THAT(collection.verify(), testing::IsEmpty());
    }
  }
}

TEST_P(CollectionTest, a_snapshot_is_the_collection_at_its_moment) {
  const Path snapshot = folder_ / "snapshot";
  Expected then;
  {
    Collection collection(path_);
    write(collection, 20);
    then = expected_;
    collection.snapshot(snapshot);
    write(collection, 20);
  }
  Collection::restore(snapshot, folder_ / "again");
  expect_same(Collection(folder_ / "again"), then, GetParam());
  test::flip_a_bit(snapshot, 0.6);
  EXPECT_THROW(Collection::restore(snapshot, folder_ / "third"), Error);
}

TEST_P(CollectionTest, refused_batches_change_nothing) {
  Collection collection(path_);
  write(collection, 3);
  const auto refused = [&](PointChange bad, const std::string& place) {
    std::vector<PointChange> changes = {{PointId(1), false, vector_of(random_, 1), "{}"}, std::move(bad)};
    try {
      collection.write(std::move(changes));
      ADD_FAILURE() << place << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::bad_input);
      EXPECT_THAT(error.details().where, testing::HasSubstr(place));
    }
    expect_same(collection, expected_, GetParam());
  };
  refused({PointId(2), false, {1, 2}, "{}"}, "points/1/vector");
  std::vector<float> nan(dimension, 1);
  nan[3] = NAN;
  refused({PointId(2), false, nan, "{}"}, "points/1/vector");
  refused({PointId(1), false, vector_of(random_, 2), "{}"}, "points/1/id");
  if (GetParam() == Metric::cosine)
    refused({PointId(2), false, std::vector<float>(dimension), "{}"}, "points/1/vector");
}

TEST_P(CollectionTest, only_one_process_opens_it) {
  const Collection collection(path_);
  EXPECT_THROW(Collection again(path_), Error);
}

TEST_P(CollectionTest, readers_and_writers_run_beside_each_other) {
  Collection collection(path_);
  std::atomic<bool> done{false};
  std::vector<std::jthread> readers;
  std::atomic<int> wrong{0}, searches{0};
  const auto query = vector_of(random_, 77);
  for (int r = 0; r < 2; ++r) {
    readers.emplace_back([&] {
      while (!done) {
        const auto view = collection.view();
        const auto hits = search(*view, GetParam(), {.vector = query, .k = 5}, view->select(nullptr));
        wrong += hits.size() != std::min<size_t>(5, view->count());
        for (const Hit& hit : hits) wrong += !view->find(view->id_of(hit.at));
        ++searches;
      }
    });
  }
  write(collection, 60, 200);
  collection.settle();
  done = true;
  readers.clear();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(searches, 0);
  expect_same(collection, expected_, GetParam());
}

// However few points make it up.
TEST_P(CollectionTest, a_table_closes_with_its_payloads) {
  constexpr size_t payload_bytes = 100'000, count = 100;
  Collection::create(folder_ / "large", {.dimension = dimension, .index = {.metric = GetParam()}});
  Collection collection(folder_ / "large");
  const size_t empty = collection.status().memory_bytes;
  const Random random(5, 0);
  std::vector<PointChange> changes(count);
  for (uint32_t i = 0; i < count; ++i)
    changes[i] = {PointId(i), false, vector_of(random, i), "{\"text\":\"" + std::string(payload_bytes, 'a' + i % 26) + "\"}"};
  const auto some = std::vector(changes.begin(), changes.begin() + 5);
  collection.write(some);
  EXPECT_EQ(collection.view()->tables.size(), 1u);
  EXPECT_GT(collection.status().memory_bytes, empty + 5 * payload_bytes);
  collection.write(changes);
  const auto view = collection.view();
  EXPECT_LT(view->tables.back().live->count() * payload_bytes, CollectionConfig::most_table_payload);
  collection.settle();
  EXPECT_EQ(collection.status().memory_bytes, empty);
  EXPECT_THAT(collection.verify(), testing::IsEmpty());
}

TEST_P(CollectionTest, what_is_to_be_done_counts_as_work) {
  Collection::create(folder_ / "busy", {.dimension = dimension, .index = {.metric = GetParam()}, .table_points = 16});
  Collection collection(folder_ / "busy");
  const Random random(6, 0);
  for (uint32_t i = 0; i < 400; ++i) {
    collection.write({PointChange{PointId(i), false, vector_of(random, i), "{}"}});
    const auto status = collection.status();
    EXPECT_TRUE(status.working || status.in_memory <= 16) << "a full table waits to be written out";
  }
  collection.settle();
  EXPECT_FALSE(collection.status().working);
}

TEST_P(CollectionTest, a_quota_of_points_is_kept) {
  Collection collection(path_);
  CollectionConfig config = collection.config();
  config.most_points = 2;
  collection.configure(config);
  const auto point = [&](uint64_t id) {
    return PointChange{PointId(id), false, vector_of(random_, static_cast<uint32_t>(id)), "{}"};
  };
  collection.write({point(1), point(2)});
  EXPECT_THROW(collection.write({point(3)}), Error);
  EXPECT_NO_THROW(collection.write({point(2)}));
  EXPECT_EQ(collection.view()->count(), 2u);
}

INSTANTIATE_TEST_SUITE_P(metrics, CollectionTest, testing::Values(Metric::cosine, Metric::l2),
                         [](const auto& info) { return std::string(metric_name(info.param)); });

}  // namespace
}  // namespace cowatch

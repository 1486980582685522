// Graph indexes within collections: above the threshold, under filters, erasures and updates, through merges,
// restarts and damage, against the exact answer of the same view.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "base/json.h"
#include "base/random.h"
#include "search/collection.h"
#include "search/distance.h"
#include "support/damage.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

constexpr size_t graph_dimension = 24, threshold = 800;

std::vector<float> vector_of(uint64_t id, uint32_t version) {
  const Random random(7, version);
  const Random centres(8, 0);
  std::vector<float> vector(graph_dimension);
  for (uint32_t d = 0; d < graph_dimension; ++d)
    vector[d] = static_cast<float>(centres.normal(id % 40, d) + 0.7 * random.normal(id, d));
  return vector;
}

std::vector<PointChange> points(uint64_t begin, uint64_t end, uint32_t version = 0) {
  std::vector<PointChange> changes;
  for (uint64_t id = begin; id < end; ++id) {
    changes.push_back(
        {PointId(id), false, vector_of(id, version),
         R"({"hundredth":)" + std::to_string(id % 100) + R"(,"cluster":)" + std::to_string(id % 40) + "}"});
  }
  return changes;
}

std::vector<PointChange> erasures(uint64_t begin, uint64_t end, uint64_t step) {
  std::vector<PointChange> changes;
  for (uint64_t id = begin; id < end; id += step) changes.push_back({PointId(id), true, {}, {}});
  return changes;
}

std::set<PointId> ids_of(const CollectionView& view, const std::vector<Hit>& hits) {
  std::set<PointId> ids;
  for (const Hit& hit : hits) ids.insert(view.id_of(hit.at));
  return ids;
}

class CollectionGraphTest : public testing::TestWithParam<Metric> {
 protected:
  CollectionGraphTest() {
    Collection::create(path_, {.dimension = graph_dimension,
                               .index = {.metric = GetParam()},
                               .index_threshold = threshold,
                               .table_points = 256});
  }

  // The share of the ten nearest that a search through the graphs finds too, over queries near the clusters.
  double recall(const CollectionView& view, const char* filter = nullptr) const {
    std::optional<Condition> condition;
    if (filter) condition = parse_filter(Json::parse(filter), "/filter");
    const auto allowed = view.select(condition ? &*condition : nullptr);
    size_t found = 0, wanted = 0;
    for (uint64_t q = 0; q < 60; ++q) {
      auto query = vector_of(q, 99);
      if (GetParam() == Metric::cosine) normalise(query);
      const auto hits = search(view, GetParam(), {.vector = query, .k = 10}, allowed);
      const auto exact = search(view, GetParam(), {.vector = query, .k = 10, .exact = true}, allowed);
      EXPECT_EQ(hits.size(), exact.size());
      for (const Hit& hit : hits) EXPECT_TRUE(allowed[hit.at.table]->has(hit.at.slot));
      const auto ids = ids_of(view, hits);
      EXPECT_EQ(ids.size(), hits.size()) << "a point is answered twice";
      for (const PointId& id : ids_of(view, exact)) found += ids.contains(id);
      wanted += exact.size();
    }
    return wanted == 0 ? 1 : static_cast<double>(found) / static_cast<double>(wanted);
  }

  void expect_recall(const Collection& collection, double least = 0.95) const {
    const auto view = collection.view();
    EXPECT_GE(recall(*view), least);
    EXPECT_GE(recall(*view, R"({"must":[{"key":"hundredth","range":{"lt":50}}]})"), least);
    EXPECT_GE(recall(*view, R"({"must":[{"key":"hundredth","match":{"value":7}}]})"), least);
    EXPECT_GE(recall(*view, R"({"must":[{"key":"cluster","match":{"value":7}}]})"), least);
    EXPECT_EQ(recall(*view, R"({"must":[{"key":"hundredth","match":{"value":777}}]})"), 1);
  }

  static void settle_indexed(Collection& collection) {
    collection.settle();
    const auto status = collection.status();
    EXPECT_GT(status.indexed, 0u);
    EXPECT_FALSE(status.working);
    const auto view = collection.view();
    for (const TableView& table : view->tables)
      EXPECT_TRUE(!table.segment || table.segment->size() < threshold || table.index);
  }

  test::TemporaryFolder folder_;
  Path path_ = folder_ / "c";
};

TEST_P(CollectionGraphTest, find_what_the_exact_search_finds) {
  Collection collection(path_);
  collection.write(points(0, 3000));
  settle_indexed(collection);
  expect_recall(collection);
}

TEST_P(CollectionGraphTest, take_the_memory_that_was_foreseen) {
  Collection collection(path_);
  auto changes = points(0, 4000);
  for (PointChange& change : changes) change.payload = "{}";
  collection.write(std::move(changes));
  settle_indexed(collection);
  const auto status = collection.status();
  ASSERT_GT(status.indexed, threshold);  // some may lie in a segment too small for an index
  const auto foreseen = predict_bytes(collection.config(), 4000), indexed = predict_bytes(collection.config(), status.indexed);
  const auto near = [](size_t bytes, size_t expected) {
    return std::abs(static_cast<double>(bytes) / static_cast<double>(expected) - 1) < 0.1;
  };
  EXPECT_TRUE(near(indexed.indexes, status.index_bytes)) << indexed.indexes << " of " << status.index_bytes;
  EXPECT_TRUE(near(foreseen.segments, status.vector_bytes)) << foreseen.segments << " of " << status.vector_bytes;
  EXPECT_GT(foreseen.building, foreseen.indexes);
  const auto few = predict_bytes(collection.config(), threshold - 1);
  EXPECT_EQ(few.indexes, 0u);
  EXPECT_GT(few.segments, 0u);
  auto tight = collection.config();
  tight.index.memory_cap = foreseen.building - 1;
  EXPECT_EQ(predict_bytes(tight, 4000).indexes, 0u) << "beyond what it may take it gets no index";
}

TEST_P(CollectionGraphTest, follow_erasures_and_updates) {
  Collection collection(path_);
  collection.write(points(0, 3000));
  settle_indexed(collection);
  collection.write(erasures(0, 3000, 7));
  collection.write(points(0, 500, 1));
  expect_recall(collection);
  // Points that moved are found where they are now, those erased nowhere.
  const auto view = collection.view();
  EXPECT_EQ(view->count(), 3000u - 429 + 72);
  const bool nearest_to_itself = GetParam() != Metric::inner_product;
  for (const uint64_t id : {0u, 14u, 300u, 499u}) {
    auto query = vector_of(id, 1);
    if (GetParam() == Metric::cosine) normalise(query);
    const auto hits = search(*view, GetParam(), {.vector = query, .k = 1}, view->select(nullptr));
    ASSERT_EQ(hits.size(), 1u);
    if (nearest_to_itself) {
      EXPECT_EQ(view->id_of(hits[0].at), PointId(id));
    }
  }
  for (const uint64_t id : {504u, 1505u, 2996u}) {
    auto query = vector_of(id, 0);
    if (GetParam() == Metric::cosine) normalise(query);
    const auto hits = search(*view, GetParam(), {.vector = query, .k = 20}, view->select(nullptr));
    EXPECT_FALSE(ids_of(*view, hits).contains(PointId(id))) << id;
  }
}

// A cluster whose points are all dead in the graph: the walk must leave it.
TEST_P(CollectionGraphTest, answer_where_a_whole_cluster_was_erased) {
  Collection collection(path_);
  collection.write(points(0, 4000));
  settle_indexed(collection);
  collection.write(erasures(3, 4000, 40));
  collection.write(erasures(5, 4000, 40));
  expect_recall(collection, 0.9);
}

TEST_P(CollectionGraphTest, are_opened_again_and_answer_the_same) {
  std::vector<std::vector<float>> scores;
  const auto answers = [&](const Collection& collection) {
    const auto view = collection.view();
    std::vector<std::pair<PointId, float>> all;
    for (uint64_t q = 0; q < 20; ++q) {
      auto query = vector_of(q, 99);
      if (GetParam() == Metric::cosine) normalise(query);
      for (const Hit& hit : search(*view, GetParam(), {.vector = query, .k = 10}, view->select(nullptr)))
        all.emplace_back(view->id_of(hit.at), hit.score);
    }
    return all;
  };
  std::vector<std::pair<PointId, float>> before;
  size_t indexed = 0;
  {
    Collection collection(path_);
    collection.write(points(0, 3000));
    settle_indexed(collection);
    collection.write(erasures(0, 3000, 11));
    indexed = collection.status().indexed;
    before = answers(collection);
  }
  const Collection collection(path_);
  EXPECT_EQ(collection.status().indexed, indexed) << "the index is there at once";
  EXPECT_EQ(answers(collection), before);
  EXPECT_THAT(collection.status().trouble, testing::IsEmpty());
}

TEST_P(CollectionGraphTest, survive_merges_and_cleaning) {
  Collection collection(path_);
  for (uint32_t round = 0; round < 5; ++round) {
    collection.write(points(round * 900, round * 900 + 1200, round));
    settle_indexed(collection);
    expect_recall(collection);
  }
  // More than 30 % dead: the segment is written anew, and its index too.
  collection.write(erasures(0, 4800, 2));
  settle_indexed(collection);
  EXPECT_EQ(collection.view()->count(), 2400u);
  const auto view = collection.view();
  for (const TableView& table : view->tables)
    EXPECT_TRUE(!table.segment || table.live->size() <= table.live->count() * 10 / 7);
  expect_recall(collection);
  EXPECT_THAT(collection.verify(), testing::IsEmpty());
}

// Where most of a segment was indexed already, its index grows out of that one, and finds as much as one built from nothing.
TEST_P(CollectionGraphTest, grow_by_what_is_new) {
  Collection collection(path_);
  collection.write(points(0, 6000));
  settle_indexed(collection);
  const size_t grown = collection.status().grown, built = collection.status().built - grown;
  for (uint32_t round = 1; round <= 8; ++round) {  // three quarters of a thousand are replaced, the others are new
    collection.write(points(round * 500, round * 500 + 750, round));
    collection.write(points(6000 + round * 250, 6250 + round * 250));
    settle_indexed(collection);
  }
  EXPECT_GE(collection.status().grown, grown + 6);
  EXPECT_LE(collection.status().built - collection.status().grown, built + 4);
  expect_recall(collection);
  collection.write(erasures(0, 8250, 4));
  const size_t before = collection.status().grown;
  settle_indexed(collection);
  EXPECT_GT(collection.status().grown, before) << "cleaning takes no building";
  expect_recall(collection);
  EXPECT_THAT(collection.verify(), testing::IsEmpty());
  test::TemporaryFolder other;
  Collection::create(other / "c", collection.config());
  Collection fresh(other / "c");
  std::vector<PointChange> same;
  const auto view = collection.view();
  for (const TableView& table : view->tables)
    table.live->for_each([&](uint32_t slot) {
      const auto vector = table.table->vector_of(slot);
      same.push_back({table.table->id_of(slot), false, {vector.begin(), vector.end()}, std::string(table.table->payload_text(slot))});
    });
  fresh.write(std::move(same));
  settle_indexed(fresh);
  EXPECT_GE(recall(*view), recall(*fresh.view()) - 0.01);
}

// While a segment is written anew, its index stays in use until the new one is there: what was searched
// through a graph is never scanned meanwhile.
TEST_P(CollectionGraphTest, stay_in_use_until_the_next_is_there) {
  Collection collection(path_);
  collection.write(points(0, 4000));
  settle_indexed(collection);
  std::atomic<bool> done{false};
  size_t least = SIZE_MAX, looks = 0;
  std::jthread reader([&] {
    while (!done) {
      size_t indexed = 0;
      const auto view = collection.view();
      for (const TableView& table : view->tables)
        indexed += table.index ? table.live->count() : 0;
      least = std::min(least, indexed);
      ++looks;
    }
  });
  for (uint32_t round = 1; round < 4; ++round) {
    collection.write(points(0, 2000, round));
    collection.settle();
  }
  done = true;
  reader.join();
  EXPECT_GT(looks, 0u);
  EXPECT_GE(least, 1500u);
}

TEST_P(CollectionGraphTest, are_built_anew_when_they_are_asked_to_be_denser) {
  Collection collection(path_);
  collection.write(points(0, 3000));
  settle_indexed(collection);
  const size_t before = collection.status().index_bytes;
  CollectionConfig config = collection.config();
  config.index.degree = 64;
  config.index.build_effort = 200;
  const auto built_so = [&](const CollectionView& view) {
    return std::ranges::all_of(view.tables, [&](const TableView& table) {
      return !table.segment || table.segment->size() < threshold || (table.index && table.index->index->built_as(config.index));
    });
  };
  EXPECT_FALSE(built_so(*collection.view()));
  collection.configure(config);
  for (bool working = true; working;) {
    const auto status = collection.status();
    EXPECT_GT(status.indexed, threshold) << "the former index is in use meanwhile";
    working = status.working;
  }
  EXPECT_TRUE(built_so(*collection.view()));
  EXPECT_GT(collection.status().index_bytes, before + before / 10);
  expect_recall(collection);
  // One that cannot be built leaves the former one.
  config.index.degree = 128;
  config.index.memory_cap = predict_bytes(config.index, threshold, graph_dimension).building;
  const size_t indexed = collection.status().indexed;
  collection.configure(config);
  collection.settle();
  EXPECT_EQ(collection.status().indexed, indexed);
  EXPECT_THAT(collection.status().trouble, testing::Contains(testing::HasSubstr("former index stays in use")));
}

TEST_P(CollectionGraphTest, are_built_again_when_damaged) {
  {
    Collection collection(path_);
    collection.write(points(0, 3000));
    settle_indexed(collection);
  }
  const auto index_file = [&] {
    const auto files = test::files_of(path_, "segment-", ".index");
    EXPECT_FALSE(files.empty());
    return files.at(0);
  };
  const auto expect_rebuilt = [&](const std::string& named) {
    Collection collection(path_);
    EXPECT_GE(recall(*collection.view()), 0.95);
    if (!named.empty()) {
      EXPECT_THAT(collection.status().damage, testing::Contains(testing::HasSubstr(named)));
    }
    settle_indexed(collection);
    expect_recall(collection);
  };
  for (const double where : {0.001, 0.3, 0.6, 0.999}) {
    const Path path = index_file();
    test::flip_a_bit(path, where);
    expect_rebuilt(path.filename().string());
  }
  std::filesystem::resize_file(index_file(), 1000);
  expect_rebuilt(index_file().filename().string());
  std::filesystem::remove(index_file());
  expect_rebuilt("");
}

INSTANTIATE_TEST_SUITE_P(metrics, CollectionGraphTest,
                         testing::Values(Metric::cosine, Metric::l2, Metric::inner_product),
                         [](const auto& info) { return std::string(metric_name(info.param)); });

}  // namespace
}  // namespace cowatch

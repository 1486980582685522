// Collections whose segments get inverted lists instead of a graph.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "search/collection.h"
#include "search/compute_examples.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

using test::random_values;

constexpr size_t list_width = 12, listed_points = 700;

CollectionConfig config_of(CodeKind codes) {
  CollectionConfig config;
  config.dimension = list_width;
  config.index_threshold = 100;
  config.table_points = 64;
  config.index.kind = IndexKind::ivf;
  config.index.codes = codes;
  return config;
}

void fill(Collection& collection, const std::vector<float>& values) {
  std::vector<PointChange> changes;
  for (size_t i = 0; i < listed_points; ++i) {
    PointChange change;
    change.id = PointId(i);
    change.vector.assign(values.begin() + static_cast<ptrdiff_t>(i * list_width),
                         values.begin() + static_cast<ptrdiff_t>((i + 1) * list_width));
    changes.push_back(std::move(change));
  }
  collection.write(std::move(changes));
  collection.settle();
}

TEST(CollectionIvfTest, SegmentsGetTheListsAskedForAndKeepThemWhenOpened) {
  const auto values = random_values(listed_points * list_width, 1);
  const test::TemporaryFolder folder;
  for (const CodeKind codes : {CodeKind::scalar4, CodeKind::product4}) {
    const Path path = folder / std::string(code_kind_name(codes));
    Collection::create(path, config_of(codes));
    for (const bool opened : {false, true}) {
      Collection collection(path);
      if (!opened) fill(collection, values);
      const auto view = collection.view();
      size_t indexed = 0;
      for (const TableView& table : view->tables) {
        if (!table.index) continue;
        ++indexed;
        EXPECT_EQ(table.index->index->kind(), IndexKind::ivf);
      }
      EXPECT_GE(indexed, 1u);
      EXPECT_TRUE(collection.status().trouble.empty());
    }
  }
}

TEST(CollectionIvfTest, ASearchSaysHowManyListsItScans) {
  const auto values = random_values(listed_points * list_width, 1);
  const test::TemporaryFolder folder;
  CollectionConfig config = config_of(CodeKind::scalar4);
  config.index.lists = 20;
  Collection::create(folder / "c", config);
  Collection collection(folder / "c");
  fill(collection, values);
  const auto view = collection.view();
  const auto queries = random_values(20 * list_width, 2);
  // Of the true ten of each.
  const auto found = [&](size_t probes) {
    size_t sum = 0;
    for (size_t q = 0; q < 20; ++q) {
      VectorQuery query{.vector = std::span(queries).subspan(q * list_width, list_width), .k = 10, .probes = probes};
      const auto hits = search(*view, config.index.metric, query, view->select(nullptr));
      query.exact = true;
      for (const Hit& hit : search(*view, config.index.metric, query, view->select(nullptr)))
        sum += std::ranges::any_of(hits, [&](const Hit& each) { return view->id_of(each.at) == view->id_of(hit.at); });
    }
    return sum;
  };
  const size_t all = found(20), some = found(4), one = found(1);
  EXPECT_GE(all, 190u);
  EXPECT_LT(some, all);
  EXPECT_LT(one, some);
}

TEST(CollectionIvfTest, WhatDoesNotFitIsRefusedWhenTheCollectionIsMade) {
  const test::TemporaryFolder folder;
  CollectionConfig config = config_of(CodeKind::scalar4x8);
  EXPECT_THROW(Collection::create(folder / "a", config), Error);
  config = config_of(CodeKind::product4);
  config.index.code_bytes = 7;
  EXPECT_THROW(Collection::create(folder / "b", config), Error);
  EXPECT_FALSE(std::filesystem::exists(folder / "b"));
}

// At the option that is wrong.
TEST(CollectionIvfTest, OptionsHaveBoundsAndTheirKindOfIndex) {
  const auto place = [](IndexOptions options) {
    try {
      CollectionConfig config;
      config.dimension = list_width;
      config.index = options;
      check_config(config);
    } catch (const Error& error) {
      return error.details().where;
    }
    return std::string("it was accepted");
  };
  const auto of = [](IndexKind kind, CodeKind codes, size_t lists, size_t code_bytes) {
    IndexOptions options;
    options.kind = kind, options.codes = codes, options.lists = lists, options.code_bytes = code_bytes;
    return options;
  };
  const auto efforts = [](size_t degree, size_t build_effort) {
    IndexOptions options;
    options.degree = degree, options.build_effort = build_effort;
    return options;
  };
  EXPECT_EQ(place(efforts(32, 4097)), "build_effort");
  EXPECT_EQ(place(efforts(32, 0)), "build_effort");
  EXPECT_EQ(place(efforts(300, 128)), "degree");
  EXPECT_EQ(place(of(IndexKind::graph, CodeKind::scalar4x8, 5, 0)), "index");
  EXPECT_EQ(place(of(IndexKind::graph, CodeKind::scalar4x8, 0, 2)), "index");
  EXPECT_EQ(place(of(IndexKind::exact, CodeKind::scalar4x8, 5, 0)), "index");
  EXPECT_EQ(place(of(IndexKind::exact, CodeKind::rabitq2, 0, 0)), "codes");
  EXPECT_EQ(place(of(IndexKind::ivf, CodeKind::scalar4x8, 0, 0)), "codes");
  EXPECT_EQ(place(of(IndexKind::ivf, CodeKind::scalar4, 4'000'000'000, 0)), "lists");
  EXPECT_EQ(place(of(IndexKind::ivf, CodeKind::product4, 0, SIZE_MAX)), "code_bytes");
  EXPECT_EQ(place(of(IndexKind::ivf, CodeKind::scalar4, 1u << 20, 0)), "it was accepted");
}

// What earlier versions took without a word changes nothing: the collection is indexed as it was.
TEST(CollectionIvfTest, OptionsOfAnotherKindAreForgottenWhereTheyAreRecorded) {
  const test::TemporaryFolder folder;
  CollectionConfig config = config_of(CodeKind::scalar4x8);
  config.index.kind = IndexKind::graph;
  Collection::create(folder / "c", config);
  config.index.lists = 7;
  config.index.build_effort = 4'000'000'000;
  RecordStore(folder / "c" / records_file, list_width).write_note("config", to_json(config).dump());
  Collection collection(folder / "c");
  EXPECT_EQ(collection.config().index.lists, 0u);
  // A build effort that no memory holds: the segments are searched exactly, which is no damage.
  fill(collection, random_values(listed_points * list_width, 1));
  EXPECT_GT(collection.view()->scanned(), 0u);
  EXPECT_TRUE(collection.status().damage.empty());
  EXPECT_FALSE(collection.status().trouble.empty());
}

// Learned elsewhere: of each of three parts, sixteen rows of its own.
Path write_codebook(const Path& path, const std::vector<float>& values) {
  std::vector<float> centres;
  for (size_t part = 0; part < 3; ++part) {
    for (size_t e = 0; e < 16; ++e) {
      const auto from = values.begin() + static_cast<ptrdiff_t>(e * list_width + part * 4);
      centres.insert(centres.end(), from, from + 4);
    }
  }
  TensorFileWriter writer("", 1);
  writer.add<float>("codebooks", {3, 16, 4}, centres);
  writer.write(path);
  return path;
}

TEST(CollectionIvfTest, ACodebookIsKeptWithTheRecordsAndGoesIntoSnapshots) {
  const auto values = random_values(listed_points * list_width, 1);
  const test::TemporaryFolder folder;
  CollectionConfig config = config_of(CodeKind::product4);
  config.index.codebook = write_codebook(folder / "book.safetensors", values);
  Collection::create(folder / "first", config);
  std::filesystem::remove(config.index.codebook);
  {
    Collection collection(folder / "first");
    fill(collection, values);
    EXPECT_GE(collection.status().indexed, listed_points - config.table_points);
    EXPECT_TRUE(collection.status().trouble.empty()) << collection.status().trouble[0];
    collection.snapshot(folder / "snapshot");
  }
  Collection::restore(folder / "snapshot", folder / "second");
  Collection restored(folder / "second");
  restored.settle();
  EXPECT_GE(restored.status().indexed, listed_points - config.table_points);
  EXPECT_TRUE(restored.status().trouble.empty());
  config.index.codes = CodeKind::product8;
  config.index.codebook = write_codebook(folder / "book.safetensors", values);
  EXPECT_THROW(Collection::create(folder / "third", config), Error) << "16 centres are codes of 4 bits";
}

TEST(CollectionIvfTest, AMemoryLimitLeavesASegmentToExactSearchAndSaysSo) {
  const auto values = random_values(listed_points * list_width, 1);
  const test::TemporaryFolder folder;
  CollectionConfig config = config_of(CodeKind::scalar4);
  config.index.memory_cap = predict_bytes(config.index, 2 * config.index_threshold, list_width).building;
  Collection::create(folder / "small", config);
  Collection collection(folder / "small");
  fill(collection, values);
  EXPECT_EQ(collection.status().indexed, 0u);
  ASSERT_FALSE(collection.status().trouble.empty());
  EXPECT_NE(collection.status().trouble[0].find("searched exactly"), std::string::npos);
  // It goes with the segments it was said of.
  std::vector<PointChange> all;
  for (uint32_t i = 0; i < listed_points; ++i) all.push_back({PointId(i), true, {}, ""});
  collection.write(std::move(all));
  collection.settle();
  EXPECT_TRUE(collection.status().trouble.empty());
}

TEST(CollectionIvfTest, AMemoryLimitThatNoIndexFitsIsRefusedBeforehand) {
  const test::TemporaryFolder folder;
  CollectionConfig config = config_of(CodeKind::scalar4);
  const auto refused = [&](const char* name) {
    try {
      Collection::create(folder / name, config);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::no_space);
      EXPECT_FALSE(std::filesystem::exists(folder / name));
      return true;
    }
    return false;
  };
  config.index.memory_cap = predict_bytes(config.index, config.index_threshold, list_width).building - 1;
  EXPECT_TRUE(refused("one byte less than the smallest segment"));
  ++config.index.memory_cap;
  EXPECT_FALSE(refused("enough for one"));
  config.most_points = 100'000;
  EXPECT_TRUE(refused("not for the quota"));
  config.most_points = SIZE_MAX;
  EXPECT_TRUE(refused("nor for any number"));
  config.most_points = 50;
  EXPECT_FALSE(refused("never indexed"));
}

}  // namespace
}  // namespace cowatch

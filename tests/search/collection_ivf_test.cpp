// Collections whose segments get inverted lists instead of a graph.
#include <gtest/gtest.h>

#include "base/error.h"
#include "search/collection.h"
#include "search/compute_examples.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

using test::random_values;

constexpr size_t width = 12, points = 700;

CollectionConfig config_of(CodeKind codes) {
  CollectionConfig config;
  config.dimension = width;
  config.index_threshold = 100;
  config.table_points = 64;
  config.index.kind = IndexKind::ivf;
  config.index.codes = codes;
  return config;
}

void fill(Collection& collection, const std::vector<float>& values) {
  std::vector<PointChange> changes;
  for (size_t i = 0; i < points; ++i) {
    PointChange change;
    change.id = PointId(i);
    change.vector.assign(values.begin() + static_cast<ptrdiff_t>(i * width),
                         values.begin() + static_cast<ptrdiff_t>((i + 1) * width));
    changes.push_back(std::move(change));
  }
  collection.write(std::move(changes));
  collection.settle();
}

TEST(CollectionIvfTest, SegmentsGetTheListsAskedForAndKeepThemWhenOpened) {
  const auto values = random_values(points * width, 1);
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

TEST(CollectionIvfTest, WhatDoesNotFitIsRefusedWhenTheCollectionIsMade) {
  const test::TemporaryFolder folder;
  CollectionConfig config = config_of(CodeKind::scalar4x8);
  EXPECT_THROW(Collection::create(folder / "a", config), Error);
  config = config_of(CodeKind::product4);
  config.index.code_bytes = 7;
  EXPECT_THROW(Collection::create(folder / "b", config), Error);
  EXPECT_FALSE(std::filesystem::exists(folder / "b"));
}

// Learned elsewhere: of each of three parts, sixteen rows of its own.
Path write_codebook(const Path& path, const std::vector<float>& values) {
  std::vector<float> centres;
  for (size_t part = 0; part < 3; ++part) {
    for (size_t e = 0; e < 16; ++e) {
      const auto from = values.begin() + static_cast<ptrdiff_t>(e * width + part * 4);
      centres.insert(centres.end(), from, from + 4);
    }
  }
  TensorFileWriter writer("", 1);
  writer.add<float>("codebooks", {3, 16, 4}, centres);
  writer.write(path);
  return path;
}

TEST(CollectionIvfTest, ACodebookIsKeptWithTheRecordsAndGoesIntoSnapshots) {
  const auto values = random_values(points * width, 1);
  const test::TemporaryFolder folder;
  CollectionConfig config = config_of(CodeKind::product4);
  config.index.codebook = write_codebook(folder / "book.safetensors", values);
  Collection::create(folder / "first", config);
  std::filesystem::remove(config.index.codebook);
  {
    Collection collection(folder / "first");
    fill(collection, values);
    EXPECT_GE(collection.status().indexed, points - config.table_points);
    EXPECT_TRUE(collection.status().trouble.empty()) << collection.status().trouble[0];
    collection.snapshot(folder / "snapshot");
  }
  Collection::restore(folder / "snapshot", folder / "second");
  Collection restored(folder / "second");
  restored.settle();
  EXPECT_GE(restored.status().indexed, points - config.table_points);
  EXPECT_TRUE(restored.status().trouble.empty());
  config.index.codes = CodeKind::product8;
  config.index.codebook = write_codebook(folder / "book.safetensors", values);
  EXPECT_THROW(Collection::create(folder / "third", config), Error) << "16 centres are codes of 4 bits";
}

TEST(CollectionIvfTest, AMemoryLimitLeavesASegmentToExactSearchAndSaysSo) {
  const auto values = random_values(points * width, 1);
  const test::TemporaryFolder folder;
  CollectionConfig config = config_of(CodeKind::scalar4);
  config.index.memory_cap = predict_bytes(config.index, 2 * config.index_threshold, width).building;
  Collection::create(folder / "small", config);
  Collection collection(folder / "small");
  fill(collection, values);
  EXPECT_EQ(collection.status().indexed, 0u);
  ASSERT_FALSE(collection.status().trouble.empty());
  EXPECT_NE(collection.status().trouble[0].find("searched exactly"), std::string::npos);
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
  config.index.memory_cap = predict_bytes(config.index, config.index_threshold, width).building - 1;
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

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
  config.index = IndexKind::ivf;
  config.codes = codes;
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
  config.code_bytes = 7;
  EXPECT_THROW(Collection::create(folder / "b", config), Error);
  EXPECT_FALSE(std::filesystem::exists(folder / "b"));
}

TEST(CollectionIvfTest, AMemoryLimitLeavesASegmentToExactSearchAndSaysSo) {
  const auto values = random_values(points * width, 1);
  const test::TemporaryFolder folder;
  CollectionConfig config = config_of(CodeKind::scalar4);
  config.index_memory = 1000;
  Collection::create(folder / "small", config);
  Collection collection(folder / "small");
  fill(collection, values);
  EXPECT_EQ(collection.status().indexed, 0u);
  ASSERT_FALSE(collection.status().trouble.empty());
  EXPECT_NE(collection.status().trouble[0].find("searched exactly"), std::string::npos);
}

}  // namespace
}  // namespace cowatch

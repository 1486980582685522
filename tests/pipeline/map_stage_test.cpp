#include "pipeline/map_stage.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/file.h"
#include "base/random.h"
#include "base/tensor_file.h"
#include "base/threads.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

constexpr size_t width = 24, groups = 8, members = 40;

struct MapStage : testing::Test {
  test::TemporaryFolder folder;
  Workspace workspace = Workspace::open_or_create(folder / "ws");

  void write(const std::vector<float>& values) const {
    TensorFileWriter writer("embeddings", 1);
    writer.add<float>("embeddings", {values.size() / width, width}, values);
    writer.write(workspace.embeddings());
  }
  std::vector<float> positions() const {
    const TensorFile file(map_file(workspace), "map", 1);
    const auto values = file.tensor<float>("positions");
    return {values.begin(), values.end()};
  }
};

// Groups about random directions, members side by side, all of unit length.
std::vector<float> grouped() {
  const Random random(3, 1);
  std::vector<float> rows;
  for (uint32_t member = 0; member < members; ++member) {
    for (uint32_t group = 0; group < groups; ++group) {
      std::vector<double> row(width);
      double square = 0;
      for (uint32_t i = 0; i < width; ++i) {
        row[i] = random.normal(group, i) + 0.6 * random.normal(100 + member * groups + group, i);
        square += row[i] * row[i];
      }
      for (const double value : row) rows.push_back(static_cast<float>(value / std::sqrt(square)));
    }
  }
  return rows;
}

double squared_distance(const std::vector<float>& positions, size_t a, size_t b) {
  const double x = positions[2 * a] - positions[2 * b], y = positions[2 * a + 1] - positions[2 * b + 1];
  return x * x + y * y;
}

TEST_F(MapStage, WhatIsNearInSpaceIsNearOnTheMap) {
  write(grouped());
  run_map_stage(workspace);
  const std::vector<float> found = positions();
  size_t same = 0;
  for (size_t a = 0; a < groups * members; ++a) {
    size_t nearest = a == 0 ? 1 : 0;
    for (size_t b = 0; b < groups * members; ++b) {
      if (b != a && squared_distance(found, a, b) < squared_distance(found, a, nearest)) nearest = b;
    }
    same += nearest % groups == a % groups;
  }
  EXPECT_GE(static_cast<double>(same), 0.95 * groups * members);
  // It fills the square it promises.
  for (size_t axis = 0; axis < 2; ++axis) {
    float low = 2, high = -2;
    for (size_t i = axis; i < found.size(); i += 2) low = std::min(low, found[i]), high = std::max(high, found[i]);
    EXPECT_GE(low, -1);
    EXPECT_LE(high, 1);
    EXPECT_GT(high - low, 1);
  }
}

TEST_F(MapStage, IsTheSameForAnyNumberOfThreads) {
  write(grouped());
  run_map_stage(workspace);
  const std::string first = read_text(map_file(workspace));
  set_threads(1);
  run_map_stage(workspace);
  set_threads(0);
  EXPECT_TRUE(read_text(map_file(workspace)) == first);
  EXPECT_TRUE(map_is_current(workspace));
}

TEST_F(MapStage, LeavesOutWhatHasNoEmbedding) {
  std::vector<float> rows = grouped();
  std::fill_n(rows.begin() + 5 * width, width, 0.f);
  write(rows);
  run_map_stage(workspace);
  const std::vector<float> found = positions();
  for (size_t i = 0; i < found.size(); ++i) EXPECT_EQ(std::isnan(found[i]), i / 2 == 5) << i;
}

TEST_F(MapStage, TakesAnyFewAndEqualVideos) {
  for (const size_t count : {0u, 1u, 2u, 3u, 30u}) {
    std::vector<float> rows;
    for (size_t r = 0; r < count; ++r) {
      for (size_t i = 0; i < width; ++i) rows.push_back(i == 0 ? 1.f : 0.f);
    }
    write(rows);
    run_map_stage(workspace);
    for (const float value : positions()) {
      EXPECT_GE(value, -1) << count;
      EXPECT_LE(value, 1) << count;
    }
  }
}

}  // namespace
}  // namespace cowatch

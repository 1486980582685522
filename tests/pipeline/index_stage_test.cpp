#include "pipeline/index_stage.h"

#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "base/error.h"
#include "base/random.h"
#include "base/tensor_file.h"
#include "math/vectors.h"
#include "pipeline/search_release.h"
#include "search/compute/codes/row_codes.h"
#include "store/catalogue.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

struct IndexStage : testing::Test {
  test::TemporaryFolder folder;
  Workspace workspace = Workspace::open_or_create(folder / "ws");
  Settings settings;

  void SetUp() override { add_videos({"a", "b", "c"}); }
  void add_videos(const std::vector<std::string>& ids) {
    std::vector<ItemRecord> items;
    for (const std::string& id : ids) {
      ItemRecord item;
      item.id = id;
      items.push_back(item);
    }
    Catalogue(workspace.catalogue(), Catalogue::Mode::write).put_items(items);
  }
  void write(const std::vector<float>& values) {
    TensorFileWriter writer("embeddings", 1);
    writer.add<float>("embeddings", {values.size() / 2, 2}, values);
    writer.write(workspace.embeddings());
  }
  ErrorCode failure() {
    try {
      run_index_stage(workspace, settings);
    } catch (const Error& error) {
      return error.code();
    }
    ADD_FAILURE() << "accepted";
    return ErrorCode::internal;
  }
};

TEST_F(IndexStage, CountsSoundRowsAndMemory) {
  write({1, 0, 0, 0, 0.6f, -0.8f});
  add_videos({"d"});
  const IndexSummary summary = run_index_stage(workspace, settings);
  EXPECT_EQ(summary.videos, 3u);
  EXPECT_EQ(summary.embedded, 2u);
  EXPECT_EQ(summary.width, 2u);
  EXPECT_EQ(summary.new_videos, 1u);
  EXPECT_EQ(summary.mapped_bytes, std::filesystem::file_size(workspace.embeddings()));
  EXPECT_EQ(predict_index(workspace, settings).mapped_bytes, summary.mapped_bytes);
}

TEST_F(IndexStage, RefusesRowsThatCannotBeSearched) {
  write({1, 0, 0.5f, 0});
  EXPECT_EQ(failure(), ErrorCode::damaged);
  write({1, 0, std::numeric_limits<float>::quiet_NaN(), 0});
  EXPECT_EQ(failure(), ErrorCode::damaged);
  write({std::numeric_limits<float>::infinity(), 0});
  EXPECT_EQ(failure(), ErrorCode::damaged);
  write({1, 0, 1, 0, 1, 0, 1, 0});
  EXPECT_EQ(failure(), ErrorCode::damaged) << "more rows than videos";
}

TEST_F(IndexStage, PredictsBeforeThereAreEmbeddings) {
  EXPECT_EQ(failure(), ErrorCode::missing_stage);
  EXPECT_THROW(index_fingerprint(workspace, settings), Error);
  settings.set("train.outputs", "100", Settings::Source::flag, "test");
  const IndexSummary summary = predict_index(workspace, settings);
  EXPECT_TRUE(summary.predicted);
  const size_t width = 200;  // a join is twice as wide as its networks
  EXPECT_EQ(summary.mapped_bytes, 3 * (width * sizeof(float) + RowCodes::record_bytes(width) + sizeof(float)))
      << "rows, their codes and errors";
}

// Rows of unit length in loose clusters; row 5 is a video without features.
std::vector<float> clustered(size_t rows, size_t width, uint32_t seed) {
  const Random random(9, seed);
  std::vector<float> values(rows * width);
  for (uint32_t r = 0; r < rows; ++r) {
    const std::span<float> row(values.data() + r * width, width);
    for (uint32_t c = 0; c < width; ++c)
      row[c] = static_cast<float>(random.normal(r % 40, c) + 0.6 * random.normal(1000 + r, c));
    normalise(row);
  }
  std::fill_n(values.begin() + 5 * static_cast<ptrdiff_t>(width), width, 0.0f);
  return values;
}

struct LargeIndexStage : IndexStage {
  static constexpr size_t rows = 3000, width = 32;

  void SetUp() override {
    std::vector<std::string> ids;
    for (size_t r = 0; r < rows; ++r) ids.push_back("v" + std::to_string(r));
    add_videos(ids);
    settings.set("index.graph_from", "1000", Settings::Source::flag, "test");
  }
  void write_version(uint32_t seed) {
    const auto values = clustered(rows, width, seed);
    TensorFileWriter writer("embeddings", 1);
    writer.add<float>("embeddings", {rows, width}, values);
    writer.write(workspace.embeddings());
  }
};

struct EachIndex : LargeIndexStage,
                   testing::WithParamInterface<std::vector<std::pair<const char*, const char*>>> {};

TEST_P(EachIndex, IsForeseenLiesBesideTheTableAndFindsWhatAScanFinds) {
  for (const auto& [name, value] : GetParam()) settings.set(name, value, Settings::Source::flag, "test");
  const IndexKind kind = index_kind_of(settings.get_text("index.kind"));
  write_version(1);
  const IndexSummary predicted = predict_index(workspace, settings), made = run_index_stage(workspace, settings);
  EXPECT_TRUE(made.switched);
  EXPECT_EQ(made.kind, kind);
  EXPECT_EQ(predicted.kind, kind);
  EXPECT_EQ(made.embedded, rows - 1);
  EXPECT_NEAR(static_cast<double>(predicted.mapped_bytes), static_cast<double>(made.mapped_bytes),
              0.1 * static_cast<double>(made.mapped_bytes));
  const auto index = open_current_release(workspace);
  ASSERT_TRUE(index);
  EXPECT_EQ(index->kind(), kind);
  size_t found = 0, wanted = 0;
  for (uint32_t row = 0; row < rows; row += 60) {
    const std::unordered_set<uint32_t> excluded = {row, row + 40, row + 80};
    const auto truth = index->search(index->row(row), 10, excluded, EmbeddingIndex::Way::exact);
    const auto answer = index->search(index->row(row), 10, excluded);
    ASSERT_EQ(answer.size(), 10u);
    for (const Scored& each : answer) {
      EXPECT_FALSE(excluded.contains(each.index));
      EXPECT_NE(each.index, 5u);
      EXPECT_NEAR(each.score, dot(index->row(row), index->row(each.index)), 1e-5) << "scored by the table, not by codes";
      found += each.score >= truth.back().score - 1e-6f;
    }
    wanted += 10;
  }
  EXPECT_GE(found, wanted * 95 / 100);
}

INSTANTIATE_TEST_SUITE_P(
    kinds, EachIndex,
    testing::Values(std::vector<std::pair<const char*, const char*>>{{"index.kind", "graph"}},
                    std::vector<std::pair<const char*, const char*>>{{"index.kind", "ivf"}},
                    std::vector<std::pair<const char*, const char*>>{{"index.kind", "ivf"},
                                                                     {"index.codes", "product4"},
                                                                     {"index.code_bytes", "8"},
                                                                     {"index.lists", "40"}}));

TEST_F(LargeIndexStage, RefusesOptionsThatDoNotGoTogetherBeforeAnythingIsMade) {
  write_version(1);
  settings.set("index.codes", "product4", Settings::Source::flag, "test");
  for (const auto stage : {run_index_stage, predict_index}) {
    try {
      stage(workspace, settings);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::bad_argument);
      EXPECT_NE(error.details().where.find("index.codes"), std::string::npos);
    }
  }
  EXPECT_FALSE(current_release(workspace));
}

TEST_F(LargeIndexStage, SwitchesAtOnceWhileTheFormerVersionGoesOn) {
  write_version(1);
  run_index_stage(workspace, settings);
  const auto before = open_current_release(workspace);
  const std::vector<float> old_row(before->row(7).begin(), before->row(7).end());
  EXPECT_TRUE(index_is_current(workspace, settings));
  write_version(2);
  EXPECT_FALSE(index_is_current(workspace, settings));
  EXPECT_TRUE(std::ranges::equal(open_current_release(workspace)->row(7), old_row)) << "embedding alone switches nothing";
  EXPECT_TRUE(run_index_stage(workspace, settings).switched);
  EXPECT_FALSE(std::ranges::equal(open_current_release(workspace)->row(7), old_row));
  EXPECT_TRUE(std::ranges::equal(before->row(7), old_row)) << "who had the former version keeps it";
  EXPECT_FALSE(before->search(before->row(7), 3, {}).empty());
  size_t versions = 0;
  for (const auto& entry : std::filesystem::directory_iterator(workspace.file("search"))) versions += entry.is_directory();
  EXPECT_EQ(versions, 1u);
  EXPECT_FALSE(run_index_stage(workspace, settings).switched);
}

TEST_F(LargeIndexStage, ADamagedVersionIsMadeAnewBesideItself) {
  write_version(1);
  run_index_stage(workspace, settings);
  const auto before = current_release(workspace);
  std::fstream file(before->index(workspace), std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(-100, std::ios::end);
  file.put('x');
  file.close();
  EXPECT_FALSE(index_is_current(workspace, settings));
  EXPECT_TRUE(run_index_stage(workspace, settings).switched);
  EXPECT_NE(current_release(workspace)->name, before->name);
  EXPECT_TRUE(index_is_current(workspace, settings));
  write_atomically(current_release_file(workspace), "{");
  EXPECT_THROW(open_current_release(workspace), Error);
  run_index_stage(workspace, settings);
  EXPECT_TRUE(open_current_release(workspace));
}

TEST_F(LargeIndexStage, RefusesBeforehandWhatTakesTooMuchMemory) {
  write_version(1);
  run_index_stage(workspace, settings);
  const auto before = current_release(workspace);
  write_version(2);
  settings.set("index.memory", "1", Settings::Source::flag, "test");
  for (const auto stage : {run_index_stage, predict_index}) {
    try {
      stage(workspace, settings);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::no_space);
      EXPECT_NE(error.details().found.find("MiB predicted"), std::string::npos);
    }
  }
  EXPECT_EQ(current_release(workspace)->name, before->name);
  settings.set("index.memory", "100", Settings::Source::flag, "test");
  EXPECT_TRUE(run_index_stage(workspace, settings).switched);
}

TEST_F(IndexStage, FingerprintFollowsTheEmbeddings) {
  write({1, 0});
  const std::string before = index_fingerprint(workspace, settings);
  EXPECT_EQ(index_fingerprint(workspace, settings), before);
  write({0, 1});
  EXPECT_NE(index_fingerprint(workspace, settings), before);
}

}  // namespace
}  // namespace cowatch

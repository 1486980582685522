#include "pipeline/index_stage.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "base/tensor_file.h"
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
  EXPECT_EQ(summary.mapped_bytes, 3u * 100 * sizeof(float));
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

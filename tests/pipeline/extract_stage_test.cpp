#include "pipeline/extract_stage.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "base/error.h"
#include "base/tensor_file.h"
#include "pipeline/feature_log.h"
#include "store/catalogue.h"
#include "support/temporary_folder.h"
#include "support/tone.h"

namespace cowatch {
namespace {

std::string sound_file(double pitch) {
  return test::tone(pitch, 8000);
}

struct ExtractStage : testing::Test {
  test::TemporaryFolder folder;
  Workspace workspace = Workspace::open_or_create(folder / "ws");
  Settings settings;

  void add(const std::string& id, const std::string& bytes) {
    ItemRecord item;
    item.id = id;
    if (!bytes.empty()) {
      item.media_path = (folder / id).string();
      write_atomically(folder / id, bytes);
    }
    Catalogue(workspace.catalogue(), Catalogue::Mode::write).put_items({&item, 1});
  }
  void import_features(const std::vector<float>& values, const std::vector<uint8_t>& present) {
    TensorFileWriter writer("features", 1);
    writer.set("modalities", R"([{"name":"imported","begin":0,"end":2}])");
    writer.add<float>("features", {present.size(), 2}, values);
    writer.add<uint8_t>("present", {present.size(), 1}, present);
    writer.write(workspace.imported_features());
  }
  std::vector<uint8_t> present() const {
    const TensorFile file(workspace.features(), "features", 1);
    const auto flags = file.tensor<uint8_t>("present");
    return {flags.begin(), flags.end()};
  }
};

TEST_F(ExtractStage, NeedsFilesOrImportedFeatures) {
  add("a", "");
  try {
    run_extract_stage(workspace, settings);
    FAIL() << "there is nothing to extract";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::missing_stage);
    EXPECT_FALSE(error.details().remedy.empty());
  }
}

TEST_F(ExtractStage, ExtractsJudgesAndSkips) {
  add("a", sound_file(300));
  add("b", "");
  add("c", "this is no video");
  EXPECT_FALSE(features_are_current(workspace, settings));
  const ExtractSummary first = run_extract_stage(workspace, settings);
  EXPECT_EQ(first.decoded, 2u);
  EXPECT_EQ(first.extracted, 1u);
  ASSERT_EQ(first.refused.size(), 1u);
  EXPECT_EQ(first.refused[0].id, "c");
  EXPECT_EQ(present(), (std::vector<uint8_t>{0, 0, 1, 0, 0, 0, 0, 0, 0}));
  EXPECT_TRUE(features_are_current(workspace, settings));
  EXPECT_EQ(run_extract_stage(workspace, settings).decoded, 0u);

  const Catalogue catalogue(workspace.catalogue(), Catalogue::Mode::read);
  EXPECT_EQ(catalogue.media(0)->state, "extracted");
  EXPECT_NEAR(catalogue.media(0)->seconds, 1, 0.1);
  EXPECT_EQ(catalogue.media(2)->state, "refused");
  EXPECT_FALSE(catalogue.media(1));
}

TEST_F(ExtractStage, DecodesAgainWhatChanged) {
  add("a", sound_file(300));
  add("b", sound_file(500));
  add("c", "this is no video");
  run_extract_stage(workspace, settings);
  write_atomically(folder / "a", sound_file(900));
  EXPECT_FALSE(features_are_current(workspace, settings));
  EXPECT_EQ(run_extract_stage(workspace, settings).decoded, 1u);
  // More time may help a refused file, and changes nothing for a good one.
  settings.set("extract.wall_seconds", "70", Settings::Source::flag, "test");
  EXPECT_EQ(run_extract_stage(workspace, settings).decoded, 1u);
}

TEST_F(ExtractStage, InterruptedAnywhereEndsInTheSameBytes) {
  for (int i = 0; i < 4; ++i) add("v" + std::to_string(i), sound_file(200 + 100 * i));
  run_extract_stage(workspace, settings);
  const std::string whole = read_text(workspace.features());
  const Path log = workspace.file("extracted_features.log");
  const std::string rows = read_text(log);
  for (const size_t kept : {size_t{0}, size_t{10}, size_t{16}, rows.size() / 3, rows.size() - 1}) {
    write_atomically(log, rows.substr(0, kept));
    std::filesystem::remove(workspace.features());
    EXPECT_GT(run_extract_stage(workspace, settings).decoded, 0u) << kept;
    EXPECT_TRUE(read_text(workspace.features()) == whole) << kept;
  }
  std::string flipped = rows;
  flipped[rows.size() / 2] ^= 4;
  write_atomically(log, flipped);
  run_extract_stage(workspace, settings);
  EXPECT_TRUE(read_text(workspace.features()) == whole);
}

TEST_F(ExtractStage, ImportedFeaturesAloneArePassedOn) {
  add("a", "");
  add("b", "");
  import_features({1, 2, 0, 0}, {1, 0});
  const ExtractSummary summary = run_extract_stage(workspace, settings);
  EXPECT_EQ(summary.imported, 1u);
  EXPECT_EQ(summary.columns, 2u);
  const TensorFile file(workspace.features(), "features", 1);
  EXPECT_THAT(file.tensor<float>("features"), testing::ElementsAre(1, 2, 0, 0));
  EXPECT_EQ(file.get("modalities"), R"([{"name":"imported","begin":0,"end":2}])");
  EXPECT_TRUE(features_are_current(workspace, settings));
  import_features({1, 3, 0, 0}, {1, 0});
  EXPECT_FALSE(features_are_current(workspace, settings));
}

TEST_F(ExtractStage, ImportedFeaturesAreOneMoreModality) {
  add("a", sound_file(300));
  import_features({5, 6}, {1});
  add("b", sound_file(400));  // came after the features were imported
  const ExtractSummary summary = run_extract_stage(workspace, settings);
  EXPECT_EQ(present(), (std::vector<uint8_t>{0, 0, 1, 1, 0, 0, 1, 0}));
  const TensorFile file(workspace.features(), "features", 1);
  const auto values = file.tensor<float>("features");
  EXPECT_EQ(values[summary.columns - 2], 5);
  EXPECT_EQ(values[summary.columns - 1], 6);
  EXPECT_EQ(values[2 * summary.columns - 1], 0);
}

TEST(FeatureLog, KeepsTheNewestRowAndDropsTornOnes) {
  const test::TemporaryFolder folder;
  const Path path = folder / "log";
  {
    FeatureLog log(path, 1, 2);
    log.append(7, 100, 1, std::vector<float>{1, 2});
    log.append(3, 200, 2, std::vector<float>{3, 4});
    log.append(7, 101, 3, std::vector<float>{5, 6});
    log.sync();
  }
  write_atomically(path, read_text(path) + "torn");
  FeatureLog log(path, 1, 2);
  EXPECT_TRUE(log.has(7, 101));
  EXPECT_FALSE(log.has(7, 100));
  log.append(9, 300, 4, std::vector<float>{7, 8});
  log.sync();
  std::vector<float> row(2);
  EXPECT_EQ(log.read(7, row), 3u);
  EXPECT_EQ(row, (std::vector<float>{5, 6}));
  EXPECT_EQ(log.read(9, row), 4u);
  EXPECT_EQ(row, (std::vector<float>{7, 8}));
  EXPECT_EQ(FeatureLog(path, 1, 2).size(), 3u);
  EXPECT_EQ(FeatureLog(path, 2, 2).size(), 0u);  // another layout begins afresh
}

}  // namespace
}  // namespace cowatch

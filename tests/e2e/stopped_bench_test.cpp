// `cowatch bench relational` ends when it is asked to, also in the middle of a training, or when it fails,
// and keeps the rows that it has.
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "learn/evaluation.h"
#include "support/process.h"
#include "support/text_files.h"

namespace cowatch {
namespace {

class StoppedBench : public testing::TestWithParam<int> {};

TEST_P(StoppedBench, EndsWhileItTrainsAndKeepsItsRows) {
  const test::TemporaryFolder folder;
  const std::string output = (folder / "report.json").string();
  // So many steps that only the signal ends it.
  test::Process bench(
      "cowatch", {"bench", "relational", "--world", "300", "--seeds", "1", "--methods", "raw,random_mined",
                  "--hidden", "16", "--steps", "100000000", "--json", output});
  bench.output_with("1 of 2 trainings done");
  bench.send(GetParam());
  EXPECT_EQ(bench.wait(), 130);
  EXPECT_NE(bench.output().find("stopped on request"), std::string::npos) << bench.output();
  EXPECT_FALSE(std::filesystem::exists(output));
  std::istringstream lines(read_text(output + ".pieces"));
  std::vector<Json> pieces;
  for (std::string line; std::getline(lines, line);) pieces.push_back(Json::parse(line));
  ASSERT_EQ(pieces.size(), 2u) << "what made them, and one training";
  EXPECT_EQ(pieces[1][0][0], "raw");
}

// Only a video that is held back has features of its own: the features as they are rank, a network has
// nothing to learn.
TEST(FailedBench, WritesTheRowsThatItHasAndWhatEndedIt) {
  constexpr size_t videos = 60;
  const test::TemporaryFolder folder;
  std::string ids, edges;
  for (size_t v = 0; v < videos; ++v) {
    ids += std::to_string(v) + "\n";
    edges += std::to_string(v) + " " + std::to_string((v + 1) % videos) + "\n";
  }
  test::write_text(folder / "ids.txt", ids);
  test::write_text(folder / "edges.tsv", edges);
  std::vector<float> features(videos, 1);
  features[split_videos(videos, 0.7, 1).test.front()] = 2;
  test::write_npy(folder / "features.npy", videos, 1, features);
  const Path output = folder / "report.json";
  const test::Finished done =
      test::run_cowatch({"bench", "relational", "--data", folder.path().string(), "--seeds", "1", "--methods",
                         "raw,infonce", "--json", output.string()});
  EXPECT_EQ(done.status, 2) << done.output;
  EXPECT_NE(done.output.find("seed 1, infonce"), std::string::npos) << done.output;
  const Json report = Json::parse(read_text(output));
  EXPECT_EQ(report["rows"].size(), 1u);
  EXPECT_NE(report["error"].get<std::string>().find("seed 1, infonce"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(By, StoppedBench, testing::Values(SIGTERM, SIGINT));

}  // namespace
}  // namespace cowatch

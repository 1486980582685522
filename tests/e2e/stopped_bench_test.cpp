// `cowatch bench relational` ends when it is asked to, also in the middle of a training, and keeps the rows
// that it has.
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "support/process.h"

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

INSTANTIATE_TEST_SUITE_P(By, StoppedBench, testing::Values(SIGTERM, SIGINT));

}  // namespace
}  // namespace cowatch

// Benchmarks through the program, at sizes that take seconds and without peers: they end, and their reports
// have the fields that others read. What they measure is not looked at.
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "support/process.h"

namespace cowatch {
namespace {

struct Small {
  std::string name;
  std::vector<std::string> arguments, fields;  // fields: of every row
};

std::ostream& operator<<(std::ostream& out, const Small& small) {
  return out << small.name;
}

class BenchmarkReports : public testing::TestWithParam<Small> {};

TEST_P(BenchmarkReports, HaveTheirFields) {
  const test::TemporaryFolder folder;
  const std::string output = (folder / "report.json").string();
  std::vector<std::string> words{"bench", GetParam().name, "--json", output, "--quiet"};
  words.insert(words.end(), GetParam().arguments.begin(), GetParam().arguments.end());
  const test::Finished done = test::run_cowatch(words);
  ASSERT_EQ(done.status, 0) << done.output;
  const Json report = Json::parse(read_text(output));
  EXPECT_EQ(report["name"], GetParam().name);
  for (const char* field : {"commit", "machine", "settings"}) EXPECT_TRUE(report.contains(field)) << field;
  ASSERT_FALSE(report["rows"].empty());
  for (const Json& row : report["rows"]) {
    for (const std::string& field : GetParam().fields)
      EXPECT_TRUE(row.contains(field)) << field << " in " << row.dump();
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, BenchmarkReports,
    testing::Values(Small{"blas",
                          {"--size", "64", "--rounds", "1", "--turns", "1"},
                          {"library", "kernel", "gflops_1", "gflops_2", "chosen"}},
                    Small{"step",
                          {"--no-peer", "--batch", "20", "--input", "8", "--hidden", "16", "--outputs", "4",
                           "--steps", "1", "--rounds", "1"},
                          {"engine", "precision", "seconds", "gflops", "sgemm_gflops", "peak_mib"}},
                    Small{"tree",
                          {"--no-peer", "--edges", "2000"},
                          {"engine", "linkage", "edges", "seconds", "peak_mib"}},
                    Small{"pairs",
                          {"--no-peer", "--watches", "3000", "--videos", "200", "--memory", "16", "64"},
                          {"engine", "watches", "seconds", "peak_mib", "pairs", "weight_sum"}}),
    [](const auto& info) { return info.param.name; });

TEST(Benchmarks, EmbedsOneVideoByANetworkAndByAJoin) {
  const test::TemporaryFolder folder;
  const std::string output = (folder / "report.json").string();
  const test::Finished done =
      test::run_cowatch({"bench", "embed", "--videos", "300", "--input", "8", "--hidden", "16", "--outputs",
                         "4", "--repeats", "2", "--json", output});
  ASSERT_EQ(done.status, 0) << done.output;
  const Json rows = Json::parse(read_text(output))["rows"];
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0]["branches"], 1);
  EXPECT_EQ(rows[1]["branches"], 11) << "features, linear maps and trainings of networks";
  for (const int row : {0, 1}) EXPECT_EQ(rows[row]["limit_milliseconds"], 5.0);
  EXPECT_EQ(rows[2]["what"], "catalogue");
}

TEST(Benchmarks, RefuseSizesOfNothing) {
  const std::vector<std::vector<std::string>> nothing{
      {"pairs", "--videos", "0"}, {"pairs", "--max-watches", "0"}, {"pairs", "--watches", "0"},
      {"pairs", "--memory", "0"}, {"tree", "--rounds", "0"},       {"tree", "--rounds", "65"}};
  for (const auto& arguments : nothing) {
    std::vector<std::string> words{"bench"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    const test::Finished done = test::run_cowatch(words);
    EXPECT_NE(done.status, 0) << arguments[1];
    EXPECT_NE(done.output.find(arguments[1]), std::string::npos) << done.output;
  }
}

}  // namespace
}  // namespace cowatch

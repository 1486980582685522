// `bench relational` goes on after a kill: what its file of pieces holds is taken, the rest is made, and all
// of it is as if the run had never stopped. It says what it measured on, and what it could not.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "base/random.h"
#include "bench/benchmarks.h"
#include "learn/evaluation.h"
#include "support/temporary_folder.h"
#include "support/text_files.h"

namespace cowatch::bench {
namespace {

constexpr size_t videos = 60, columns = 4;

// Videos of six kinds in a ring of neighbours each, with features that tell the kinds apart.
std::vector<float> features_of_kinds() {
  std::vector<float> features;
  const Random noise(1, 1);
  for (uint32_t v = 0; v < videos; ++v) {
    for (uint32_t k = 0; k < columns; ++k)
      features.push_back(static_cast<float>((v % 6 >> (k % 3) & 1) + 0.3 * noise.normal(v, k)));
  }
  return features;
}

Path write_graph(const Path& folder, const std::vector<float>& features = features_of_kinds()) {
  std::filesystem::create_directories(folder);
  std::string ids, edges;
  for (uint32_t v = 0; v < videos; ++v) {
    ids += "video" + std::to_string(v) + "\n";
    for (const size_t step : {6, 12})
      edges += std::to_string(v) + "\t" + std::to_string((v + step) % videos) + "\n";
  }
  test::write_text(folder / "ids.txt", ids);
  test::write_text(folder / "edges.tsv", edges);
  test::write_npy(folder / "features.npy", videos, columns, features);
  return folder;
}

void run_into(Report& report, const std::string& arguments) {
  CLI::App app;
  const auto run = relational_benchmark().configure(CommandLine(app));
  app.parse("--hidden 8 --outputs 4 --batch 16 " + arguments);
  run(report);
}

std::vector<Json> rows_of(const Path& graph, const Path& output, int steps = 12) {
  Report report;
  report.set_output(output);
  run_into(report, "--data " + graph.string() +
                       " --seeds 2 --methods raw,l0_mined,infonce --epochs --steps " + std::to_string(steps));
  return report.rows();
}

Error error_of_run(const std::string& arguments) {
  try {
    Report report;
    run_into(report, arguments);
  } catch (const Error& error) {
    return error;
  }
  return {ErrorCode::internal, "no error"};
}

std::vector<Json> without_seconds(std::vector<Json> rows) {
  for (Json& row : rows) row.erase("seconds");
  return rows;
}

std::vector<std::string> lines_of(const Path& path) {
  std::vector<std::string> lines;
  std::istringstream text(read_text(path));
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

class RelationalPieces : public testing::Test {
 protected:
  const test::TemporaryFolder folder_;
  const Path graph_ = write_graph(folder_ / "graph"), output_ = folder_ / "report.json",
             pieces_ = folder_ / "report.json.pieces";
  const std::vector<Json> whole_ = rows_of(graph_, output_);
};

TEST_F(RelationalPieces, ARunCutAnywhereGoesOnToTheSameRows) {
  const std::string text = read_text(pieces_);
  ASSERT_EQ(lines_of(pieces_).size(), 1 + 2 * 3u);  // what made them, then a line a seed and method
  for (const size_t kept : {text.size() - 1, text.size() * 2 / 3, text.size() / 3, size_t{5}, size_t{0}}) {
    test::write_text(pieces_, text.substr(0, kept));
    EXPECT_EQ(without_seconds(rows_of(graph_, output_)), without_seconds(whole_)) << "cut at byte " << kept;
    EXPECT_EQ(lines_of(pieces_).size(), 1 + 2 * 3u) << "cut at byte " << kept;
  }
}

// A mark in a kept piece shows that it was taken from the file and not made again.
TEST_F(RelationalPieces, WhatWasMadeIsNotMadeAgain) {
  std::vector<std::string> lines = lines_of(pieces_);
  lines.resize(4);
  Json marked = Json::parse(lines[2]);
  marked[1][0]["map"] = 7.0;
  lines[2] = marked.dump();
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  test::write_text(pieces_, text);
  std::vector<Json> expected = whole_;
  for (Json& row : expected) {
    if (row["method"] == "l0_mined" && row["seed"] == 1 && row.contains("map")) row["map"] = 7.0;
  }
  EXPECT_EQ(without_seconds(rows_of(graph_, output_)), without_seconds(expected));
}

TEST_F(RelationalPieces, OfOtherSettingsAreNotTaken) {
  const std::string before = lines_of(pieces_).front();
  EXPECT_NE(without_seconds(rows_of(graph_, output_, 13)), without_seconds(whole_));
  EXPECT_NE(lines_of(pieces_).front(), before);
}

TEST_F(RelationalPieces, OfOtherFeaturesOrWeightsAreNotTaken) {
  const std::string before = lines_of(pieces_).front();
  std::vector<float> features = features_of_kinds();
  features.back() += 1;
  write_graph(graph_, features);
  rows_of(graph_, output_);
  const std::string other_features = lines_of(pieces_).front();
  EXPECT_NE(other_features, before);
  test::write_text(graph_ / "edges.tsv", "0\t1\t3\n" + read_text(graph_ / "edges.tsv"));
  rows_of(graph_, output_);
  EXPECT_NE(lines_of(pieces_).front(), other_features);
}

class RelationalRun : public testing::Test {
 protected:
  const test::TemporaryFolder folder_;
  const Path graph_ = write_graph(folder_ / "graph");
  const std::string data_ = "--data " + graph_.string() + " ";
};

TEST_F(RelationalRun, SaysWhatItMeasuresOn) {
  std::vector<float> features = features_of_kinds();
  for (uint32_t k = 0; k < columns; ++k) features[7 * columns + k] = 0;
  for (uint32_t v = 0; v < videos; ++v) features[v * columns + 2] = v == 7 ? 0.0F : 2.5F;
  write_graph(graph_, features);
  std::string edges;
  for (uint32_t v = 1; v + 1 < videos; ++v) edges += std::to_string(v) + "\t" + std::to_string(v + 1) + "\n";
  test::write_text(graph_ / "edges.tsv", edges + "2\t1\n3\t3\nx\ty\n");
  Report report;
  run_into(report, "--data " + graph_.string() + "/ --seeds 1 --methods raw --set train.margin=0.25");
  EXPECT_EQ(report.settings["data"], "graph");
  EXPECT_EQ(report.settings["videos_isolated"], 1);
  EXPECT_EQ(report.settings["videos_without_features"], 1);
  EXPECT_EQ(report.settings["columns_constant"], 1);
  EXPECT_EQ(report.settings["edges"], videos - 2);
  EXPECT_EQ(report.settings["edges_rejected"], 2);
  EXPECT_EQ(report.settings["edges_self_loops"], 1);
  EXPECT_EQ(report.settings["edges_duplicate"], 1);
  EXPECT_NE(report.settings["train"].get<std::string>().find("margin=0.25"), std::string::npos);
  ASSERT_EQ(report.rows().size(), 1u);
  EXPECT_TRUE(report.rows()[0]["retained"].is_null()) << "nothing is mined";
}

// Two groups, each the half of the ring; and a few videos of which no group is known.
TEST_F(RelationalRun, AcrossGroupsLeavesOutEdgesWithinOne) {
  const auto group_of = [](uint32_t video) {
    return video % 10 == 9 ? "-1" : video < videos / 2 ? "ann" : "ben";
  };
  std::string groups;
  for (uint32_t v = 0; v < videos; ++v) groups += std::string(group_of(v)) + "\n";
  test::write_text(graph_ / "artist.txt", groups);
  size_t across = 0;
  for (uint32_t v = 0; v < videos; ++v) {
    for (const uint32_t step : {6, 12}) {
      const std::string one = group_of(v), other = group_of((v + step) % videos);
      across += one != "-1" && other != "-1" && one != other;
    }
  }
  ASSERT_GT(across, 10u);
  Report all, report;
  run_into(all, data_ + "--seeds 1 --methods raw");
  run_into(report, data_ + "--across " + (graph_ / "artist.txt").string() + " --seeds 1 --methods raw");
  EXPECT_EQ(report.settings["groups"], "artist.txt");
  EXPECT_EQ(report.settings["edges"], across);
  EXPECT_EQ(report.settings["edges_left_out"], 2 * videos - across);
  EXPECT_EQ(all.settings["edges"], 2 * videos);
  EXPECT_NE(report.settings["graph"], all.settings["graph"]);
  test::write_text(graph_ / "artist.txt", "ann\nben\n");
  const Error error = error_of_run(data_ + "--across " + (graph_ / "artist.txt").string() + " --methods raw");
  EXPECT_EQ(error.code(), ErrorCode::bad_input);
  EXPECT_TRUE(error.details().where.ends_with("artist.txt")) << error.what();
}

TEST_F(RelationalRun, AnEpochSaysWhatItsStepsDrewAndMined) {
  Report report;
  run_into(report, data_ + "--seeds 1 --methods l0_mined,l0,infonce --epochs --steps 6");
  size_t epochs = 0;
  for (const Json& row : report.rows()) {
    if (!row.contains("epoch")) continue;
    ++epochs;
    EXPECT_EQ(row["retained"].is_null(), row["method"] != "l0_mined");
    EXPECT_EQ(row["unmined"].is_null(), row["method"] != "l0_mined");
    EXPECT_EQ(row["climbed"].is_null(), row["method"] == "infonce");
  }
  EXPECT_GE(epochs, 3u);
}

TEST_F(RelationalRun, TakesAnySettingOfTrainingAndNoOther) {
  const std::string arguments = data_ + "--seeds 1 --methods random_mined --steps 5 ";
  Report usual, wide;
  run_into(usual, arguments);
  run_into(wide, arguments + "--set train.margin=4 --set train.rate=0.1");
  EXPECT_NE(usual.rows()[0]["map"], wide.rows()[0]["map"]);
  EXPECT_FALSE(usual.rows()[0]["retained"].is_null());
  for (const char* setting : {"train.seed=2", "train.method=l0", "graph.top_k=3"})
    EXPECT_EQ(error_of_run(arguments + "--set " + setting).code(), ErrorCode::bad_argument) << setting;
}

TEST_F(RelationalRun, ChecksTheMethodsBeforeItReadsAnything) {
  const Error error = error_of_run("--data nowhere --methods raw,infonse");
  EXPECT_EQ(error.code(), ErrorCode::bad_argument);
  EXPECT_NE(error.details().remedy.find("infonce"), std::string::npos);
}

TEST_F(RelationalRun, NamesTheFirstLineWhereNoneIsAnEdge) {
  test::write_text(graph_ / "edges.tsv", "video0\tvideo1\nvideo1\tvideo2\n");
  const Error error = error_of_run(data_ + "--methods raw");
  EXPECT_EQ(error.code(), ErrorCode::bad_input);
  EXPECT_TRUE(error.details().where.ends_with("edges.tsv, line 1")) << error.what();
  EXPECT_NE(error.details().found.find("video0"), std::string::npos);
  EXPECT_NE(error.details().remedy.find("ids.txt"), std::string::npos);
}

// Only a video that is held back has features of its own: there is nothing to train a network on.
TEST_F(RelationalRun, NamesSeedAndMethodOfAFailureAndKeepsTheRowsBefore) {
  std::vector<float> features(videos * columns, 1);
  features[split_videos(videos, 0.7, 1).test.front() * columns] = 2;
  write_graph(graph_, features);
  Report report;
  try {
    run_into(report, data_ + "--seeds 1 --methods raw,infonce,random --steps 2");
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
    EXPECT_TRUE(error.details().where.starts_with("seed 1, infonce")) << error.what();
  }
  EXPECT_EQ(report.rows().size(), 1u);
  test::write_text(graph_ / "edges.tsv", "0\t1\n");
  const Error small = error_of_run(data_ + "--seeds 1 --methods raw");
  EXPECT_EQ(small.details().where, "seed 1");
  EXPECT_EQ(std::string(small.what()).find("evaluate."), std::string::npos)
      << "a setting that a benchmark lacks";
}

}  // namespace
}  // namespace cowatch::bench

// `bench relational` goes on after a kill: what its file of pieces holds is taken, the rest is made, and all
// of it is as if the run had never stopped.
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

#include "base/random.h"
#include "bench/benchmarks.h"
#include "support/temporary_folder.h"
#include "support/text_files.h"

namespace cowatch::bench {
namespace {

constexpr size_t videos = 60, columns = 4;

// Videos of six kinds in a ring of neighbours each, with features that tell the kinds apart.
Path write_graph(const Path& folder) {
  std::filesystem::create_directories(folder);
  std::string ids, edges;
  std::vector<float> features;
  const Random noise(1, 1);
  for (uint32_t v = 0; v < videos; ++v) {
    ids += "video" + std::to_string(v) + "\n";
    for (const size_t step : {6, 12})
      edges += std::to_string(v) + "\t" + std::to_string((v + step) % videos) + "\n";
    for (uint32_t k = 0; k < columns; ++k)
      features.push_back(static_cast<float>((v % 6 >> (k % 3) & 1) + 0.3 * noise.normal(v, k)));
  }
  test::write_text(folder / "ids.txt", ids);
  test::write_text(folder / "edges.tsv", edges);
  test::write_npy(folder / "features.npy", videos, columns, features);
  return folder;
}

std::vector<Json> rows_of(const Path& graph, const Path& output, int steps = 12) {
  CLI::App app;
  const auto run = relational_benchmark().configure(CommandLine(app));
  app.parse("--data " + graph.string() + " --seeds 2 --methods raw,l0_mined,infonce --hidden 8 " +
            "--outputs 4 --batch 16 --epochs --steps " + std::to_string(steps));
  Report report;
  report.set_output(output);
  run(report);
  return report.rows();
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

}  // namespace
}  // namespace cowatch::bench

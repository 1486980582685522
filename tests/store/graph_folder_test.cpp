#include "store/graph_folder.h"

#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace cowatch {
namespace {

TEST(ReadEdge, TakesAWeightOrNone) {
  StoredEdge edge;
  EXPECT_EQ(read_edge("2\t1", 3, edge), "");
  EXPECT_EQ(edge.u, 1u);
  EXPECT_EQ(edge.v, 2u);
  EXPECT_EQ(edge.weight, 1);
  EXPECT_EQ(read_edge("0\t2\t3e38", 3, edge), "");
  EXPECT_EQ(edge.weight, 3e38);
}

TEST(ReadEdge, SaysWhatItExpectedInsteadOfABadOne) {
  StoredEdge edge;
  const std::string weight = "a weight that is positive and finite in float32";
  for (const char* bad : {"0", "-1", "-0", "nan", "inf", "1e400", "1e39", "1e-60", "", "3x"})
    EXPECT_EQ(read_edge("0\t1\t" + std::string(bad), 3, edge), weight) << bad;
  EXPECT_EQ(read_edge("1\t1\t2", 3, edge), "two different videos");
  for (const char* bad : {"0\t3", "-1\t2", "0\t4294967296", "0\tx"})
    EXPECT_EQ(read_edge(bad, 3, edge), "two video numbers below 3") << bad;
  EXPECT_EQ(read_edge("0", 3, edge), "two or three cells parted by tabs or single blanks");
}

TEST(ReadEdge, TakesBlanksWhereThereIsNoTab) {
  StoredEdge edge;
  EXPECT_EQ(read_edge("2 0 1.5", 3, edge), "");
  EXPECT_EQ(edge.u, 0u);
  EXPECT_EQ(edge.v, 2u);
  EXPECT_EQ(edge.weight, 1.5);
  EXPECT_NE(read_edge("0  1", 3, edge), "");
  EXPECT_NE(read_edge("0 1\t2", 3, edge), "");
}

TEST(ReadGraphFolder, CountsWhatItRefusesAndGoesOn) {
  const test::TemporaryFolder folder;
  write_atomically(folder / "ids.txt", "a\nb\nc\n");
  write_atomically(folder / "edges.tsv", "0\t1\t2\n1\t1\n0\t9\n0\t2\tnan\n\n1\t2\t0\n0\t2\t5\n");
  const GraphFolder graph = read_graph_folder(folder.path());
  EXPECT_EQ(graph.lines_read, 6u);
  ASSERT_EQ(graph.edges.size(), 2u);
  ASSERT_EQ(graph.rejects.size(), 4u);
  EXPECT_EQ(graph.rejects[0].line, 2u);
  EXPECT_EQ(graph.rejects[2].found, "0\t2\tnan");
  EXPECT_EQ(graph.rejects[3].line, 6u);
  EXPECT_EQ(graph.self_loops, 1u);
}

TEST(ReadGraphFolder, TakesThePairsFirstLineAndCountsTheOthers) {
  const test::TemporaryFolder folder;
  write_atomically(folder / "ids.txt", "a\nb\nc\n");
  write_atomically(folder / "edges.tsv", "1\t2\t3e38\n0\t1\t2\n2\t1\t3e38\n0\t1\t5\n1\t0\n");
  const GraphFolder graph = read_graph_folder(folder.path());
  EXPECT_EQ(graph.lines_read, 5u);
  EXPECT_EQ(graph.duplicates, 3u);
  ASSERT_EQ(graph.edges.size(), 2u);
  EXPECT_EQ(graph.edges[0].weight, 2);
  EXPECT_EQ(graph.edges[1].weight, 3e38);
}

}  // namespace
}  // namespace cowatch

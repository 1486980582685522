// Graph and tree as files: what was saved comes back, and a damaged or foreign file is refused by name,
// whatever is wrong.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <limits>

#include "support/graphs.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

std::string bytes_of(const Path& path) {
  return read_text(path);
}

void put(const Path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

void expect_refused(const std::function<void()>& load, const std::string& what) {
  try {
    load();
    ADD_FAILURE() << "accepted: " << what;
  } catch (const Error& error) {
    EXPECT_FALSE(error.details().where.empty()) << what;
    EXPECT_NE(error.code(), ErrorCode::internal) << what << ": " << error.what();
  }
}

// Every length shorter by up to a whole tensor, and every bit of a byte in each of many places.
void expect_damage_noticed(const Path& path, const std::function<void()>& load) {
  const std::string whole = bytes_of(path);
  load();
  for (size_t length = 0; length < whole.size(); length += 1 + length / 97) {
    put(path, whole.substr(0, length));
    expect_refused(load, "the first " + std::to_string(length) + " bytes");
  }
  put(path, whole.substr(0, whole.size() - 1));
  expect_refused(load, "all but the last byte");
  for (size_t place = 0; place < whole.size(); place += 1 + whole.size() / 1500) {
    std::string flipped = whole;
    flipped[place] = static_cast<char>(flipped[place] ^ 1 << place % 8);
    put(path, flipped);
    // A flip in the padding of the header, or one that JSON reads alike, may leave the content whole: then it
    // must load.
    try {
      load();
      EXPECT_LT(place, whole.find("}}") + 64) << "a flip in the data at byte " << place << " went unnoticed";
    } catch (const Error& error) {
      EXPECT_NE(error.code(), ErrorCode::internal) << error.what();
    }
  }
  put(path, whole);
  load();
}

Graph some_graph() {
  return Graph::from_edges(60, test::random_edges(60, 120, 3, 1));
}

TEST(GraphFile, KeepsTheGraphAndItsOrigin) {
  const test::TemporaryFolder folder;
  const Graph graph = some_graph();
  graph.save(folder / "graph", {{"input", "abc"}});
  const Graph loaded = Graph::load(folder / "graph");
  ASSERT_EQ(loaded.nodes(), graph.nodes());
  for (uint32_t video = 0; video != graph.nodes(); ++video) {
    EXPECT_TRUE(std::ranges::equal(loaded.neighbours(video), graph.neighbours(video)));
    EXPECT_TRUE(std::ranges::equal(loaded.weights(video), graph.weights(video)));
  }
  EXPECT_EQ(TensorFile(folder / "graph", "graph", 1).get("input"), "abc");
  Graph().save(folder / "empty", {});
  EXPECT_EQ(Graph::load(folder / "empty").nodes(), 0u);
}

TEST(GraphFile, NoticesDamage) {
  const test::TemporaryFolder folder;
  const Graph graph = some_graph();
  graph.save(folder / "graph", {});
  expect_damage_noticed(folder / "graph", [&] {
    const Graph loaded = Graph::load(folder / "graph");
    EXPECT_EQ(loaded.edges(), graph.edges());
    EXPECT_TRUE(std::ranges::equal(loaded.neighbours(7), graph.neighbours(7)));
  });
}

TEST(GraphFile, RefusesGraphsThatBreakTheirPromises) {
  const test::TemporaryFolder folder;
  const Path path = folder / "graph";
  const float inf = std::numeric_limits<float>::infinity();
  const auto attempt = [&](const std::string& what, std::vector<uint64_t> offsets,
                           std::vector<uint32_t> neighbours, std::vector<float> weights) {
    TensorFileWriter writer("graph", 1);
    writer.add<uint64_t>("offsets", {offsets.size()}, offsets);
    writer.add<uint32_t>("neighbours", {neighbours.size()}, neighbours);
    writer.add<float>("weights", {weights.size()}, weights);
    writer.write(path);
    expect_refused([&] { Graph::load(path); }, what);
  };
  attempt("no offsets", {}, {}, {});
  attempt("offsets that do not begin at 0", {1, 2, 2}, {1, 0}, {1, 1});
  attempt("offsets that end early", {0, 1, 1}, {1, 0}, {1, 1});
  attempt("falling offsets", {0, 2, 1, 2}, {1, 0}, {1, 1});
  attempt("a weight too few", {0, 1, 2}, {1, 0}, {1});
  attempt("a neighbour that is not there", {0, 1, 2}, {2, 0}, {1, 1});
  attempt("a loop", {0, 1, 2}, {0, 0}, {1, 1});
  attempt("one direction only", {0, 1, 1}, {1}, {1});
  attempt("directions that differ", {0, 1, 2}, {1, 0}, {1, 2});
  attempt("an edge twice", {0, 2, 4}, {1, 1, 0, 0}, {1, 1, 1, 1});
  attempt("a row out of order", {0, 2, 3, 4}, {2, 1, 0, 0}, {1, 1, 1, 1});
  for (const float weight : {0.0F, -1.0F, inf, std::nanf("")}) {
    attempt("weight " + std::to_string(weight), {0, 1, 2}, {1, 0}, {weight, weight});
  }
}

TEST(TreeFile, KeepsTheTree) {
  const test::TemporaryFolder folder;
  const AffinityTree tree = build_tree(some_graph(), {});
  tree.save(folder / "tree", {});
  const AffinityTree loaded = AffinityTree::load(folder / "tree");
  EXPECT_EQ(test::partitions_of(loaded), test::partitions_of(tree));
  EXPECT_TRUE(std::ranges::equal(loaded.order(), tree.order()));
  build_tree(Graph::from_edges(3, {}), {}).save(folder / "flat", {});
  EXPECT_EQ(AffinityTree::load(folder / "flat").rounds(), 0u);
}

TEST(TreeFile, NoticesDamage) {
  const test::TemporaryFolder folder;
  const AffinityTree tree = build_tree(some_graph(), {});
  tree.save(folder / "tree", {});
  expect_damage_noticed(folder / "tree", [&] {
    EXPECT_EQ(test::partitions_of(AffinityTree::load(folder / "tree")), test::partitions_of(tree));
  });
}

TEST(TreeFile, RefusesTreesThatAreNone) {
  const test::TemporaryFolder folder;
  const Path path = folder / "tree";
  const auto attempt = [&](const std::string& what, const std::string& rounds, std::vector<uint32_t> order,
                           std::vector<std::vector<uint32_t>> begins) {
    TensorFileWriter writer("tree", 1);
    writer.set("rounds", rounds);
    writer.add<uint32_t>("order", {order.size()}, order);
    for (size_t r = 0; r != begins.size(); ++r) {
      writer.add<uint32_t>("begins_" + std::to_string(r + 1), {begins[r].size()}, begins[r]);
    }
    writer.write(path);
    expect_refused([&] { AffinityTree::load(path); }, what);
  };
  attempt("no number of rounds", "", {0, 1}, {{0, 2}});
  attempt("too many rounds", "99", {0, 1}, {{0, 2}});
  attempt("rounds in words", "two", {0, 1}, {{0, 2}});
  attempt("a round without its tensor", "2", {0, 1}, {{0, 2}});
  attempt("a video twice", "1", {0, 0}, {{0, 2}});
  attempt("a video that is not there", "1", {0, 2}, {{0, 2}});
  attempt("clusters that do not cover", "1", {0, 1, 2}, {{0, 2}});
  attempt("clusters from 1", "1", {0, 1, 2}, {{1, 3}});
  attempt("an empty cluster", "1", {0, 1}, {{0, 1, 1, 2}});
  attempt("no clusters", "1", {0, 1}, {{}});
  attempt("a cluster that cuts through", "2", {0, 1, 2, 3}, {{0, 2, 4}, {0, 1, 4}});
}

TEST(GraphFile, OfAnotherKindIsNamed) {
  const test::TemporaryFolder folder;
  build_tree(some_graph(), {}).save(folder / "tree", {});
  try {
    Graph::load(folder / "tree");
    ADD_FAILURE() << "took a tree for a graph";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
  }
}

}  // namespace
}  // namespace cowatch

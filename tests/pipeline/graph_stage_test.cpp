#include "pipeline/graph_stage.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/error.h"
#include "graph/graph.h"
#include "store/catalogue.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

constexpr int64_t minute = 60'000;

// alice: a b c, bob: a b d, carol: a b c (in order of time), and bob likes c and d, carol too.
void fill(const Workspace& workspace) {
  std::vector<Event> events;
  const auto add = [&](const std::string& user, const std::string& items, FeedbackKind kind) {
    int64_t time = 0;
    for (const char item : items) {
      events.push_back(
          {.user = user, .item = std::string(1, item), .kind = kind, .time_ms = time += minute, .text = ""});
    }
  };
  add("alice", "abc", FeedbackKind::watch);
  add("bob", "abd", FeedbackKind::watch);
  add("carol", "abc", FeedbackKind::watch);
  add("bob", "cd", FeedbackKind::like);
  add("carol", "cd", FeedbackKind::like);
  Catalogue(workspace.catalogue(), Catalogue::Mode::write).add_events(events);
}

struct GraphStage : testing::Test {
  test::TemporaryFolder folder;
  Workspace workspace = Workspace::open_or_create(folder / "ws");
  Settings settings;
  void set(const char* name, const char* text) { settings.set(name, text, Settings::Source::flag, "test"); }
  uint32_t id(const char* name) const {
    return *Catalogue(workspace.catalogue(), Catalogue::Mode::read).find_item(name);
  }
};

TEST_F(GraphStage, MakesGraphAndTreeFromTheLog) {
  fill(workspace);
  set("graph.feedback", "watch");
  const GraphSummary summary = run_graph_stage(workspace, settings);
  EXPECT_EQ(summary.videos, 4u);
  EXPECT_EQ(summary.pairs.people, 3u);
  EXPECT_EQ(summary.edges, 3u);
  EXPECT_EQ(summary.tree.isolated, 1u);
  const Graph graph = Graph::load(workspace.graph());
  EXPECT_TRUE(graph.has_edge(id("a"), id("b")));
  EXPECT_TRUE(graph.has_edge(id("b"), id("c")));
  EXPECT_FALSE(graph.has_edge(id("a"), id("d")));
  const AffinityTree tree = AffinityTree::load(workspace.tree());
  EXPECT_EQ(tree.videos(), 4u);
  EXPECT_EQ(summary.rounds.size(), tree.rounds());
  EXPECT_FALSE(std::filesystem::exists(workspace.file("spill")));
}

TEST_F(GraphStage, CountsAnotherKindOfFeedback) {
  fill(workspace);
  set("graph.feedback", "like");
  EXPECT_EQ(run_graph_stage(workspace, settings).edges, 1u);
  EXPECT_TRUE(Graph::load(workspace.graph()).has_edge(id("c"), id("d")));
  set("graph.feedback", "like, watch");
  run_graph_stage(workspace, settings);
  EXPECT_EQ(Graph::load(workspace.graph()).edges(), 6u);
  run_graph_stage(workspace, Settings());  // both, when nothing is said
  EXPECT_EQ(Graph::load(workspace.graph()).edges(), 6u);
  set("graph.feedback", "likes");
  EXPECT_THROW(run_graph_stage(workspace, settings), Error);
}

TEST_F(GraphStage, AddsImportedEdges) {
  fill(workspace);
  set("graph.feedback", "watch");
  const uint32_t a = id("a"), b = id("b"), d = id("d");
  {
    Catalogue catalogue(workspace.catalogue(), Catalogue::Mode::write);
    catalogue.add_edges(
        std::vector<StoredEdge>{{std::min(a, b), std::max(a, b), 2.5}, {std::min(a, d), std::max(a, d), 1}});
  }
  const GraphSummary summary = run_graph_stage(workspace, settings);
  EXPECT_EQ(summary.imported_edges, 2u);
  EXPECT_EQ(summary.built.merged, 1u);
  EXPECT_EQ(summary.edges, 4u);
  const Graph graph = Graph::load(workspace.graph());
  const auto row = graph.neighbours(a);
  const auto place = std::find(row.begin(), row.end(), b) - row.begin();
  EXPECT_EQ(graph.weights(a)[static_cast<size_t>(place)], 5.5F);
}

TEST_F(GraphStage, IsCurrentUntilLogOrSettingsChange) {
  fill(workspace);
  EXPECT_FALSE(graph_is_current(workspace, settings));
  EXPECT_TRUE(run_graph_stage(workspace, settings).counted);
  EXPECT_TRUE(graph_is_current(workspace, settings));
  set("tree.linkage", "maximum");
  EXPECT_FALSE(graph_is_current(workspace, settings));
  EXPECT_FALSE(run_graph_stage(workspace, settings).counted) << "the pairs were still current";
  EXPECT_TRUE(graph_is_current(workspace, settings));
  set("graph.min_people", "1");
  EXPECT_TRUE(run_graph_stage(workspace, settings).counted);
  {
    const std::vector<Event> more{{.user = "dave", .item = "z", .time_ms = 5, .text = ""}};
    Catalogue(workspace.catalogue(), Catalogue::Mode::write).add_events(more);
  }
  EXPECT_FALSE(graph_is_current(workspace, settings));
}

TEST_F(GraphStage, AKillBetweenGraphAndTreeIsNoticed) {
  fill(workspace);
  run_graph_stage(workspace, settings);
  EXPECT_NO_THROW(check_graph_and_tree(workspace));
  const Path old_tree = folder / "old_tree";
  std::filesystem::copy_file(workspace.tree(), old_tree);
  set("graph.min_people", "1");
  run_graph_stage(workspace, settings);
  std::filesystem::copy_file(old_tree, workspace.tree(), std::filesystem::copy_options::overwrite_existing);
  try {
    check_graph_and_tree(workspace);
    ADD_FAILURE() << "took a tree of another graph";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict);
    EXPECT_NE(error.details().remedy.find("cowatch graph"), std::string::npos);
  }
  EXPECT_FALSE(run_graph_stage(workspace, settings).counted);
  EXPECT_NO_THROW(check_graph_and_tree(workspace));
}

TEST_F(GraphStage, NamesWhatIsMissingOrWrong) {
  { Catalogue(workspace.catalogue(), Catalogue::Mode::write); }
  try {
    run_graph_stage(workspace, settings);
    ADD_FAILURE() << "accepted an empty catalogue";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::missing_stage);
  }
  fill(workspace);
  set("tree.thresholds", "1,two");
  EXPECT_THROW(run_graph_stage(workspace, settings), Error);
  set("tree.thresholds", "3, 0.5");
  EXPECT_EQ(tree_settings(settings).thresholds, (std::vector<double>{3, 0.5}));
}

TEST_F(GraphStage, AllowsACatalogueWithoutPairs) {
  const std::vector<Event> events{{.user = "alice", .item = "a", .text = ""},
                                  {.user = "bob", .item = "b", .text = ""}};
  Catalogue(workspace.catalogue(), Catalogue::Mode::write).add_events(events);
  const GraphSummary summary = run_graph_stage(workspace, settings);
  EXPECT_EQ(summary.edges, 0u);
  EXPECT_EQ(summary.tree.isolated, 2u);
  EXPECT_EQ(AffinityTree::load(workspace.tree()).rounds(), 0u);
}

}  // namespace
}  // namespace cowatch

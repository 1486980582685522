#include "pipeline/graph_stage.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/hash.h"
#include "base/progress.h"
#include "graph/person_watches.h"
#include "graph/prune.h"
#include "graph/watchers.h"
#include "pipeline/contents.h"
#include "store/catalogue.h"

namespace cowatch {
namespace {

// What the graph alone depends on.
std::string edges_fingerprint(const Catalogue& catalogue, const Settings& settings) {
  return Fingerprint().add("graph").add(settings.section("graph")).add(catalogue.version()).digest();
}

std::string fingerprint(const Catalogue& catalogue, const Settings& settings) {
  return Fingerprint().add(edges_fingerprint(catalogue, settings)).add(settings.section("tree")).digest();
}

// A metadata value of an artifact, or "" when the file is not there or not readable: then it is made again.
std::string recorded(const Path& path, const char* kind, const std::string& key) {
  try {
    return TensorFile(path, kind, 1).get(key);
  } catch (const Error&) {
    return "";
  }
}

// Where counts spill, emptied before and after: what a killed run left is worth nothing.
class SpillFolder {
 public:
  explicit SpillFolder(Path path) : path_(std::move(path)) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~SpillFolder() {
    std::error_code ignored;  // the next run empties it
    std::filesystem::remove_all(path_, ignored);
  }
  SpillFolder(const SpillFolder&) = delete;

 private:
  Path path_;
};

int64_t newest_time(const Catalogue& catalogue, const std::vector<FeedbackKind>& kinds) {
  int64_t newest = 0;
  catalogue.for_each_watch(kinds, [&](const Watch& watch) { newest = std::max(newest, watch.time_ms); });
  return newest;
}

std::vector<Edge> count_pairs(const Catalogue& catalogue, PairSettings options, const Settings& settings,
                              WatchersBuilder& watchers, GraphSummary& summary) {
  const std::vector<FeedbackKind> kinds = watching_kinds(settings);
  if (options.weight == PairWeight::decayed) options.newest_ms = newest_time(catalogue, kinds);
  uint64_t expected = 0;
  auto counts = catalogue.event_counts();
  for (const FeedbackKind kind : kinds) expected += counts[kind];
  PairCounter counter(summary.videos, options);
  {
    Progress progress("reading the log", "events", expected);
    catalogue.for_each_watch(kinds, [&](const Watch& stored) {
      throw_if_interrupted();
      const PairWatch watch = {.user = stored.user,
                               .item = stored.item,
                               .time_ms = stored.time_ms,
                               .watched_ms = stored.watched_ms,
                               .length_ms = stored.length_ms,
                               .portion = stored.portion};
      counter.add(watch);
      if (is_long_enough(watch, options)) watchers.add(watch.user, watch.item);
      progress.add();
    });
  }
  return pair_edges(counter, options, summary.pairs);
}

Graph make_graph(const Workspace& workspace, const Catalogue& catalogue, const Settings& settings,
                 WatchersBuilder& watchers, GraphSummary& summary) {
  PairSettings options = pair_settings(settings);
  options.spill_folder = workspace.file("spill");
  const SpillFolder spill(options.spill_folder);
  std::vector<Edge> edges = count_pairs(catalogue, options, settings, watchers, summary);
  catalogue.for_each_edge([&](const StoredEdge& edge) {
    edges.push_back({edge.u, edge.v, static_cast<float>(edge.weight)});
    ++summary.imported_edges;
  });
  Graph graph = Graph::from_edges(summary.videos, std::move(edges), &summary.built);
  const size_t before = graph.edges();
  graph = prune(std::move(graph), options.top_k, options.max_degree);
  summary.pairs.pruned = before - graph.edges();
  return graph;
}

// The graph that is there, when it was made from this input and is sound.
std::optional<Graph> current_graph(const Workspace& workspace, const std::string& edges_input) {
  if (recorded(workspace.graph(), "graph", "edges_input") != edges_input ||
      recorded(watchers_file(workspace), "watchers", "edges_input") != edges_input)
    return std::nullopt;
  try {
    return Graph::load(workspace.graph());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::damaged) throw;
    return std::nullopt;
  }
}

std::vector<GraphSummary::Round> summarize_rounds(const AffinityTree& tree) {
  std::vector<GraphSummary::Round> rounds;
  for (size_t round = 1; round <= tree.rounds(); ++round) {
    std::vector<uint32_t> sizes;
    for (uint32_t c = 0; c != tree.clusters(round); ++c) sizes.push_back(tree.range(round, c).size());
    std::sort(sizes.begin(), sizes.end());
    const auto alone = std::upper_bound(sizes.begin(), sizes.end(), 1u) - sizes.begin();
    rounds.push_back({sizes.size(), static_cast<uint64_t>(alone), sizes[sizes.size() / 2], sizes.back()});
  }
  return rounds;
}

}  // namespace

PairSettings pair_settings(const Settings& settings) {
  PairSettings options;
  options.min_people = static_cast<uint32_t>(settings.get_int("graph.min_people"));
  options.window = *pair_window_named(settings.get_text("graph.window"));
  options.session_gap_ms = static_cast<int64_t>(settings.get_number("graph.session_gap_minutes") * 60000);
  options.positions = static_cast<uint32_t>(settings.get_int("graph.positions"));
  options.min_watch_ms = settings.get_int("graph.min_watch_ms");
  options.min_watch_share = settings.get_number("graph.min_watch_share");
  options.max_watches = static_cast<uint32_t>(settings.get_int("graph.max_watches"));
  options.weight = *pair_weight_named(settings.get_text("graph.weight"));
  options.half_life_days = settings.get_number("graph.half_life_days");
  options.top_k = static_cast<uint32_t>(settings.get_int("graph.top_k"));
  options.max_degree = static_cast<uint32_t>(settings.get_int("graph.max_degree"));
  options.memory_bytes = static_cast<size_t>(settings.get_int("graph.memory")) << 20;
  return options;
}

TreeSettings tree_settings(const Settings& settings) {
  TreeSettings options;
  options.linkage = *linkage_named(settings.get_text("tree.linkage"));
  options.rounds = static_cast<int>(settings.get_int("tree.rounds"));
  options.max_cluster_size = static_cast<size_t>(settings.get_int("tree.max_cluster_size"));
  for (const std::string& text : settings.get_list("tree.thresholds")) {
    double threshold = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), threshold);
    if (problem != std::errc() || end != text.data() + text.size()) {
      throw Error(ErrorCode::bad_argument, "a threshold is not a number",
                  {.where = "tree.thresholds",
                   .expected = "numbers separated by commas, such as 3,1,0.5",
                   .found = "'" + text + "'",
                   .remedy = "Correct the setting."});
    }
    options.thresholds.push_back(threshold);
  }
  return options;
}

Path watchers_file(const Workspace& workspace) {
  return workspace.file("watchers.safetensors");
}

std::string graph_fingerprint(const Workspace& workspace, const Settings& settings) {
  return fingerprint(Catalogue(workspace.catalogue(), Catalogue::Mode::read), settings);
}

bool graph_is_current(const Workspace& workspace, const Settings& settings) {
  const std::string now = graph_fingerprint(workspace, settings);
  return recorded(workspace.graph(), "graph", "input") == now &&
         recorded(workspace.tree(), "tree", "input") == now &&
         recorded(watchers_file(workspace), "watchers", "edges_input") ==
             recorded(workspace.graph(), "graph", "edges_input");
}

void check_graph_and_tree(const Workspace& workspace) {
  const std::string graph = input_of(workspace.graph()), tree = input_of(workspace.tree());
  if (graph == tree) return;
  throw Error(ErrorCode::conflict, "the tree was not made of the graph that is there",
              {.where = workspace.tree().string(),
               .expected = "made with input " + graph + ", as " + workspace.graph().filename().string(),
               .found = "input " + tree,
               .remedy = "Run `cowatch graph` (or `cowatch run`): it makes both."});
}

GraphSummary run_graph_stage(const Workspace& workspace, const Settings& settings) {
  const Catalogue catalogue(workspace.catalogue(), Catalogue::Mode::read);
  const TreeSettings tree_options = tree_settings(settings);
  GraphSummary summary;
  summary.videos = catalogue.item_count();
  if (summary.videos == 0) {
    throw Error(ErrorCode::missing_stage, "the catalogue has no videos",
                {.where = workspace.catalogue().string(),
                 .expected = "videos and what people watched",
                 .found = "nothing",
                 .remedy = "Run `cowatch import` first."});
  }
  const std::string edges_input = edges_fingerprint(catalogue, settings);
  const Metadata origin{{"input", fingerprint(catalogue, settings)},
                        {"edges_input", edges_input},
                        {"settings", settings.section("graph") + settings.section("tree")}};
  std::optional<Graph> kept = current_graph(workspace, edges_input);
  summary.counted = !kept;
  WatchersBuilder watchers(summary.videos);
  const Graph graph = kept ? std::move(*kept) : make_graph(workspace, catalogue, settings, watchers, summary);
  if (!kept) watchers.finish(graph).save(watchers_file(workspace), {{"edges_input", edges_input}});
  const AffinityTree tree = build_tree(graph, tree_options, &summary.tree);
  graph.save(workspace.graph(), origin);
  tree.save(workspace.tree(), origin);
  summary.edges = graph.edges();
  for (uint32_t video = 0; video != graph.nodes(); ++video) {
    summary.largest_degree = std::max<uint64_t>(summary.largest_degree, graph.degree(video));
  }
  summary.rounds = summarize_rounds(tree);
  return summary;
}

}  // namespace cowatch

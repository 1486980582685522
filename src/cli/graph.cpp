// `cowatch graph WS`: the co-watch graph and its affinity tree.
#include <iomanip>
#include <iostream>
#include <memory>

#include "base/json.h"
#include "cli/answers.h"
#include "cli/verbs.h"
#include "pipeline/graph_stage.h"

namespace cowatch {
namespace {

Json as_json(const GraphSummary& summary) {
  // Of a graph that was kept nothing was counted.
  const auto counted = [&](uint64_t value) { return summary.counted ? Json(value) : Json(); };
  Json rounds = Json::array();
  for (const auto& round : summary.rounds) {
    rounds.push_back({{"clusters", round.clusters},
                      {"alone", round.alone},
                      {"median", round.median},
                      {"largest", round.largest}});
  }
  return {{"videos", summary.videos},
          {"people", counted(summary.pairs.people)},
          {"watches", counted(summary.pairs.watches)},
          {"too_short", counted(summary.pairs.too_short)},
          {"beyond_limit", counted(summary.pairs.beyond_limit)},
          {"repeats", counted(summary.pairs.repeats)},
          {"pairs", counted(summary.pairs.pairs)},
          {"not_positive", counted(summary.pairs.not_positive)},
          {"imported_edges", counted(summary.imported_edges)},
          {"self_loops", counted(summary.built.self_loops)},
          {"merged_edges", counted(summary.built.merged)},
          {"pruned", counted(summary.pairs.pruned)},
          {"edges", summary.edges},
          {"isolated", summary.tree.isolated},
          {"largest_degree", summary.largest_degree},
          {"held_back", summary.tree.held_back},
          {"undone_picks", summary.tree.undone_picks},
          {"spilled_bytes", counted(summary.pairs.spilled_bytes)},
          {"counted", summary.counted},
          {"rounds", rounds}};
}

// Lines that say nothing (0 of something unusual) are left out.
void print_if_any(const std::string& name, uint64_t value, const std::string& note) {
  if (value > 0) print_count(name, value, note);
}

void print(const GraphSummary& summary) {
  print_count("videos", summary.videos);
  if (summary.counted) {
    print_count("people", summary.pairs.people, "with a watch that counts");
    print_count("watches", summary.pairs.watches);
    print_if_any("  too short", summary.pairs.too_short, "below graph.min_watch_ms or graph.min_watch_share");
    print_if_any("  beyond the limit", summary.pairs.beyond_limit,
            "older than a person's newest graph.max_watches");
    print_if_any("  repeats", summary.pairs.repeats, "of one person, video and moment: one of them counts");
    print_count("pairs", summary.pairs.pairs, "watched together by at least graph.min_people");
    print_if_any("  not above chance", summary.pairs.not_positive, "left out: pmi of 0 or less");
    print_if_any("imported edges", summary.imported_edges, "");
    print_if_any("  self-loops", summary.built.self_loops, "left out");
    print_if_any("  merged", summary.built.merged, "added to a pair counted or imported too");
    print_if_any("  pruned", summary.pairs.pruned, "by graph.top_k and graph.max_degree");
    print_if_any("spilled bytes", summary.pairs.spilled_bytes, "past graph.memory");
  } else {
    std::cout << "The graph is current; only the tree was made.\n";
  }
  print_count("edges", summary.edges);
  print_count("isolated videos", summary.tree.isolated, "without an edge; they stay alone");
  print_count("largest degree", summary.largest_degree);
  print_if_any("held back", summary.tree.held_back,
               "clusters of a round without a link as strong as tree.thresholds");
  print_if_any("undone picks", summary.tree.undone_picks, "by tree.max_cluster_size");
  if (summary.edges == 0) {
    std::cout
        << "No two videos were watched by the same people often enough: there is nothing to learn from.\n"
           "Import more watches, or lower graph.min_people.\n";
    return;
  }
  std::cout << "\nround      clusters         alone        median       largest\n";
  for (size_t r = 0; r != summary.rounds.size(); ++r) {
    const auto& round = summary.rounds[r];
    std::cout << std::setw(5) << r + 1 << std::setw(14) << round.clusters << std::setw(14) << round.alone
              << std::setw(14) << round.median << std::setw(14) << round.largest << "\n";
  }
}

void configure_graph(CommandLine app) {
  const auto options = std::make_shared<WorkspaceOptions>();
  options->add(app, {"graph", "tree"});
  app.callback([options] {
    const Workspace workspace = Workspace::open(options->folder, Workspace::Access::write);
    const GraphSummary summary = run_graph_stage(workspace, options->settings(workspace));
    if (options->as_json) {
      std::cout << as_json(summary).dump(1) << std::endl;
    } else {
      print(summary);
    }
  });
}

}  // namespace

Verb graph_verb() {
  return {"graph", "Pipeline", "count co-watched pairs and cluster the videos",
          "  cowatch graph WS\n  cowatch graph WS --weight cosine --top-k 100\n  cowatch graph WS --feedback "
          "like "
          "--min-people 3 --linkage maximum",
          configure_graph};
}

}  // namespace cowatch

// The stage that makes the co-watch graph and its affinity tree from the catalogue.
#pragma once

#include <string>
#include <vector>

#include "base/settings.h"
#include "graph/pairs.h"
#include "graph/tree.h"
#include "store/workspace.h"

namespace cowatch {

struct GraphSummary {
  struct Round {
    uint64_t clusters = 0, alone = 0, median = 0,
             largest = 0;  // videos of the median and the largest cluster; alone: of one
  };
  PairReport pairs;
  TreeReport tree;
  Graph::BuildReport built;  // edges imported that were loops, or that went into counted pairs
  uint64_t videos = 0, imported_edges = 0, edges = 0, largest_degree = 0;
  bool counted = true;  // false: the graph was current and only the tree was made
  std::vector<Round> rounds;
};

// What graph and tree depend on: the sections [graph] and [tree] and the catalogue's version.
std::string graph_fingerprint(const Workspace& workspace, const Settings& settings);
// Whether the files are there and made from what the fingerprint says.
bool graph_is_current(const Workspace& workspace, const Settings& settings);

// Throws conflict when graph and tree were not made together: a kill between the two files leaves a new graph
// beside an old tree.
void check_graph_and_tree(const Workspace& workspace);

// Who watched what, as the graph saw it (graph/watchers.h).
Path watchers_file(const Workspace& workspace);

// Writes graph.safetensors, tree.safetensors and watchers.safetensors. Pairs of watches and imported edges
// add up. A graph that is still current is kept and only the tree is made. A catalogue without pairs gives a
// graph without edges, which is allowed here. Throws bad_argument for settings out of range, missing_stage
// for an empty catalogue.
GraphSummary run_graph_stage(const Workspace& workspace, const Settings& settings);

// Settings of the sections, read and checked.
PairSettings pair_settings(const Settings& settings);
TreeSettings tree_settings(const Settings& settings);

}  // namespace cowatch

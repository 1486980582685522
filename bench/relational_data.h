// What `cowatch bench relational` measures on: a folder in the graph shape, or a world that it makes.
#pragma once

#include "base/file.h"
#include "graph/graph.h"
#include "learn/features.h"

namespace cowatch::bench {

struct RelationalData {
  FeatureTable features;
  Graph graph;
  size_t rejected = 0;    // lines of the edge file that are no edge,
  size_t self_loops = 0;  // among them those that lead back to their video
  size_t duplicates = 0;  // lines that repeat a pair
  size_t left_out = 0;    // edges inside a group, or with an end in none
};

// `groups` may be empty; else a file with a line a video that names its group (its artist). Then only edges
// between videos of different groups are kept: neighbours that no shared name gives away. An empty line or -1
// is no group. Throws not_found and bad_input as read_graph_folder() does, for groups that are not one a
// video, and where no line of the edge file is an edge.
RelationalData load_folder(const Path& folder, const Path& groups);

// A rendered platform of so many videos without its clips (media/world.h): features as an extractor would see
// them, and pairs that at least two of its people watched. Clusters are graded: series inside subjects with
// the same motion or sound inside families.
RelationalData make_world_data(size_t videos, uint64_t seed);

}  // namespace cowatch::bench

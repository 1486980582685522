// The stage that puts embeddings into use: checks that answers will be right, says what memory they take, indexes
// them beside the version in use and switches to them at once (search_release.h). Up to index.graph_from videos the
// table is searched exactly and nothing more is needed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/settings.h"
#include "search/compute/vector_index.h"
#include "store/workspace.h"

namespace cowatch {

struct IndexSummary {
  uint64_t videos = 0, embedded = 0, width = 0;
  uint64_t new_videos = 0;  // in the catalogue, not among the embeddings yet
  IndexKind kind = IndexKind::exact;
  uint64_t mapped_bytes = 0;    // what the server maps, and the kernel keeps in memory while it is searched
  uint64_t building_bytes = 0;  // the most that is held while the index is made, mapped files among it
  bool predicted = false;       // by a dry run: nothing was checked or made
  bool switched = false;        // to a new version; otherwise it was in use already
};

std::string way_of_search(IndexKind kind);  // "exactly", "by a graph", "by inverted lists"

// Changes with the embeddings and the settings of the section `index`. Throws missing_stage when there are none.
std::string index_fingerprint(const Workspace& workspace, const Settings& settings);
// Whether the embeddings as they are now are in use, undamaged.
bool index_is_current(const Workspace& workspace, const Settings& settings);
// The artifacts of the version in use.
std::vector<Path> index_artifacts(const Workspace& workspace);

// Checks that every row is finite and of length 1 (or all zeros: a video without features), and that the
// catalogue has a video for each, then puts the embeddings into use. Throws missing_stage, damaged naming the first
// bad row (the remedy is to embed again), no_space before anything is made when more than index.memory is needed.
IndexSummary run_index_stage(const Workspace& workspace, const Settings& settings);

// What the stage would find and make, from the header of the embeddings; before there are any, from the
// number of videos and the setting train.outputs. Within 10 %. Throws as the stage would, but looks at no
// row.
IndexSummary predict_index(const Workspace& workspace, const Settings& settings);

}  // namespace cowatch

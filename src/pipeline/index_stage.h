// The stage that makes embeddings ready to be searched. Exact search reads embeddings.safetensors itself
// through a memory map and needs no further file: what this stage does is to check that the answers will be
// right, and to say what memory they take.
#pragma once

#include <cstdint>
#include <string>

#include "base/settings.h"
#include "store/workspace.h"

namespace cowatch {

struct IndexSummary {
  uint64_t videos = 0, embedded = 0, width = 0;
  uint64_t new_videos = 0;    // in the catalogue, not among the embeddings yet
  uint64_t mapped_bytes = 0;  // what the server maps, and the kernel keeps in memory while it is searched
  bool predicted = false;     // by a dry run: nothing was checked
};

// Changes with the embeddings. Throws missing_stage when there are none.
std::string index_fingerprint(const Workspace& workspace, const Settings& settings);

// Checks that every row is finite and of length 1 (or all zeros: a video without features), and that the
// catalogue has a video for each. Throws missing_stage, or damaged naming the first bad row; the remedy is to
// embed again.
IndexSummary run_index_stage(const Workspace& workspace, const Settings& settings);

// What the stage would find, from the header of the embeddings; before there are any, from the number of
// videos and the setting train.outputs.
IndexSummary predict_index(const Workspace& workspace, const Settings& settings);

}  // namespace cowatch

// `cowatch import`: files into a workspace's catalogue.
#pragma once

#include <vector>

#include "store/health.h"
#include "store/import/importer.h"
#include "store/workspace.h"

namespace cowatch {

struct ImportRequest {
  std::vector<Path> events, videos;  // tables; `videos` also folders of media files
  Path features;                     // .npy; empty: none
  Path feature_ids;    // ids of its rows, one a line; empty: a row an item in the catalogue's order
  std::string format;  // a ready-made data set in `data`; empty: none
  Path data;
  ImportOptions options;
};

struct ImportOutcome {
  ImportCounts counts;
  std::vector<std::string> reject_samples;
  std::map<std::string, uint64_t> problems;  // why rows were rejected or files missing: how many
  bool nothing_used = false;                 // rows were read, and every one rejected
  bool rejects_cut = false;  // some file had more than are kept
  Health health;
};

// Imports everything named, in the order videos, data set, events, features. Every file is opened and
// understood before the first row is written, so that one that cannot be used as a whole stops all of it.
ImportOutcome run_import(const Workspace& workspace, const ImportRequest& request);
// The same into a copy of the workspace in `folder` (which may not exist yet) that is measured and removed:
// nothing else is written.
ImportOutcome check_import(const Path& folder, const ImportRequest& request);

}  // namespace cowatch

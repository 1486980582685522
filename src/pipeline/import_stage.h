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
  std::string format;                // a ready-made data set in `data`; empty: none
  Path data;
  ImportOptions options;
};

struct ImportOutcome {
  ImportCounts counts;
  std::vector<std::string> reject_samples;
  Health health;
};

// Imports everything named, in the order videos, data set, events, features. check_import() writes nothing
// but a store in a temporary folder, which is measured and removed.
ImportOutcome run_import(const Workspace& workspace, const ImportRequest& request);
ImportOutcome check_import(const ImportRequest& request);

}  // namespace cowatch

// The stage that decodes every item's file: features.safetensors, posters and previews, and for each file
// that could not be used the reason.
#pragma once

#include <string>
#include <vector>

#include "base/settings.h"
#include "media/limits.h"
#include "store/workspace.h"

namespace cowatch {

struct ExtractSummary {
  struct Refused {
    std::string id, path, reason;
  };
  uint64_t items = 0, with_media = 0;
  uint64_t decoded = 0;    // files opened by this run, refused ones among them
  uint64_t extracted = 0;  // items with features of their file, of this run or earlier
  uint64_t posters = 0, previews = 0;
  uint64_t imported = 0;         // items with imported features
  uint64_t columns = 0;          // of the table
  std::vector<Refused> refused;  // every refused file, of this run or earlier, by item index
  double seconds = 0;
  bool namespaces = true;  // false: workers run without namespaces of their own (with all other limits)
};

// What features.safetensors depends on: section [extract], the layout of features, every item's file (path,
// size, modification time) and the imported features.
std::string extract_fingerprint(const Workspace& workspace, const Settings& settings);
bool features_are_current(const Workspace& workspace, const Settings& settings);

// Extracts what is not extracted yet, as many files at a time as there are threads, and writes
// features.safetensors. A file is decoded again when its path, size, modification time or a setting that
// shows in the result changed. A killed run goes on where it was and ends in the same bytes. A file that
// cannot be used costs that file only. Throws missing_stage when there is neither a file nor imported
// features.
ExtractSummary run_extract_stage(const Workspace& workspace, const Settings& settings);

// Limits of one file from section [extract].
MediaLimits media_limits(const Settings& settings);

}  // namespace cowatch

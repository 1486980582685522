// Cold-start evaluation of a workspace (methods §1.8): trains anew on a part of the videos and asks the rest.
#pragma once

#include <string>
#include <vector>

#include "base/settings.h"
#include "learn/relational/comparison.h"
#include "store/workspace.h"

namespace cowatch {

struct EvaluateSummary {
  uint64_t videos = 0, train_videos = 0, test_videos = 0, train_edges = 0, queries = 0;
  std::vector<MethodResult> methods;
};

// Writes nothing. Reads features and graph; the graph is cut before anything learns from it, so no stage sees
// a test video.
EvaluateSummary run_evaluate_stage(const Workspace& workspace, const Settings& settings);

}  // namespace cowatch

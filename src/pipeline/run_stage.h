// The whole way from an imported catalogue to what the server answers from: each stage that is not current runs, in order.
// Killed at any point, the same call goes on: stages write atomically, and training resumes from its checkpoint. An artifact
// that fails its checksums is made again. Without features the graph alone is made.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/settings.h"
#include "store/workspace.h"

namespace cowatch {

struct StageReport {
  std::string name;
  bool ran = false;     // false: it was current, or there was nothing to do it with
  double seconds = 0;
  std::string summary;  // one line: what was made, "unchanged", or "skipped: " and why
};

// `report` is told of each stage as it ends.
std::vector<StageReport> run_stages(const Workspace& workspace, const Settings& settings,
                                    const std::function<void(const StageReport&)>& report);

}  // namespace cowatch

// The whole way from an imported catalogue to what the server answers from: each stage that is not current runs, in order.
// Killed at any point, the same call goes on: stages write atomically, and training resumes from its checkpoint.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/settings.h"
#include "store/workspace.h"

namespace cowatch {

struct StageReport {
  std::string name;
  bool ran = false;     // false: it was current
  double seconds = 0;
  std::string summary;  // one line
};

// `report` is told of each stage as it ends.
std::vector<StageReport> run_stages(const Workspace& workspace, const Settings& settings,
                                    const std::function<void(const StageReport&)>& report);

}  // namespace cowatch

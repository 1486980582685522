// What `cowatch doctor` looks at: the program, the machine, what is installed beside it, and a workspace.
// Each finding says what was found and, when something is wrong, the command that mends it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/file.h"

namespace cowatch {

enum class FindingState { ok, warning, missing };
std::string_view state_name(FindingState state);  // "ok", "warning", "missing"

struct Finding {
  std::string name;  // "matrix products"
  FindingState state = FindingState::ok;
  std::string found;
  std::string remedy;  // empty when the state is ok
};

// Takes about a second: matrix products and memory are timed here and now.
std::vector<Finding> examine_machine(const Path& disk);  // `disk`: free space is told of where this lies
// Marker, catalogue and every artifact, each verified by its checksums; artifacts of stages that were not run
// are missing, with the verb that makes them.
std::vector<Finding> examine_workspace(const Path& folder);

}  // namespace cowatch

// Every setting of the program. Sorted by name within a section; `cowatch config` prints this list.

#include "base/settings.h"

namespace cowatch {
namespace {

const std::vector<Setting>& declarations() {
  static const std::vector<Setting> all = {
      // How the co-watch graph is made (graph/pairs.h).
      {"graph.min_people", int64_t{2}, "people who must have watched both videos of a pair", 1, 1e6},
  };
  return all;
}

}  // namespace

std::span<const Setting> setting_declarations() {
  return declarations();
}

}  // namespace cowatch

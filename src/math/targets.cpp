#include "math/targets.h"

#include <hwy/highway.h>

namespace cowatch {

std::vector<Target> supported_targets() {
  std::vector<Target> targets;
  for (int64_t rest = hwy::SupportedTargets() & HWY_TARGETS; rest != 0; rest &= rest - 1) {
    const int64_t lowest = rest & -rest;  // the lower the bit, the wider the set
    targets.push_back({lowest, hwy::TargetName(lowest)});
  }
  return targets;
}

void use_only(const Target& target) {
  hwy::SetSupportedTargetsForTest(target.bits);
}
void use_all_targets() {
  hwy::SetSupportedTargetsForTest(0);
}

}  // namespace cowatch

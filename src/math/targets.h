// The instruction sets that the SIMD kernels were compiled for and this processor has. Kernels take the
// widest by themselves; tests and `cowatch doctor` look at the others.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace cowatch {

struct Target {
  int64_t bits;
  std::string_view name;  // "AVX3"
};

std::vector<Target> supported_targets();  // the widest first
void use_only(const Target& target);      // for tests: every kernel of the process from now on
void use_all_targets();

}  // namespace cowatch

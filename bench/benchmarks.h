// One function for each benchmark; benchmarks.cpp lists them.
#pragma once

#include "bench/benchmark.h"

namespace cowatch::bench {}  // namespace cowatch::bench

// Parallel loops over oneTBB. The number of threads is a process-wide limit (`--threads`, default: all
// cores). Results must not depend on it: split work by a fixed grain, reduce in index order.
#pragma once

#include <cstddef>
#include <functional>

namespace cowatch {

void set_threads(size_t count);  // 0: all cores
size_t threads();

// Calls body(begin, end) for consecutive ranges of at most `grain` covering [0, count), in any order, in
// parallel.
void parallel_for(size_t count, size_t grain, const std::function<void(size_t, size_t)>& body);

}  // namespace cowatch

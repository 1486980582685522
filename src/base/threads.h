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

// A loop over pieces of work: calls body(i) once for each i in [0, count), in any order and by any threads.
// Returns when all are done; rethrows what one of them threw. Empty: the calling thread does them in order.
using PieceLoop = std::function<void(size_t count, const std::function<void(size_t)>& body)>;
void run_pieces(const PieceLoop& loop, size_t count, const std::function<void(size_t)>& body);

}  // namespace cowatch

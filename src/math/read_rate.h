// How fast memory is read here: the limit of everything that passes once over more data than the caches hold.
//
// No single loop is the fastest on every processor, so several plain ones are timed and the best counts: the
// widest vectors of the processor in one stream, the same with hints ahead, two and four streams at once.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace cowatch {

// Names of the loops, in the order that read_rate() numbers them.
const std::vector<std::string_view>& read_loops();

// GB/s (10⁹ bytes a second) of one pass of loop number `loop` over `values`, cut into equal parts for
// `threads` threads; fewer when the process is limited to fewer (base/threads.h).
double read_rate(std::span<const float> values, size_t loop, size_t threads);

// The best of `rounds` passes of every loop with one thread and with all: for a look at a machine.
struct ReadRates {
  double gbps_1 = 0, gbps_all = 0;
};
ReadRates measure_read_rates(std::span<const float> values, int rounds);

}  // namespace cowatch

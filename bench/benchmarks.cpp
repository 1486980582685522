// The list of benchmarks.
#include "bench/benchmarks.h"

namespace cowatch::bench {

const std::vector<Benchmark>& benchmarks() {
  static const std::vector<Benchmark> all = {};
  return all;
}

}  // namespace cowatch::bench

// The list of benchmarks.
#include "bench/benchmarks.h"

namespace cowatch::bench {

const std::vector<Benchmark>& benchmarks() {
  static const std::vector<Benchmark> all = {
      import_benchmark(),
      pairs_benchmark(),
      tree_benchmark(),
      relational_benchmark(),
      step_benchmark(),
      embed_benchmark(),
      blas_benchmark(),
      exact_benchmark(),
      serve_benchmark(),
      ann_benchmark(),
      codes_benchmark(),
      vectors_benchmark(),
  };
  return all;
}

}  // namespace cowatch::bench

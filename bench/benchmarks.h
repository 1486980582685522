// One function for each benchmark; benchmarks.cpp lists them.
#pragma once

#include "bench/benchmark.h"

namespace cowatch::bench {

Benchmark import_benchmark();
Benchmark pairs_benchmark();
Benchmark tree_benchmark();
Benchmark relational_benchmark();
Benchmark step_benchmark();
Benchmark embed_benchmark();
Benchmark blas_benchmark();
Benchmark exact_benchmark();
Benchmark serve_benchmark();
Benchmark ann_benchmark();
Benchmark codes_benchmark();
Benchmark vectors_benchmark();

}  // namespace cowatch::bench

// `cowatch bench blas`: every packaged matrix library, OpenBLAS also with kernels of other processors forced,
// and the program's own tiled multiply() over the chosen one. OpenBLAS reads its kernel from the environment
// when it is loaded, so each is measured in a process of its own, in turns.
#include <stdlib.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>

#include "base/threads.h"
#include "bench/benchmarks.h"
#include "math/matrix.h"
#include "math/matrix_kernel.h"
#include "math/matrix_library.h"

namespace cowatch::bench {
namespace {

struct BlasArguments {
  size_t size = 1536;
  int rounds = 3, turns = 3;
  bool measure = false;  // set in the processes that measure
};

constexpr const char* variable = "OPENBLAS_CORETYPE";

// Kernels to force, as far as this processor can run them: another one would end the process. "": its own
// choice, or ours.
std::vector<std::string> core_types() {
  std::vector<std::string> names{""};
  const std::string_view widest = openblas_kernel_to_force("");
  if (widest == "SkylakeX") names.emplace_back(widest);
  if (!widest.empty()) names.insert(names.end(), {"Haswell", "Zen"});
  return names;
}

// The variable as it was given comes back at the end.
class CoreType {
 public:
  explicit CoreType(const std::string& name) {
    if (const char* value = getenv(variable)) before_ = value;
    if (!name.empty()) setenv(variable, name.c_str(), 1);
  }
  CoreType(const CoreType&) = delete;
  ~CoreType() { before_.empty() ? unsetenv(variable) : setenv(variable, before_.c_str(), 1); }

 private:
  std::string before_;
};

// multiply(): cut into tiles, each by one thread of the chosen kernel.
double tiled_rate(size_t size, size_t thread_count, std::vector<float>& a, std::vector<float>& c) {
  set_threads(thread_count);
  const ConstMatrix left(a.data(), size, size);
  const double start = seconds_now();
  multiply(Transpose::no, Transpose::yes, 1, left, left, 0, Matrix(c.data(), size, size));
  const double took = seconds_now() - start;
  set_threads(0);
  return 2e-9 * static_cast<double>(size * size * size) / took;
}

Json row_of(const MatrixKernel& kernel) {
  return {{"library", kernel.library + (kernel.version.empty() ? "" : " " + kernel.version)},
          {"kernel", kernel.kernel},
          {"precision", precision_name(kernel.precision)},
          {"gflops_1", kernel.gflops_1},
          {"gflops_2", kernel.gflops_2},
          {"chosen", kernel.chosen},
          {"note", kernel.note}};
}

void measure(const BlasArguments& options) {
  Json rows = Json::array();
  for (const MatrixKernel& kernel : measure_matrix_kernels(options.size, options.rounds, 2)) {
    if (kernel.usable || !kernel.note.empty()) rows.push_back(row_of(kernel));
  }
  std::vector<float> a(options.size * options.size, 0.5f), c(a.size());
  double one = 0, two = 0;
  for (int round = 0; round <= options.rounds; ++round) {  // one more: the first chooses the kernel
    one = std::max(one, tiled_rate(options.size, 1, a, c));
    two = std::max(two, tiled_rate(options.size, 2, a, c));
  }
  const MatrixKernel kernel = matrix_kernel();
  rows.push_back({{"library", "cowatch multiply()"},
                  {"kernel", kernel.library + " " + kernel.kernel},
                  {"precision", "float32"},
                  {"gflops_1", one},
                  {"gflops_2", two},
                  {"chosen", false},
                  {"note", "tiles, a thread each"}});
  print_measurement({{"rows", rows}});
}

struct Samples {
  Json row;
  std::vector<double> one, two;
};

std::string key_of(const std::string& core_type, const Json& row) {
  return core_type + "|" + row["library"].get<std::string>() + "|" + row["precision"].get<std::string>();
}

// Of a forced kernel only OpenBLAS's own rows speak; the others are as they were.
bool belongs(const std::string& core_type, const Json& row) {
  return core_type.empty() ||
         (row["library"].get<std::string>().starts_with("OpenBLAS") && row["precision"] == "float32");
}

void collect(const BlasArguments& options, const std::string& core_type, std::vector<std::string>& order,
             std::map<std::string, Samples>& all) {
  const CoreType forced(core_type);
  const Json result = run_self({"bench", "blas", "--measure", "--size", std::to_string(options.size),
                                "--rounds", std::to_string(options.rounds)});
  for (Json row : result["rows"]) {
    if (!belongs(core_type, row)) continue;
    if (!core_type.empty()) {
      row["note"] = std::string(variable) + "=" + core_type;
      row["chosen"] = false;  // what would be chosen if no other kernel could be had
    }
    const std::string key = key_of(core_type, row);
    if (!all.contains(key)) order.push_back(key);
    Samples& samples = all[key];
    samples.one.push_back(row["gflops_1"]);
    samples.two.push_back(row["gflops_2"]);
    samples.row = std::move(row);
  }
}

void run_blas(const BlasArguments& options, Report& report) {
  if (options.measure) return measure(options);
  report.settings = {{"size", options.size}, {"rounds", options.rounds}, {"turns", options.turns}};
  std::vector<std::string> order;
  std::map<std::string, Samples> all;
  for (int turn = 0; turn < options.turns; ++turn) {
    for (const std::string& core_type : core_types()) collect(options, core_type, order, all);
  }
  double best = 0, chosen = 0;
  for (const std::string& key : order) {
    Samples& samples = all[key];
    const Spread one = spread(samples.one, false), two = spread(samples.two, false);
    samples.row["gflops_1"] = one.best;
    samples.row["gflops_2"] = two.best;
    samples.row["gflops_1_median"] = one.median;
    samples.row["gflops_2_median"] = two.median;
    if (samples.row["precision"] == "float32") {
      best = std::max(best, one.best);
      if (samples.row["chosen"].get<bool>()) chosen = one.best;
    }
    report.add_row(samples.row);
  }
  if (best > 0)
    std::printf("float32, one thread: the chosen kernel reaches %.0f %% of the best\n", 100 * chosen / best);
}

std::function<void(Report&)> configure_blas(CommandLine app) {
  auto options = std::make_shared<BlasArguments>();
  const Flags add(app);
  add.positive("--size", options->size, "rows and columns of the matrices");
  add.positive("--rounds", options->rounds, "products of each kernel in a process");
  add.positive("--turns", options->turns, "processes of each OpenBLAS kernel");
  app.add_flag("--measure", options->measure, "measure in this process, once").hidden();
  return [options](Report& report) { run_blas(*options, report); };
}

}  // namespace

Benchmark blas_benchmark() {
  return {"blas", "matrix products of every packaged library and kernel", "", configure_blas};
}

}  // namespace cowatch::bench

// `cowatch bench exact`: exact search of single queries against the rate at which memory is read, and of a
// batch of queries against the matrix products alone. Vectors lie in a mapped file, as they do for the
// server; the limits are measured over the same map, in turns with the searches.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include "base/error.h"
#include "base/random.h"
#include "base/temporary_folder.h"
#include "base/tensor_file.h"
#include "base/threads.h"
#include "bench/benchmarks.h"
#include "math/read_rate.h"
#include "math/vectors.h"
#include "search/compute/vector_index.h"

namespace cowatch::bench {
namespace {

struct ExactArguments {
  size_t vectors = 200'000, dim = 128, queries = 1000, k = 20;
  int rounds = 7, singles = 20;
};

// Blocks of rows that the products alone are tried with; the fastest is the limit.
constexpr size_t product_blocks[] = {512, 1024, 2048, 4096, 8192};

std::vector<float> unit_rows(size_t rows, size_t width, uint32_t stream) {
  const Random random(1, stream);
  std::vector<float> values(rows * width);
  parallel_for(rows, 256, [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) {
      const std::span<float> row(values.data() + r * width, width);
      for (size_t i = 0; i < width; ++i)
        row[i] = static_cast<float>(random.normal(r, static_cast<uint32_t>(i)));
      normalise(row);
    }
  });
  return values;
}

Path write_embeddings(const Path& folder, const ExactArguments& options) {
  const auto values = unit_rows(options.vectors, options.dim, 0x65786163);
  TensorFileWriter writer("embeddings", 1);
  writer.add<float>("embeddings", {options.vectors, options.dim}, values);
  const Path path = folder / "embeddings.safetensors";
  writer.write(path);
  return path;
}

template <typename Work>
double seconds_of(const Work& work) {
  const double start = seconds_now();
  work();
  return seconds_now() - start;
}

class Measurement {
 public:
  Measurement(const ExactArguments& options, const Path& path)
      : options_(options),
        file_(path, "embeddings", 1),
        rows_(file_.tensor<float>("embeddings").data(), options.vectors, options.dim),
        source_(rows_),
        index_(build_index({.kind = IndexKind::exact, .metric = Metric::inner_product}, source_)),
        values_(unit_rows(options.queries, options.dim, 0x71756572)),
        queries_(values_.data(), options.queries, options.dim) {}

  void round() {
    const std::span<const float> all(rows_.data, rows_.rows * rows_.columns);
    for (size_t loop = 0; loop < read_loops().size(); ++loop) {
      for (const size_t count : {size_t{1}, threads()}) limit_.push_back(read_rate(all, loop, count));
      single();
    }
    for (const size_t block : product_blocks) product_.push_back(seconds_of([&] { products(block); }));
    batch_.push_back(seconds_of([&] { found_ = index_->search_batch(queries_, options_.k); }));
  }

  // A batch must answer what single queries answer; scores may differ by rounding.
  void check() const {
    for (size_t q = 0; q < std::min<size_t>(queries_.rows, 20); ++q) {
      const auto alone = index_->search(queries_.row(q), options_.k);
      for (size_t i = 0; i < alone.size(); ++i) {
        if (std::abs(alone[i].score - found_[q][i].score) > 1e-5)
          throw Error(ErrorCode::internal, "a batch and a single query answer differently");
      }
    }
  }

  void report(Report& report) const {
    const double bytes = static_cast<double>(rows_.rows * rows_.columns * sizeof(float));
    const auto limit = spread(limit_, false), single = spread(single_, true), batch = spread(batch_, true),
               product = spread(product_, true);
    const double queries = static_cast<double>(options_.queries);
    const double sgemm_qps = queries / product.best;
    add(report, "single", 1 / single.best, 1 / single.median, bytes * 1e-9 / single.best, limit.best,
        sgemm_qps);
    add(report, "batch", queries / batch.best, queries / batch.median, bytes * 1e-9 / batch.best, limit.best,
        sgemm_qps);
    std::printf("single: %.0f %% of the rate of reading; batch: %.0f %% of its matrix products\n",
                100 * bytes * 1e-9 / single.best / limit.best, 100 * product.best / batch.best);
  }

 private:
  void single() {
    for (int i = 0; i < options_.singles; ++i) {
      const auto query = queries_.row(next_++ % queries_.rows);
      single_.push_back(seconds_of([&] { index_->search(query, options_.k); }));
    }
  }
  // The products of a batch and nothing else, the scores of a block written over those of the one before.
  void products(size_t block) {
    scores_.resize(options_.queries * block);
    for (size_t begin = 0; begin < rows_.rows; begin += block) {
      const size_t count = std::min(block, rows_.rows - begin);
      multiply(Transpose::no, Transpose::yes, 1, queries_, rows_.rows_from(begin, count), 0,
               Matrix(scores_.data(), options_.queries, count));
    }
  }
  void add(Report& report, const char* mode, double qps, double median, double gbps, double limit,
           double sgemm_qps) const {
    report.add_row({{"mode", mode},
                    {"vectors", options_.vectors},
                    {"dim", options_.dim},
                    {"qps", qps},
                    {"qps_median", median},
                    {"gbps", gbps},
                    {"limit_gbps", limit},
                    {"sgemm_qps", sgemm_qps}});
  }

  ExactArguments options_;
  TensorFile file_;
  ConstMatrix rows_;
  VectorRows source_;
  std::unique_ptr<const VectorIndex> index_;
  std::vector<float> values_;
  ConstMatrix queries_;
  size_t next_ = 0;
  std::vector<float> scores_;
  std::vector<double> limit_, single_, product_, batch_;
  std::vector<std::vector<Scored>> found_;
};

void run_exact(const ExactArguments& options, Report& report) {
  report.settings = {{"vectors", options.vectors}, {"dim", options.dim},
                     {"queries", options.queries}, {"k", options.k},
                     {"rounds", options.rounds},   {"threads", threads()}};
  const TemporaryFolder folder;
  Measurement measurement(options, write_embeddings(folder.path(), options));
  for (int round = 0; round < options.rounds; ++round) measurement.round();
  measurement.check();
  measurement.report(report);
}

std::function<void(Report&)> configure_exact(CommandLine app) {
  auto options = std::make_shared<ExactArguments>();
  const Flags add(app);
  add.positive("--vectors", options->vectors, "embeddings to search");
  add.positive("--dim", options->dim, "width of an embedding");
  add.positive("--queries", options->queries, "queries of the batch");
  add.positive("--k", options->k, "answers of a query");
  add.positive("--rounds", options->rounds, "turns of each measurement");
  return [options](Report& report) { run_exact(*options, report); };
}

}  // namespace

Benchmark exact_benchmark() {
  return {"exact", "exact search against memory bandwidth and matrix products", "", configure_exact};
}

}  // namespace cowatch::bench

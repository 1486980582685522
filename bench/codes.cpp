// `cowatch bench codes`: codes of vectors at equal bytes. Each arm scans all vectors (or, with --lists, the
// probed lists) by its codes: recall@10 by the codes alone and with the best candidates scored again by full
// vectors, queries a second of one thread, bytes. The 4-bit scalar code stands at every size; faiss's codes
// beside ours.
#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "base/threads.h"
#include "bench/ann_engines.h"
#include "bench/benchmarks.h"
#include "search/compute/codes/code_choice.h"

namespace cowatch::bench {
namespace {

struct CodesArguments : AnnOptions {
  CodesArguments() { passes = 3; }
  size_t candidates = 100, lists = 1, probes = 1;
  std::string engines = "cowatch,faiss";
  std::vector<std::string> codes = {"scalar4",    "scalar8", "product4", "product8", "optimised4",
                                    "optimised8", "rabitq1", "rabitq2",  "rabitq4"};
  std::vector<size_t> bytes = {8, 16, 32, 64};
  float anisotropic = 0;
};

// One engine over one code of one size. pass() takes the number of candidates as effort; k: no scoring again.
struct Arm {
  std::string engine, code, note;
  size_t bytes;
  std::function<double(size_t)> pass;
  std::function<std::vector<std::vector<uint32_t>>()> answers;
  double build_s = 0, bytes_per_vector = 0;
  double alone = 0, rescored = 0;  // recall
  std::vector<double> alone_s = {}, rescored_s = {};
};

// Of codes whose size follows the dimension, the most principal directions that fit; false when none does.
bool fit(IndexOptions& options, size_t dimension, size_t bytes) {
  for (size_t kept = dimension; kept > 0; --kept) {
    options.kept_dimensions = kept == dimension ? 0 : kept;
    if (code_size(options, dimension).block_bytes <= bytes * block_codes) return true;
  }
  return false;
}

class Ours {
 public:
  Ours(const CodesArguments& options, const AnnData& data, const IndexOptions& index)
      : options_(options), data_(data), source_(data.rows()), found_(data.asked()) {
    const double start = seconds_now();
    index_ = build_index(index, source_);
    build_s = seconds_now() - start;
  }
  double pass(size_t effort) {
    const SearchOptions search = {
        .effort = effort, .probes = options_.probes, .rerank = effort > options_.k ? SIZE_MAX : 0};
    const double start = seconds_now();
    for (size_t q = 0; q < data_.asked(); ++q)
      found_[q] = index_->search(data_.questions().row(q), options_.k, search);
    return seconds_now() - start;
  }
  std::vector<std::vector<uint32_t>> answers() const {
    std::vector<std::vector<uint32_t>> slots(found_.size());
    for (size_t q = 0; q < found_.size(); ++q) {
      for (const Scored& scored : found_[q]) slots[q].push_back(scored.index);
    }
    return slots;
  }
  double held() const { return static_cast<double>(index_->bytes()) / static_cast<double>(data_.count()); }
  double build_s = 0;

 private:
  const CodesArguments& options_;
  const AnnData& data_;
  VectorRows source_;
  std::unique_ptr<VectorIndex> index_;
  std::vector<std::vector<Scored>> found_;
};

void add_ours(const CodesArguments& options, const AnnData& data, Metric metric, const std::string& name,
              size_t bytes, std::vector<Arm>& arms) {
  IndexOptions index = {.kind = IndexKind::ivf, .metric = metric, .codes = code_kind_of(name)};
  index.lists = options.lists;
  std::string note;
  if (name.starts_with("product") || name.starts_with("optimised")) {
    const size_t most = data.dimension * (name.ends_with("8") ? 8 : 4) / 8;
    if (bytes > most) return;
    index.code_bytes = bytes;
    index.anisotropic = options.anisotropic;
  } else {
    if (!fit(index, data.dimension, bytes)) return;
    // A code that leaves half of its bytes unused stood in the row above already.
    if (index.kept_dimensions == 0 && code_size(index, data.dimension).block_bytes * 2 <= bytes * block_codes)
      return;
    note = std::to_string(index.kept_dimensions == 0 ? data.dimension : index.kept_dimensions) + " numbers";
  }
  const auto ours = std::make_shared<Ours>(options, data, index);
  arms.push_back({"cowatch", name, note, code_size(index, data.dimension).block_bytes / block_codes,
                  [ours](size_t effort) { return ours->pass(effort); }, [ours] { return ours->answers(); },
                  ours->build_s, ours->held()});
}

void add_faiss(const CodesArguments& options, const AnnData& data, const AnnTask& task, size_t bytes,
               std::vector<Arm>& arms) {
  const std::string lists = options.lists > 1 ? "IVF" + std::to_string(options.lists) + "," : "";
  std::vector<std::string> kinds;
  if (2 * bytes <= data.dimension) kinds.push_back("PQ" + std::to_string(2 * bytes) + "x4fs");
  if (data.dimension % bytes == 0) kinds.push_back("PQ" + std::to_string(bytes));
  if (2 * bytes == data.dimension) kinds.push_back("SQ4");
  for (const std::string& kind : kinds) {
    const std::string factory = lists + kind + ",RFlat@" + std::to_string(options.probes);
    std::shared_ptr<AnnEngine> peer = peer_engine(data, task, "faiss", factory, 0);
    if (!peer) {
      std::printf("faiss has no %s here\n", factory.c_str());
      continue;
    }
    // The refinement's own copy of the vectors is not the code's.
    arms.push_back({"faiss", kind, "generic build", bytes,
                    [peer](size_t effort) { return peer->pass(effort, 1, false); },
                    [peer] { return peer->answers(); }, peer->build_s,
                    peer->bytes_per_vector - 4.0 * static_cast<double>(data.dimension)});
  }
}

void run_codes(const CodesArguments& options, Report& report) {
  const Metric metric = metric_of(options.metric);
  AnnData data = ann_data(options, report.settings);
  set_truth(data, metric, options.k);
  for (const auto& [name, value] :
       {std::pair("lists", options.lists), {"probes", options.probes}, {"candidates", options.candidates}})
    report.settings[name] = value;
  const TemporaryFolder folder;
  // Vectors of length 1 have one order by cosine and by distance, and product codes estimate distances
  // better: the peer gets these.
  const AnnTask task = {.metric = metric == Metric::cosine ? Metric::l2 : metric,
                        .k = options.k,
                        .threads = threads(),
                        .folder = folder.path()};
  write_for_peers(data, task.folder);
  std::vector<Arm> arms;
  for (const size_t bytes : options.bytes) {
    if (options.engines.find("cowatch") != std::string::npos) {
      for (const std::string& name : options.codes) add_ours(options, data, metric, name, bytes, arms);
    }
    if (options.engines.find("faiss") != std::string::npos) add_faiss(options, data, task, bytes, arms);
  }
  for (size_t pass = 0; pass < options.passes; ++pass) {
    for (Arm& arm : arms) {
      arm.alone_s.push_back(arm.pass(options.k));
      if (pass == 0) arm.alone = recall_of(data, metric, options.k, arm.answers());
      arm.rescored_s.push_back(arm.pass(options.candidates));
      if (pass == 0) arm.rescored = recall_of(data, metric, options.k, arm.answers());
    }
  }
  const auto asked = static_cast<double>(data.asked());
  for (const Arm& arm : arms) {
    report.add_row({{"engine", arm.engine},
                    {"code", arm.code},
                    {"note", arm.note},
                    {"code_bytes", arm.bytes},
                    {"recall@10", arm.alone},
                    {"recall@10_rescored", arm.rescored},
                    {"qps_1", asked / spread(arm.alone_s, true).best},
                    {"qps_1_rescored", asked / spread(arm.rescored_s, true).best},
                    {"qps_1_rescored_median", asked / spread(arm.rescored_s, true).median},
                    {"build_s", arm.build_s},
                    {"bytes_per_vector", arm.bytes_per_vector}});
  }
}

std::function<void(Report&)> configure_codes(CommandLine app) {
  auto options = std::make_shared<CodesArguments>();
  const Flags add(app);
  add_data_options(add, *options);
  add("--engines", options->engines, "cowatch, faiss or both");
  add("--codes", options->codes, "which codes of ours").separated_by(',');
  add("--bytes", options->bytes, "bytes of a code").separated_by(',');
  add("--lists", options->lists, "inverted lists; 1: every code is scanned");
  add("--probes", options->probes, "lists that a query scans");
  add("--candidates", options->candidates, "scored again by full vectors");
  add("--anisotropic", options->anisotropic, "threshold of the anisotropic loss of product codes");
  return [options](Report& report) { run_codes(*options, report); };
}

}  // namespace

Benchmark codes_benchmark() {
  return {"codes", "codes of vectors at equal bytes, beside faiss: recall, rate, memory", "--data vectors.npy", configure_codes};
}

}  // namespace cowatch::bench

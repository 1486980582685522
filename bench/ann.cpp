// `cowatch bench ann`: approximate search beside hnswlib and faiss, in one run: recall@10 against exact
// search, queries a second one at a time and in one batch, with one and two threads, time to build, bytes a
// vector. The engines take turns in every pass; the best and the median pass of each setting count.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <limits>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "base/threads.h"
#include "bench/ann_engines.h"
#include "bench/ann_updates.h"
#include "bench/benchmarks.h"

namespace cowatch::bench {
namespace {

struct AnnArguments : AnnOptions {
  std::string engines = "cowatch,hnswlib,faiss", codes = "scalar4x8,scalar8,scalar4", index = "graph",
              ivf_codes = "scalar4,product4,rabitq1";
  size_t lists = 0;
  std::vector<size_t> efforts = {10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384};
  std::vector<size_t> probes = {1, 2, 4, 8, 16, 32, 64};
  size_t degree = 32, build_effort = 128, hnsw_m = 16, hnsw_build = 200;
  float alpha = 1.2f;
  bool filters = false, churn = false, wait = false;
  size_t effort = 64, writes = 5000;
};

IndexOptions index_options(const AnnArguments& options, std::string_view codes) {
  return {.metric = metric_of(options.metric),
          .codes = code_kind_of(codes),
          .degree = options.degree,
          .build_effort = options.build_effort,
          .alpha = options.alpha};
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at <= text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    if (comma > at) parts.push_back(text.substr(at, comma - at));
    at = comma + 1;
  }
  return parts;
}

void add_cowatch(const AnnArguments& options, const AnnData& data, const AnnTask& task,
                 std::vector<std::unique_ptr<AnnEngine>>& engines) {
  for (const auto& codes : split(options.codes)) {
    engines.push_back(cowatch_engine(data, task, index_options(options, codes), codes == "scalar4"));
    engines.back()->efforts = options.efforts;
  }
}

// Inverted lists; their effort is the number of lists scanned, as faiss's is.
void add_lists(const AnnArguments& options, const AnnData& data, const AnnTask& task,
               std::vector<std::unique_ptr<AnnEngine>>& engines) {
  for (const auto& codes : split(options.ivf_codes)) {
    engines.push_back(cowatch_engine(
        data, task,
        {.kind = IndexKind::ivf, .metric = task.metric, .codes = code_kind_of(codes), .lists = options.lists},
        true));
    engines.back()->efforts = options.probes;
  }
}

void add_peer(const AnnArguments& options, const AnnData& data, const AnnTask& task, const std::string& name,
              std::vector<std::unique_ptr<AnnEngine>>& engines) {
  const auto add = [&](const std::string& kind, size_t effort, const std::vector<size_t>& efforts) {
    auto peer = peer_engine(data, task, name, kind, effort);
    if (!peer) {
      std::printf("%s is not there: install libhnswlib-dev and libfaiss-dev, and build again\n",
                  name.c_str());
      return;
    }
    peer->efforts = efforts;
    engines.push_back(std::move(peer));
  };
  if (name == "hnswlib") {
    add(std::to_string(options.hnsw_m), options.hnsw_build, options.efforts);
  } else {
    const size_t lists = data.count() >= 1'000'000 ? 4096 : data.count() >= 100'000 ? 1024 : 256;
    add("IVF" + std::to_string(lists) + ",Flat", 0, options.probes);
  }
}

struct Setting {
  AnnEngine* engine;
  size_t effort;
  double recall = 0;
  std::vector<double> single_1, single_2, batch_1, batch_2;
};

void add_rows(Report& report, const AnnData& data, const Setting& setting) {
  const auto add = [&](const char* mode, const std::vector<double>& one, const std::vector<double>& two) {
    const auto first = spread(one, true), second = spread(two, true);
    const auto asked = static_cast<double>(data.asked());
    report.add_row({{"engine", setting.engine->engine},
                    {"index", setting.engine->index},
                    {"params", setting.engine->params + " effort " + std::to_string(setting.effort)},
                    {"mode", mode},
                    {"recall@10", setting.recall},
                    {"qps_1", asked / first.best},
                    {"qps_1_median", asked / first.median},
                    {"qps_2", asked / second.best},
                    {"qps_2_median", asked / second.median},
                    {"build_s", setting.engine->build_s},
                    {"bytes_per_vector", setting.engine->bytes_per_vector}});
  };
  add("single", setting.single_1, setting.single_2);
  add("batch", setting.batch_1, setting.batch_2);
}

// The rate at a recall, on the line between the two settings around it; 0 when none reaches it.
double rate_at(const std::vector<Setting>& settings, const std::string& engine, const std::string& index,
               double recall, double asked) {
  double rate = 0;
  for (size_t i = 0; i < settings.size(); ++i) {
    const Setting& high = settings[i];
    if (high.engine->engine != engine || high.engine->index != index || high.recall < recall) continue;
    const double qps = asked / spread(high.single_1, true).best;
    rate = std::max(rate, qps);
    if (i == 0 || settings[i - 1].engine != high.engine || settings[i - 1].recall >= recall) continue;
    const Setting& low = settings[i - 1];
    const double part = (recall - low.recall) / (high.recall - low.recall);
    const double low_qps = asked / spread(low.single_1, true).best;
    rate = std::max(rate, 1 / ((1 - part) / low_qps + part / qps));
  }
  return rate;
}

void print_summary(const AnnData& data, const std::vector<Setting>& settings) {
  const auto asked = static_cast<double>(data.asked());
  std::vector<std::pair<std::string, std::string>> names;
  for (const Setting& setting : settings) {
    const std::pair name(setting.engine->engine, setting.engine->index);
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  std::printf("\nqueries a second of one thread, one at a time, at recall@10\n%-28s %9s %9s %9s\n", "",
              "0.90", "0.95", "0.99");
  for (const auto& [engine, index] : names) {
    std::printf("%-28s", (engine + " " + index).c_str());
    for (const double recall : {0.90, 0.95, 0.99})
      std::printf(" %9.0f", rate_at(settings, engine, index, recall, asked));
    std::printf("\n");
  }
}

void run_ann(const AnnArguments& options, Report& report) {
  AnnTask task = {.metric = metric_of(options.metric), .k = options.k, .threads = threads(), .folder = {}};
  AnnData data = ann_data(options, report.settings);
  if (options.filters || options.churn) {
    const IndexOptions ours = index_options(options, split(options.codes).front());
    report.settings["effort"] = options.effort;
    if (options.filters) measure_filters(data, ours, options.k, options.effort, report);
    if (options.churn) measure_churn(data, ours, options.k, options.effort, options.writes, report);
    return;
  }
  set_truth(data, task.metric, options.k);
  const TemporaryFolder folder;
  task.folder = folder.path();
  write_for_peers(data, task.folder);
  std::vector<std::unique_ptr<AnnEngine>> engines;
  for (const auto& name : split(options.engines)) {
    if (name == "cowatch") {
      if (options.index.find("graph") != std::string::npos) add_cowatch(options, data, task, engines);
      if (options.index.find("ivf") != std::string::npos) add_lists(options, data, task, engines);
    } else {
      add_peer(options, data, task, name, engines);
    }
  }
  std::vector<Setting> settings;
  for (const auto& engine : engines) {
    std::printf("%s %s: built in %.2f s, %.0f bytes a vector\n", engine->engine.c_str(),
                engine->index.c_str(), engine->build_s, engine->bytes_per_vector);
    for (const size_t effort : engine->efforts) {
      if (engine->engine == "hnswlib" && effort < options.k) continue;  // it takes k then
      settings.push_back({engine.get(), effort, 0, {}, {}, {}, {}});
    }
  }
  std::fflush(stdout);
  if (options.wait) {
    std::printf("all is built; a line on the input begins the passes\n");
    std::fflush(stdout);
    std::cin.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  for (size_t pass = 0; pass < options.passes; ++pass) {
    for (Setting& setting : settings) {
      AnnEngine& engine = *setting.engine;
      setting.single_1.push_back(engine.pass(setting.effort, 1, false));
      if (pass == 0) setting.recall = recall_of(data, task.metric, options.k, engine.answers());
      setting.single_2.push_back(engine.pass(setting.effort, 2, false));
      setting.batch_1.push_back(engine.pass(setting.effort, 1, true));
      setting.batch_2.push_back(engine.pass(setting.effort, 2, true));
    }
  }
  for (const Setting& setting : settings) add_rows(report, data, setting);
  print_summary(data, settings);
}

std::function<void(Report&)> configure_ann(CommandLine app) {
  auto options = std::make_shared<AnnArguments>();
  const Flags add(app);
  add_data_options(add, *options);
  add("--engines", options->engines, "which engines");
  add("--index", options->index, "which indexes of ours: graph, ivf or both");
  add("--codes", options->codes, "which codes of our graph");
  add("--ivf-codes", options->ivf_codes, "which codes of our inverted lists");
  add("--lists", options->lists, "inverted lists of ours; 0: 2 √n");
  add("--probes", options->probes, "lists scanned by inverted lists").separated_by(',');
  add("--efforts", options->efforts, "candidates kept while searching (ef)").separated_by(',');
  add("--degree", options->degree, "links of a node of ours");
  add("--build-effort", options->build_effort, "candidates kept while building ours");
  add("--alpha", options->alpha, "how far pruning of ours goes");
  add("--hnsw-m", options->hnsw_m, "M of hnswlib");
  add("--hnsw-build", options->hnsw_build, "ef_construction of hnswlib");
  app.add_flag("--filters", options->filters, "instead: filters from 0.01 to 100 % of the vectors");
  app.add_flag("--churn", options->churn, "instead: half of the vectors replaced, and queries beside writes");
  app.add_flag("--wait", options->wait,
               "ask nothing before a line comes on the input: what is slow to build may share the machine");
  add("--effort", options->effort, "candidates kept while searching with --filters and --churn");
  add("--writes", options->writes, "vectors written a second with --churn");
  return [options](Report& report) { run_ann(*options, report); };
}

}  // namespace

Benchmark ann_benchmark() {
  return {"ann", "approximate search beside hnswlib and faiss: recall, rate, build, memory", "--data vectors.npy", configure_ann};
}

}  // namespace cowatch::bench

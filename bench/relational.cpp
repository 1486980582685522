// `cowatch bench relational`: the cold-start table of docs/relational.md on any folder in the graph shape.
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>

#include "base/error.h"
#include "base/log.h"
#include "bench/benchmarks.h"
#include "bench/graded_world.h"
#include "learn/relational/comparison.h"
#include "store/graph_folder.h"

namespace cowatch::bench {
namespace {

struct Options {
  Path data;
  size_t world = 0;
  int seeds = 5, first_seed = 1;
  std::vector<std::string> methods = {"raw",          "random",   "random_mined", "l0",       "l0_mined",
                                      "l1",           "l1_mined", "l2",           "l2_mined", "curriculum",
                                      "pseudo_class", "infonce",  "default"};
  std::vector<size_t> batches;
  bool epochs = false;
  JointOptions training;
};

struct Data {
  FeatureTable features;
  Graph graph;
};

Data load(const Options& options) {
  if (options.world > 0) {
    GradedWorld world = make_graded_world(options.world, 1);
    return {std::move(world.features), std::move(world.graph)};
  }
  if (options.data.empty()) {
    throw Error(ErrorCode::bad_argument, "nothing to measure on", {.expected = "--data DIR or --world N"});
  }
  GraphFolder folder = read_graph_folder(options.data);
  if (folder.features.rows == 0) {
    throw Error(ErrorCode::bad_input, "the folder has no features",
                {.where = options.data.string(), .expected = "features.npy or features.npy.gz"});
  }
  std::vector<Edge> edges;
  for (const StoredEdge& edge : folder.edges)
    edges.push_back({edge.u, edge.v, static_cast<float>(edge.weight)});
  return {
      FeatureTable::of_rows(folder.ids.size(), folder.features.columns, std::move(folder.features.values)),
      Graph::from_edges(folder.ids.size(), std::move(edges))};
}

Json row_of(const MethodResult& result, int seed, size_t batch) {
  const RetrievalScores& s = result.scores;
  return {{"method", result.method},
          {"seed", seed},
          {"map", s.map},
          {"map@10", s.map_10},
          {"map@50", s.map_50},
          {"map@100", s.map_100},
          {"ndcg@10", s.ndcg_10},
          {"ndcg@50", s.ndcg_50},
          {"ndcg@100", s.ndcg_100},
          {"retained", result.retained},
          {"seconds", result.seconds},
          {"batch", batch}};
}

// Retained share by epoch is one more flat row an epoch: `epoch` > 0 marks it.
Json epoch_row(const MethodResult& result, int seed, size_t batch, const EpochReport& epoch) {
  return {{"method", result.method},
          {"seed", seed},
          {"batch", batch},
          {"epoch", epoch.epoch},
          {"step", epoch.step},
          {"loss", epoch.loss},
          {"retained", epoch.retained},
          {"level", negative_level_name(epoch.level)}};
}

struct Moments {
  double sum = 0, square = 0;
  int count = 0;
  void add(double value) {
    sum += value;
    square += value * value;
    ++count;
  }
  double mean() const { return sum / count; }
  double spread() const {
    return count < 2 ? 0 : std::sqrt(std::max(0.0, (square - sum * sum / count) / (count - 1)));
  }
};

void print_summary(const std::vector<MethodResult>& results, const Options& options) {
  std::printf("\n%-20s %18s %18s %10s %9s\n", "method", "MAP", "NDCG@10", "retained", "seconds");
  for (const std::string& method : options.methods) {
    Moments map, ndcg, retained, seconds;
    for (const MethodResult& result : results) {
      if (result.method != method) continue;
      map.add(result.scores.map);
      ndcg.add(result.scores.ndcg_10);
      retained.add(result.retained);
      seconds.add(result.seconds);
    }
    std::printf("%-20s %8.4f ± %.4f  %8.4f ± %.4f  %9.4f %9.1f\n", method.c_str(), map.mean(), map.spread(),
                ndcg.mean(), ndcg.spread(), retained.mean(), seconds.mean());
  }
}

void run(const Options& options, Report& report) {
  const Data data = load(options);
  const auto batches =
      options.batches.empty() ? std::vector<size_t>{options.training.network.batch} : options.batches;
  report.settings = {{"data", options.world > 0 ? "world " + std::to_string(options.world)
                                                : options.data.filename().string()},
                     {"videos", data.graph.nodes()},
                     {"edges", data.graph.edges()},
                     {"seeds", options.seeds},
                     {"hidden", options.training.network.hidden},
                     {"steps", options.training.network.steps}};
  for (const size_t batch : batches) {
    std::vector<MethodResult> results;
    for (int seed = options.first_seed; seed < options.first_seed + options.seeds; ++seed) {
      const Comparison comparison(data.features, data.graph, options.training.tree, 0.7,
                                  static_cast<uint64_t>(seed));
      for (const std::string& method : options.methods) {
        JointOptions training = options.training;
        training.network.seed = static_cast<uint64_t>(seed);
        training.network.batch = batch;
        results.push_back(comparison.run(method, training, train_quietly));
        const MethodResult& result = results.back();
        report.add_row(row_of(result, seed, batch));
        if (!result.why.empty()) log(LogLevel::info, result.why);
        if (!options.epochs) continue;
        for (const EpochReport& epoch : result.epochs) report.add_row(epoch_row(result, seed, batch, epoch));
      }
    }
    print_summary(results, options);
  }
}

std::function<void(Report&)> configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  RelationalOptions& network = options->training.network;
  network.hidden = 1000;
  app.add_option("--data", options->data, "a folder in the graph shape");
  app.add_option("--world", options->world,
                 "a generated world of so many videos with graded clusters instead");
  app.add_option("--seeds", options->seeds, "splits and trainings of each method")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--first-seed", options->first_seed, "number of the first of them")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--methods", options->methods, "which, by comma")->delimiter(',');
  app.add_option("--batches", options->batches, "the study of batch size: each of these, by comma")
      ->delimiter(',');
  app.add_option("--batch", network.batch, "triplets in a step")
      ->capture_default_str()
      ->check(CLI::Range(2, 1'000'000));
  app.add_option("--hidden", network.hidden, "hidden units")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--outputs", network.outputs, "width of an embedding")
      ->capture_default_str()
      ->check(CLI::Range(2, 4096));
  app.add_option("--hidden-dropout", network.hidden_dropout, "share of hidden units left out in a step")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 0.9));
  app.add_option("--steps", network.steps, "training steps; 0: by the number of videos")
      ->capture_default_str();
  app.add_flag("--epochs", options->epochs, "also a row an epoch, with its retained share");
  app.add_flag_callback(
      "--bf16", [options] { options->training.network.precision = Precision::bfloat16; },
      "matrix products in bfloat16");
  return [options](Report& report) { run(*options, report); };
}

}  // namespace

Benchmark relational_benchmark() {
  return {"relational", "cold-start retrieval of every training method on a graph", configure};
}

}  // namespace cowatch::bench

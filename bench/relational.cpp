// `cowatch bench relational`: the cold-start table of docs/relational.md on any folder in the graph shape.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <memory>

#include "base/error.h"
#include "base/log.h"
#include "bench/benchmarks.h"
#include "bench/relational_data.h"
#include "learn/relational/comparison.h"
#include "learn/score_names.h"
#include "pipeline/train_stage.h"

namespace cowatch::bench {
namespace {

constexpr size_t study_batch = 1000;  // batch at which a study takes the number of steps from its data

struct RelationalArguments {
  Path data, groups;
  size_t world = 0;
  int seeds = 5, first_seed = 1;
  std::vector<std::string> methods;
  std::string study;
  std::vector<size_t> batches;
  bool epochs = false;
  Settings settings;  // of [train] and [tree]
};

const std::vector<std::string> all_methods = {
    "raw", "random",   "random_mined", "l0",           "l0_mined", "l1",     "l1_mined",
    "l2",  "l2_mined", "curriculum",   "pseudo_class", "infonce",  "default"};
// Of the study: what the batch is searched for, with and without smart negatives.
const std::vector<std::string> study_methods = {"random",   "random_mined", "l0",
                                                "l0_mined", "l2_mined",     "infonce"};

RelationalData load(const RelationalArguments& options) {
  if (options.world > 0) return make_world_data(options.world, 1);
  if (options.data.empty()) {
    throw Error(ErrorCode::bad_argument, "nothing to measure on", {.expected = "--data DIR or --world N"});
  }
  return load_folder(options.data, options.groups);
}

std::vector<Json> rows_of(const MethodResult& result, int seed, size_t batch, size_t anchors, bool epochs) {
  Json row = {{"method", result.method}, {"seed", seed}};
  for (const auto& [name, score] : named_scores(result.scores)) row[name] = score;
  row["retained"] = share_or_null(result.retained);
  row["seconds"] = result.seconds;
  row["batch"] = batch;
  row["batch_share"] = static_cast<double>(batch) / static_cast<double>(anchors);
  std::vector<Json> rows = {std::move(row)};
  if (!epochs) return rows;
  for (const EpochReport& epoch : result.epochs) {  // flat rows too: `epoch` marks them
    rows.push_back({{"method", result.method},
                    {"seed", seed},
                    {"batch", batch},
                    {"epoch", epoch.epoch},
                    {"step", epoch.step},
                    {"loss", epoch.loss},
                    {"retained", share_or_null(epoch.retained)},
                    {"unmined", share_or_null(epoch.unmined)},
                    {"climbed", share_or_null(epoch.climbed)},
                    {"level", negative_level_name(epoch.level)}});
  }
  return rows;
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

void print_summary(const std::vector<Json>& rows, const RelationalArguments& options, size_t batch) {
  std::printf("\nbatch %zu: mean over seeds ± standard deviation\n%-20s %18s %18s %10s %9s\n", batch,
              "method", "MAP", "NDCG@10", "retained", "seconds");
  for (const std::string& method : options.methods) {
    Moments map, ndcg, retained, seconds;
    for (const Json& row : rows) {
      if (row.contains("epoch") || row["method"] != method || row["batch"] != batch) continue;
      map.add(row["map"]);
      ndcg.add(row["ndcg@10"]);
      if (!row["retained"].is_null()) retained.add(row["retained"]);
      seconds.add(row["seconds"]);
    }
    std::printf("%-20s %8.4f ± %.4f  %8.4f ± %.4f", method.c_str(), map.mean(), map.spread(), ndcg.mean(),
                ndcg.spread());
    if (retained.count > 0)
      std::printf("  %9.4f", retained.mean());
    else
      std::printf("  %9s", "");
    std::printf(" %9.1f\n", seconds.mean());
  }
}

// Says how far a long run is. A method takes what it took before, one not yet seen the mean of the others.
class TimeLeft {
 public:
  explicit TimeLeft(const std::vector<std::string>& methods, size_t rounds)
      : total_(methods.size() * rounds) {
    for (const std::string& method : methods) left_[method] = rounds;
  }
  void done(const std::string& method, double seconds, bool made) {
    --left_[method];
    ++done_;
    if (!made) return;
    taken_[method].add(seconds);
    all_.add(seconds);
    double rest = 0;
    for (const auto& [name, count] : left_) {
      const auto known = taken_.find(name);
      rest += static_cast<double>(count) * (known == taken_.end() ? all_ : known->second).mean();
    }
    char line[80];
    std::snprintf(line, sizeof line, "%zu of %zu trainings done, about %.0f min left", done_, total_,
                  rest / 60);
    log(LogLevel::info, line);
  }

 private:
  std::map<std::string, size_t> left_;
  std::map<std::string, Moments> taken_;
  Moments all_;
  size_t done_ = 0, total_;
};

size_t anchors_of(const Graph& graph) {
  size_t anchors = 0;
  for (uint32_t video = 0; video < graph.nodes(); ++video) anchors += graph.degree(video) > 0;
  return anchors;
}

// A study of batches gives every one as many triplets as the data's own number of steps at a batch of 1,000
// has.
void set_batch(size_t batch, size_t anchors, bool study, RelationalOptions& network) {
  network.batch = batch;
  if (!study) return;
  RelationalOptions usual = network;
  usual.batch = study_batch;
  network.steps = std::max<uint64_t>(1, training_steps(usual, anchors) * study_batch / batch);
}

// What the rows are of, which also says whether rows of an earlier run are.
void describe(const RelationalArguments& options, const RelationalData& data, const RelationalOptions& network,
              Report& report) {
  size_t without_features = 0;
  for (uint32_t video = 0; video < data.features.items(); ++video)
    without_features += !data.features.known(video);
  const Json counts = {
      {"videos", data.graph.nodes()},
      {"videos_isolated", data.graph.nodes() - anchors_of(data.graph)},
      {"videos_without_features", without_features},
      {"columns", data.features.width()},
      {"columns_constant", normalisation_of(data.features, NormalisationKind::columns).constant},
      {"edges", data.graph.edges()},
      {"edges_rejected", data.rejected},
      {"edges_self_loops", data.self_loops},
      {"edges_duplicate", data.duplicates},
      {"edges_left_out", data.left_out}};
  report.settings = {
      {"data", options.world > 0 ? "world " + std::to_string(options.world)
                                 : std::filesystem::canonical(options.data).filename().string()},
      {"groups", options.groups.filename().string()},
      {"features", data.features.fingerprint()},
      {"graph", data.graph.fingerprint()},
      {"study", options.study},
      {"epochs", options.epochs},
      {"hidden", network.hidden},
      {"hidden_dropout", network.hidden_dropout},
      {"outputs", network.outputs},
      {"precision", precision_name(network.precision)},
      {"steps", network.steps},
      {"train", options.settings.section("train")},
      {"tree", options.settings.section("tree")}};
  std::string line;
  for (const auto& [name, count] : counts.items()) {
    report.settings[name] = count;
    std::string words = name;
    std::ranges::replace(words, '_', ' ');
    line += (line.empty() ? "" : ", ") + words + " " + count.dump();
  }
  std::printf("%s: %s\n", report.settings["data"].get<std::string>().c_str(), line.c_str());
}

// Does a part of the work; its errors say which part.
template <typename Work>
auto part_of_run(const std::string& part, const Work& work) {
  try {
    return work();
  } catch (const std::exception& caught) {
    const Error error = error_of(caught);
    if (error.code() == ErrorCode::interrupted) throw;
    Error::Details details = error.details();
    details.where = part + (details.where.empty() ? "" : ", " + details.where);
    throw Error(error.code(), error.message(), details);
  }
}

std::vector<std::string> methods_of(const RelationalArguments& options) {
  if (options.methods.empty()) return options.study.empty() ? all_methods : study_methods;
  for (const std::string& method : options.methods) check_method(method, compared_methods());
  return options.methods;
}

void run_relational(RelationalArguments options, Report& report) {
  const bool study = options.study == "batch";
  options.methods = methods_of(options);
  const JointOptions usual = joint_options(options.settings);
  if (options.batches.empty()) {
    options.batches =
        study ? std::vector<size_t>{100, 300, 1000, 3000, 9600} : std::vector<size_t>{usual.network.batch};
  }
  const RelationalData data = load(options);
  describe(options, data, usual.network, report);
  TimeLeft time(options.methods, options.batches.size() * static_cast<size_t>(options.seeds));
  for (int seed = options.first_seed; seed < options.first_seed + options.seeds; ++seed) {
    const std::string seed_text = "seed " + std::to_string(seed);
    const Comparison comparison = part_of_run(seed_text, [&] {
      return Comparison(data.features, data.graph, usual.tree, 0.7, static_cast<uint64_t>(seed));
    });
    const size_t anchors = anchors_of(comparison.train_graph());
    for (const size_t batch : options.batches) {
      for (const std::string& method : options.methods) {
        JointOptions training = usual;
        training.network.seed = static_cast<uint64_t>(seed);
        set_batch(batch, anchors, study, training.network);
        const double start = seconds_now();
        const bool made = report.add_rows({method, seed, batch}, [&] {
          const MethodResult result = part_of_run(
              seed_text + ", " + method, [&] { return comparison.run(method, training, train_quietly); });
          if (!result.why.empty()) log(LogLevel::info, result.why);
          return rows_of(result, seed, batch, anchors, options.epochs);
        });
        time.done(method, seconds_now() - start, made);
      }
    }
  }
  for (const size_t batch : options.batches) print_summary(report.rows(), options, batch);
}

// Whether a setting changes what is measured and has no flag that says it for each row.
void check_setting(const std::string& name) {
  const auto section = name.substr(0, name.find('.'));
  const bool by_row = name == "train.seed" || name == "train.method";
  if ((section == "train" || section == "tree") && !by_row) return;
  throw Error(ErrorCode::bad_argument, "a benchmark does not take this setting",
              {.where = "--set",
               .expected = "one of [train] or [tree]",
               .found = name,
               .remedy = by_row ? "Use --seeds, --first-seed and --methods." : ""});
}

std::function<void(Report&)> configure_relational(CommandLine app) {
  auto options = std::make_shared<RelationalArguments>();
  const auto set = [options](const std::string& name, const std::string& text, const std::string& flag) {
    options->settings.set(name, text, Settings::Source::flag, flag);
  };
  set("train.hidden", "1000", "");
  const auto add_setting = [&](const std::string& flag, const std::string& name, const std::string& meaning) {
    app.add_reader(
           flag, [=](const std::string& text) { set(name, text, flag); }, meaning)
        .default_text(to_text(options->settings.entry(name).value));
  };
  app.add_option("--data", options->data, "a folder in the graph shape");
  app.add_option("--across", options->groups,
                 "a file with a group a video (its artist): only edges between different groups")
      .needs("--data");
  app.add_option("--world", options->world,
                 "a world of so many videos with graded clusters, as `cowatch render` makes, instead")
      .excludes("--data");
  app.add_option("--seeds", options->seeds, "splits and trainings of each method").with_default().positive();
  app.add_option("--first-seed", options->first_seed, "number of the first of them")
      .with_default()
      .positive();
  app.add_option("--methods", options->methods, "which, by comma; all when absent").separated_by(',');
  app.add_option("--study", options->study,
                 "batch: batch size against corpus size, as many triplets for each")
      .one_of({"batch"});
  app.add_option("--batches", options->batches, "several batch sizes, by comma")
      .separated_by(',')
      .between(2, 1'000'000);
  add_setting("--batch", "train.batch", "triplets in a step");
  add_setting("--hidden", "train.hidden", "hidden units");
  add_setting("--outputs", "train.outputs", "width of an embedding");
  add_setting("--hidden-dropout", "train.hidden_dropout", "share of hidden units left out in a step");
  add_setting("--steps", "train.steps", "training steps; 0: by the number of videos");
  app.add_assignments(
      "--set",
      [set](const std::string& name, const std::string& text) {
        check_setting(name);
        set(name, text, "--set");
      },
      "any setting of [train] or [tree], as NAME=VALUE");
  app.add_flag("--epochs", options->epochs, "also a row an epoch, with its retained share");
  app.on_flag(
      "--bf16", [set] { set("train.precision", "bf16", "--bf16"); }, "matrix products in bfloat16");
  return [options](Report& report) { run_relational(*options, report); };
}

}  // namespace

Benchmark relational_benchmark() {
  return {"relational", "cold-start retrieval of every training method on a graph", "--data graph_folder --seeds 5", configure_relational};
}

}  // namespace cowatch::bench

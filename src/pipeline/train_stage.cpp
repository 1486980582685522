#include "pipeline/train_stage.h"

#include <algorithm>
#include <cmath>

#include "base/clock.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/progress.h"
#include "learn/curves.h"
#include "learn/torch/torch_module.h"
#include "pipeline/contents.h"
#include "pipeline/graph_stage.h"

namespace cowatch {
namespace {

// Settings that the method has no use for, and that somebody gave.
void warn_of_unused(const Settings& settings) {
  const bool given = settings.entry("train.normalisation").source != Settings::Source::fallback;
  if (!given || settings.get_text("train.method") != "default") return;
  log(LogLevel::warning,
      "train.normalisation has no effect with train.method default: each of its members has its own");
}

// "split 1 infonce, table" → "split-1-infonce-table"
std::string file_name_of(std::string name) {
  std::erase(name, ',');
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

// Goes on from a checkpoint of the same training; one of another is of no use.
void resume(const Path& checkpoint, RelationalTrainer& trainer) {
  if (!std::filesystem::exists(checkpoint)) return;
  try {
    trainer.load(checkpoint);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) throw;
    log(LogLevel::warning, "begun afresh: " + error.message() + " (" + checkpoint.filename().string() + ")");
  }
}

class Run {
 public:
  Run(const Workspace& workspace, const Settings& settings)
      : workspace_(workspace), every_(static_cast<uint64_t>(settings.get_int("train.checkpoint_every"))) {
    std::filesystem::create_directories(workspace.checkpoints());
  }

  void train(const std::string& name, RelationalTrainer& trainer, TrainSummary& summary) {
    const std::string file = file_name_of(name);
    const Path checkpoint = workspace_.checkpoints() / (file + ".safetensors");
    resume(checkpoint, trainer);
    CurveWriter curves(curve_file(workspace_.curves(), file), trainer.step());
    Progress progress("training " + name, "steps", trainer.steps());
    progress.add(trainer.step());
    while (trainer.step() < trainer.steps()) {
      const size_t epochs = trainer.epochs().size();
      const StepReport report = trainer.train_step();
      record(report, trainer, epochs, curves);
      progress.note("loss " + to_text(SettingValue(std::round(report.loss * 1e4) / 1e4)));
      progress.add();
      const bool stop = interrupted();
      if (report.step % every_ == 0 || report.step == trainer.steps() || stop) {
        curves.sync();  // first: a checkpoint never knows of steps whose curve is lost
        trainer.save(checkpoint);
      }
      throw_if_interrupted();
    }
    ++summary.trainings;
    summary.steps += trainer.steps();
    summary.last_epoch = trainer.epochs().back();
  }

  // The model is written: checkpoints have done their work.
  void forget() const { std::filesystem::remove_all(workspace_.checkpoints()); }

 private:
  static void record(const StepReport& report, const RelationalTrainer& trainer, size_t epochs_before,
                     CurveWriter& curves) {
    curves.add(report.step, "loss", report.loss);
    curves.add(report.step, "rate", report.rate);
    curves.add(report.step, "level", static_cast<double>(report.level));
    curves.add(report.step, "unmined", report.unmined);
    curves.add(report.step, "climbed", report.climbed);
    if (trainer.epochs().size() > epochs_before) {
      const EpochReport& epoch = trainer.epochs().back();
      curves.add(report.step, "epoch_loss", epoch.loss);
      if (epoch.retained) curves.add(report.step, "retained", *epoch.retained);
    }
  }

  const Workspace& workspace_;
  uint64_t every_;
};

// Videos that look alike are all one can answer with before anybody has watched two of them.
Network features_alone(const FeatureTable& features) {
  Branch branch;
  branch.name = "features";
  branch.normalisation = normalisation_of(features, NormalisationKind::columns);
  return Network(features.modalities(), {std::move(branch)});
}

}  // namespace

JointOptions joint_options(const Settings& settings) {
  JointOptions options;
  options.network = relational_options(settings);
  options.tree = tree_settings(settings);
  options.budget = static_cast<size_t>(settings.get_int("train.budget"));
  return options;
}

std::string train_fingerprint(const Workspace& workspace, const Settings& settings) {
  const std::string remedy = "Run `cowatch run`, or the stages before: extract, graph.";
  return Fingerprint()
      .add("train 3")
      .add(settings.section("train"))
      .add(settings.section("tree"))
      .add(content_digest(workspace.features(), remedy))
      .add(content_digest(workspace.graph(), remedy))
      .add(content_digest(workspace.tree(), remedy))
      .digest();
}

bool model_is_current(const Workspace& workspace, const Settings& settings) {
  return input_of(workspace.model()) == train_fingerprint(workspace, settings);
}

TrainSummary run_train_stage(const Workspace& workspace, const Settings& settings) {
  const JointOptions options = joint_options(settings);
  check_device(options.network.device);
  const double start = seconds_now();
  TrainSummary summary;
  summary.method = settings.get_text("train.method");
  const std::string input = train_fingerprint(workspace, settings);
  const FeatureTable features = FeatureTable::load(workspace.features());
  const Graph graph = Graph::load(workspace.graph());
  summary.videos = graph.nodes();
  summary.edges = graph.edges();
  if (features.items() != graph.nodes()) {
    throw Error(ErrorCode::bad_input, "features and graph are not of the same catalogue",
                {.where = workspace.folder().string(),
                 .expected = std::to_string(graph.nodes()) + " rows of features",
                 .found = std::to_string(features.items()),
                 .remedy = "Run `cowatch run`: it brings both up to date."});
  }
  summary.batch = options.network.batch;
  for (uint32_t video = 0; video < graph.nodes(); ++video) summary.anchors += graph.degree(video) > 0;
  warn_of_unused(settings);
  Run run(workspace, settings);
  const auto train = [&](const std::string& name, RelationalTrainer& trainer) {
    run.train(name, trainer, summary);
  };
  Network network;
  if (summary.method == "default" && graph.edges() == 0) {
    network = features_alone(features);
    summary.why = "no two videos were watched together: the features as they are";
  } else if (summary.method == "default") {
    JointResult result = train_joint(features, graph, options, train);
    network = std::move(result.network);
    summary.why = result.choice.text();
  } else {
    check_graph_and_tree(workspace);
    const AffinityTree tree = AffinityTree::load(workspace.tree());
    RelationalTrainer trainer(features, graph, tree, options.network);
    train(summary.method, trainer);
    Branch branch = trainer.branch();
    branch.name = summary.method;
    network = Network(features.modalities(), {std::move(branch)});
  }
  for (const Branch& branch : network.branches()) {
    summary.constant_columns = std::max<uint64_t>(summary.constant_columns, branch.normalisation.constant);
  }
  summary.inputs = network.inputs();
  summary.outputs = network.outputs();
  network.save(workspace.model(), {{"input", input},
                                   {"settings", settings.section("train")},
                                   {"seed", std::to_string(options.network.seed)},
                                   {"method", summary.method},
                                   {"why", summary.why}});
  run.forget();
  summary.seconds = seconds_now() - start;
  return summary;
}

}  // namespace cowatch

#include "pipeline/evaluate_stage.h"

#include <algorithm>

#include "base/error.h"
#include "base/progress.h"
#include "learn/torch/torch_module.h"
#include "pipeline/train_stage.h"

namespace cowatch {
namespace {

std::vector<std::string> methods_of(const Settings& settings) {
  std::vector<std::string> methods = settings.get_list("evaluate.methods");
  if (methods.empty()) methods = {"raw", "random_mined", "infonce", settings.get_text("train.method")};
  std::vector<std::string> once;
  for (const std::string& method : methods) {
    check_method(method, compared_methods());
    if (std::find(once.begin(), once.end(), method) == once.end()) once.push_back(method);
  }
  return once;
}

void train_with_progress(const std::string& name, RelationalTrainer& trainer) {
  Progress progress("training " + name, "steps", trainer.steps());
  while (trainer.step() < trainer.steps()) {
    throw_if_interrupted();
    trainer.train_step();
    progress.add();
  }
}

}  // namespace

EvaluateSummary run_evaluate_stage(const Workspace& workspace, const Settings& settings) {
  const std::vector<std::string> methods = methods_of(settings);
  const JointOptions options = joint_options(settings);
  check_device(options.network.device);
  const FeatureTable features = FeatureTable::load(workspace.features());
  if (!std::filesystem::exists(workspace.graph())) {
    throw Error(ErrorCode::missing_stage, "there is no co-watch graph yet",
                {.where = workspace.graph().string(), .remedy = "Run `cowatch graph WS`."});
  }
  const Graph graph = Graph::load(workspace.graph());
  const Comparison comparison(features, graph, options.tree, settings.get_number("evaluate.train_share"),
                              static_cast<uint64_t>(settings.get_int("evaluate.seed")));
  EvaluateSummary summary;
  summary.videos = graph.nodes();
  summary.train_videos = comparison.train_videos();
  summary.test_videos = comparison.test_videos();
  summary.train_edges = comparison.train_graph().edges();
  for (const std::string& method : methods) {
    summary.methods.push_back(comparison.run(method, options, train_with_progress));
    summary.queries = summary.methods.back().scores.queries;
  }
  return summary;
}

}  // namespace cowatch

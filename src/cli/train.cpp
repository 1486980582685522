// `cowatch train WS relational`: learns the embeddings of related videos.
#include <cstdio>
#include <iostream>
#include <memory>
#include <optional>

#include "base/error.h"
#include "base/json.h"
#include "cli/verbs.h"
#include "learn/score_names.h"
#include "pipeline/train_stage.h"

namespace cowatch {
namespace {

struct TrainArguments {
  WorkspaceOptions workspace;
  std::string what;
};

void print(const EpochReport& epoch) {
  std::printf("last epoch: loss %.4f", epoch.loss);
  const auto share = [](const char* of, const std::optional<double>& value) {
    if (value) std::printf(", %s %.1f %%", of, 100 * *value);
  };
  share("retained negatives", epoch.retained);
  share("without a semi-hard one", epoch.unmined);
  share("drawn above their level", epoch.climbed);
  std::printf("\n");
}

void print(const TrainSummary& summary) {
  std::printf("trained %s on %llu videos, %llu edges: %llu training(s), %llu steps, %.1f s\n",
              summary.method.c_str(), static_cast<unsigned long long>(summary.videos),
              static_cast<unsigned long long>(summary.edges),
              static_cast<unsigned long long>(summary.trainings),
              static_cast<unsigned long long>(summary.steps), summary.seconds);
  if (summary.trainings > 0) print(summary.last_epoch);
  if (summary.trainings > 0 && summary.batch > summary.anchors) {
    std::printf("batch of %llu over %llu videos with neighbours: each stands in a step several times\n",
                static_cast<unsigned long long>(summary.batch),
                static_cast<unsigned long long>(summary.anchors));
  }
  if (summary.constant_columns > 0) {
    std::printf("%llu of %llu feature columns never change and are left out\n",
                static_cast<unsigned long long>(summary.constant_columns),
                static_cast<unsigned long long>(summary.inputs));
  }
  if (!summary.why.empty()) std::printf("%s\n", summary.why.c_str());
}

void run_train(const TrainArguments& options) {
  const Workspace workspace = Workspace::open(options.workspace.folder, Workspace::Access::write);
  const TrainSummary summary = run_train_stage(workspace, options.workspace.settings(workspace));
  if (!options.workspace.as_json) return print(summary);
  const EpochReport& epoch = summary.last_epoch;
  const Json json = {{"method", summary.method},
                     {"why", summary.why},
                     {"videos", summary.videos},
                     {"videos_with_neighbours", summary.anchors},
                     {"edges", summary.edges},
                     {"batch", summary.batch},
                     {"steps", summary.steps},
                     {"constant_columns", summary.constant_columns},
                     {"inputs", summary.inputs},
                     {"outputs", summary.outputs},
                     {"loss", epoch.loss},
                     {"retained", share_or_null(epoch.retained)},
                     {"unmined", share_or_null(epoch.unmined)},
                     {"climbed", share_or_null(epoch.climbed)},
                     {"seconds", summary.seconds}};
  std::cout << json.dump(1) << "\n";
}

void configure_train(CommandLine app) {
  auto options = std::make_shared<TrainArguments>();
  options->workspace.add(app, {"train"});
  app.add_option("WHAT", options->what, "what to learn: relational").required().one_of({"relational"});
  app.callback([options] { run_train(*options); });
}

}  // namespace

Verb train_verb() {
  return {"train", "Pipeline", "learn embeddings from features, graph and tree",
          "  cowatch train ws relational\n  cowatch train ws relational --method l0_mined --batch 9600 "
          "--precision bf16",
          configure_train};
}

}  // namespace cowatch

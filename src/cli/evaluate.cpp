// `cowatch evaluate WS`: how well videos that nobody has watched find their neighbours.
#include <cstdio>
#include <iostream>
#include <memory>

#include "base/json.h"
#include "cli/verbs.h"
#include "learn/score_names.h"
#include "pipeline/evaluate_stage.h"

namespace cowatch {
namespace {

void print(const EvaluateSummary& summary) {
  std::printf(
      "cold start: trained on %llu videos (%llu edges); %llu videos nobody has watched, %llu of them with "
      "neighbours\n\n",
      static_cast<unsigned long long>(summary.train_videos),
      static_cast<unsigned long long>(summary.train_edges),
      static_cast<unsigned long long>(summary.test_videos), static_cast<unsigned long long>(summary.queries));
  std::printf("%-20s", "method");
  for (const auto& [name, value] : named_scores({})) std::printf(" %8s", std::string(name).c_str());
  std::printf(" %9s\n", "seconds");
  for (const MethodResult& result : summary.methods) {
    std::printf("%-20s", result.method.c_str());
    for (const auto& [name, value] : named_scores(result.scores)) std::printf(" %8.4f", value);
    std::printf(" %9.1f\n", result.seconds);
  }
  for (const MethodResult& result : summary.methods) {
    if (!result.why.empty()) std::printf("\n%s: %s\n", result.method.c_str(), result.why.c_str());
  }
}

Json to_json(const EvaluateSummary& summary) {
  Json methods = Json::array();
  for (const MethodResult& result : summary.methods) {
    Json method = {{"method", result.method}};
    for (const auto& [name, value] : named_scores(result.scores)) method[std::string(name)] = value;
    method["retained"] = share_or_null(result.retained);
    method["seconds"] = result.seconds;
    method["why"] = result.why;
    methods.push_back(std::move(method));
  }
  return {{"videos", summary.videos},           {"train_videos", summary.train_videos},
          {"test_videos", summary.test_videos}, {"train_edges", summary.train_edges},
          {"queries", summary.queries},         {"methods", methods}};
}

void run_evaluate(const WorkspaceOptions& options) {
  const Workspace workspace = Workspace::open(options.folder, Workspace::Access::read);
  const EvaluateSummary summary = run_evaluate_stage(workspace, options.settings(workspace));
  if (options.as_json) {
    std::cout << to_json(summary).dump(1) << "\n";
  } else {
    print(summary);
  }
}

void configure_evaluate(CommandLine app) {
  auto options = std::make_shared<WorkspaceOptions>();
  options->add(app, {"evaluate"});
  app.callback([options] { run_evaluate(*options); });
}

}  // namespace

Verb evaluate_verb() {
  return {"evaluate", "Pipeline", "measure retrieval of videos nobody has watched (cold start)",
          "  cowatch evaluate ws\n  cowatch evaluate ws --methods raw,infonce,default --json", configure_evaluate};
}

}  // namespace cowatch

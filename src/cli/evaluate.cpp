// `cowatch evaluate WS`: how well videos that nobody has watched find their neighbours.
#include <cstdio>
#include <iostream>
#include <memory>

#include "base/json.h"
#include "cli/verbs.h"
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
  std::printf("%-20s %8s %8s %8s %8s %8s %8s %8s %9s\n", "method", "MAP", "MAP@10", "MAP@50", "MAP@100",
              "NDCG@10", "NDCG@50", "NDCG@100", "seconds");
  for (const MethodResult& result : summary.methods) {
    const RetrievalScores& s = result.scores;
    std::printf("%-20s %8.4f %8.4f %8.4f %8.4f %8.4f %8.4f %8.4f %9.1f\n", result.method.c_str(), s.map,
                s.map_10, s.map_50, s.map_100, s.ndcg_10, s.ndcg_50, s.ndcg_100, result.seconds);
  }
  for (const MethodResult& result : summary.methods) {
    if (!result.why.empty()) std::printf("\n%s: %s\n", result.method.c_str(), result.why.c_str());
  }
}

Json to_json(const EvaluateSummary& summary) {
  Json methods = Json::array();
  for (const MethodResult& result : summary.methods) {
    const RetrievalScores& s = result.scores;
    methods.push_back({{"method", result.method},
                       {"map", s.map},
                       {"map@10", s.map_10},
                       {"map@50", s.map_50},
                       {"map@100", s.map_100},
                       {"ndcg@10", s.ndcg_10},
                       {"ndcg@50", s.ndcg_50},
                       {"ndcg@100", s.ndcg_100},
                       {"retained", result.retained},
                       {"seconds", result.seconds},
                       {"why", result.why}});
  }
  return {{"videos", summary.videos},           {"train_videos", summary.train_videos},
          {"test_videos", summary.test_videos}, {"train_edges", summary.train_edges},
          {"queries", summary.queries},         {"methods", methods}};
}

void run(const WorkspaceOptions& options) {
  const Workspace workspace = Workspace::open(options.folder, Workspace::Access::read);
  const EvaluateSummary summary = run_evaluate_stage(workspace, options.settings(workspace));
  if (options.as_json) {
    std::cout << to_json(summary).dump(1) << "\n";
  } else {
    print(summary);
  }
}

void configure(CLI::App& app) {
  auto options = std::make_shared<WorkspaceOptions>();
  options->add(app, {"evaluate"});
  app.callback([options] { run(*options); });
}

}  // namespace

Verb evaluate_verb() {
  return {"evaluate", "Pipeline", "measure retrieval of videos nobody has watched (cold start)",
          "  cowatch evaluate ws\n  cowatch evaluate ws --methods raw,infonce,default --json", configure};
}

}  // namespace cowatch

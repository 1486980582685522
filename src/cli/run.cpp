// `cowatch run`: every stage that is not current, in order.
#include <cstdio>
#include <iostream>
#include <memory>

#include "base/json.h"
#include "cli/verbs.h"
#include "pipeline/run_stage.h"

namespace cowatch {
namespace {

void run_everything(const WorkspaceOptions& options) {
  const Workspace workspace = Workspace::open(options.folder, Workspace::Access::write);
  Json list = Json::array();
  run_stages(workspace, options.settings(workspace), [&](const StageReport& report) {
    list.push_back({{"stage", report.name},
                    {"ran", report.ran},
                    {"seconds", report.seconds},
                    {"summary", report.summary}});
    if (options.as_json) return;
    char text[64];
    std::snprintf(text, sizeof text, "%-8s %7.1f s  ", report.name.c_str(), report.seconds);
    std::cout << text << report.summary << std::endl;
  });
  if (options.as_json) std::cout << list.dump(2) << "\n";
  if (!options.as_json) std::cout << "Ready: cowatch serve " << options.folder.string() << "\n";
}

}  // namespace

Verb run_verb() {
  return {"run", "Pipeline", "the whole way: features, graph, training, embeddings; only what changed",
          "  cowatch run ws\n  cowatch run ws --set train.method=l0_mined", [](CommandLine app) {
            const auto options = std::make_shared<WorkspaceOptions>();
            options->add(app);
            app.callback([options] { run_everything(*options); });
          }};
}

}  // namespace cowatch

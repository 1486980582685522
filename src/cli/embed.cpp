// `cowatch embed WS`: embeds every video of the catalogue with the trained model.
#include <cstdio>
#include <iostream>
#include <memory>

#include "base/json.h"
#include "cli/verbs.h"
#include "pipeline/embed_stage.h"

namespace cowatch {
namespace {

void run_embed(const WorkspaceOptions& options) {
  const Workspace workspace = Workspace::open(options.folder, Workspace::Access::write);
  const EmbedSummary summary = run_embed_stage(workspace, options.settings(workspace));
  if (options.as_json) {
    const Json json = {{"videos", summary.videos},
                       {"embedded", summary.embedded},
                       {"width", summary.width},
                       {"seconds", summary.seconds}};
    std::cout << json.dump(1) << "\n";
    return;
  }
  std::printf("embedded %llu of %llu videos in %llu numbers each, %.1f s\n",
              static_cast<unsigned long long>(summary.embedded),
              static_cast<unsigned long long>(summary.videos), static_cast<unsigned long long>(summary.width),
              summary.seconds);
  if (summary.embedded < summary.videos) std::printf("the others have no features\n");
}

void configure_embed(CommandLine app) {
  auto options = std::make_shared<WorkspaceOptions>();
  options->add(app);
  app.callback([options] { run_embed(*options); });
}

}  // namespace

Verb embed_verb() {
  return {"embed", "Pipeline", "embed all videos with the trained model", "  cowatch embed ws", configure_embed};
}

}  // namespace cowatch

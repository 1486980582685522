// `cowatch extract WS`: features, posters and previews of every video's file.
#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>

#include "base/json.h"
#include "cli/answers.h"
#include "cli/verbs.h"
#include "pipeline/extract_stage.h"

namespace cowatch {
namespace {

Json as_json(const ExtractSummary& summary) {
  Json refused = Json::array();
  for (const auto& file : summary.refused) {
    refused.push_back({{"id", file.id}, {"path", file.path}, {"reason", file.reason}});
  }
  return {{"videos", summary.items},
          {"with_file", summary.with_media},
          {"decoded", summary.decoded},
          {"extracted", summary.extracted},
          {"posters", summary.posters},
          {"previews", summary.previews},
          {"imported", summary.imported},
          {"columns", summary.columns},
          {"seconds", summary.seconds},
          {"namespaces", summary.namespaces},
          {"refused", refused}};
}

void print(const ExtractSummary& summary) {
  print_count("videos", summary.items);
  print_count("with a file", summary.with_media);
  print_count("decoded now", summary.decoded, "in " + std::to_string(static_cast<int64_t>(summary.seconds)) + " s");
  print_count("extracted", summary.extracted, "have features of their file");
  print_count("refused", summary.refused.size());
  print_count("posters", summary.posters);
  print_count("previews", summary.previews);
  if (summary.imported > 0) print_count("imported", summary.imported, "have imported features");
  print_count("columns", summary.columns);
  if (!summary.namespaces) {
    std::cout << "This system gave the decoder no namespaces of its own; its other limits held.\n";
  }
  if (summary.refused.empty()) return;
  size_t width = 5;
  for (const auto& file : summary.refused) width = std::max(width, file.id.size());
  width = std::min<size_t>(width, 40);
  std::cout << "\n"
            << std::left << std::setw(static_cast<int>(width)) << "video"
            << "  why not\n";
  for (const auto& file : summary.refused) {
    std::cout << std::setw(static_cast<int>(width)) << file.id << "  " << file.reason << "  (" << file.path << ")\n";
  }
  std::cout << "Mend them or put them back, then run it again; the others go on without them.\n";
}

void configure_extract(CommandLine app) {
  const auto options = std::make_shared<WorkspaceOptions>();
  options->add(app, {"extract"});
  app.callback([options] {
    const Workspace workspace = Workspace::open(options->folder, Workspace::Access::write);
    const ExtractSummary summary = run_extract_stage(workspace, options->settings(workspace));
    if (options->as_json) {
      std::cout << as_json(summary).dump(1) << std::endl;
    } else {
      print(summary);
    }
  });
}

}  // namespace

Verb extract_verb() {
  return {
      "extract", "Pipeline", "decode the videos' files into features, posters and previews",
      "  cowatch extract WS\n  cowatch extract WS --wall-seconds 120 --max-memory 4096\n  cowatch extract WS "
      "--json",
      configure_extract};
}

}  // namespace cowatch

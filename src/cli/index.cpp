// `cowatch index WS`: checks the embeddings, indexes them and switches to them.
#include <cstdio>
#include <iostream>
#include <memory>

#include "base/json.h"
#include "cli/verbs.h"
#include "pipeline/index_stage.h"

namespace cowatch {
namespace {

struct IndexArguments : WorkspaceOptions {
  bool dry_run = false;
};

void print_json(const IndexSummary& summary) {
  Json json = {{"search", index_kind_name(summary.kind)},
               {"videos", summary.videos},
               {"width", summary.width},
               {"new_videos", summary.new_videos},
               {"mapped_bytes", summary.mapped_bytes},
               {"building_bytes", summary.building_bytes},
               {"predicted", summary.predicted}};
  if (!summary.predicted) json["embedded"] = summary.embedded, json["switched"] = summary.switched;
  std::cout << json.dump(1) << "\n";
}

void print_text(const IndexSummary& summary) {
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  const auto mib = [](uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
  if (summary.predicted) {
    std::printf("%llu embeddings of %llu numbers: the server will map %.1f MiB, making it takes %.1f MiB\n",
                number(summary.videos), number(summary.width), mib(summary.mapped_bytes),
                mib(summary.building_bytes));
  } else {
    std::printf("%llu embeddings of %llu numbers are sound and %s; the server maps %.1f MiB\n",
                number(summary.embedded), number(summary.width),
                summary.switched ? "in use from now on" : "were in use already", mib(summary.mapped_bytes));
    if (summary.embedded < summary.videos)
      std::printf("%llu videos have no features and are never answered\n",
                  number(summary.videos - summary.embedded));
  }
  if (summary.new_videos > 0)
    std::printf("%llu videos came after embedding: run `cowatch embed` for them\n",
                number(summary.new_videos));
  std::printf("searched %s; %s\n", way_of_search(summary.kind).c_str(),
              summary.kind == IndexKind::exact ? "from index.graph_from videos on by an index (index.kind)"
                                               : "a scan of all is its measure");
}

void run_index(const IndexArguments& options) {
  const Workspace workspace = Workspace::open(options.folder, Workspace::Access::read);
  const Settings settings = options.settings(workspace);
  const IndexSummary summary =
      options.dry_run ? predict_index(workspace, settings) : run_index_stage(workspace, settings);
  options.as_json ? print_json(summary) : print_text(summary);
}

void configure_index(CommandLine app) {
  auto options = std::make_shared<IndexArguments>();
  options->add(app, {"index"});
  app.add_flag("--dry-run", options->dry_run, "only predict the memory that indexing and searching take");
  app.callback([options] { run_index(*options); });
}

}  // namespace

Verb index_verb() {
  return {"index", "Pipeline", "index the embeddings and switch to them",
          "  cowatch index ws\n  cowatch index ws --dry-run --json               only the memory it takes\n"
          "  cowatch index ws --memory 2048                  refuses when it would take more\n"
          "  cowatch index ws --kind ivf --dry-run           the memory of inverted lists",
          configure_index};
}

}  // namespace cowatch

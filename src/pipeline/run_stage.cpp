#include "pipeline/run_stage.h"

#include <chrono>

#include "base/progress.h"
#include "pipeline/embed_stage.h"
#include "pipeline/extract_stage.h"
#include "pipeline/graph_stage.h"
#include "pipeline/map_stage.h"
#include "pipeline/train_stage.h"

namespace cowatch {
namespace {

struct Stage {
  const char* name;
  bool (*current)(const Workspace&, const Settings&);
  std::string (*run)(const Workspace&, const Settings&);  // returns the summary
};

const Stage stages[] = {
    {"extract", features_are_current,
     [](const Workspace& workspace, const Settings& settings) {
       const ExtractSummary made = run_extract_stage(workspace, settings);
       return std::to_string(made.extracted) + " files, " + std::to_string(made.refused.size()) + " refused, " + std::to_string(made.imported) +
              " imported rows; " + std::to_string(made.columns) + " columns";
     }},
    {"graph", graph_is_current,
     [](const Workspace& workspace, const Settings& settings) {
       const GraphSummary made = run_graph_stage(workspace, settings);
       return std::to_string(made.edges) + " edges of " + std::to_string(made.videos) + " videos, " + std::to_string(made.rounds.size()) + " rounds of clusters";
     }},
    {"train", model_is_current,
     [](const Workspace& workspace, const Settings& settings) {
       const TrainSummary made = run_train_stage(workspace, settings);
       return made.method + (made.why.empty() ? "" : ": " + made.why);
     }},
    {"embed", embeddings_are_current,
     [](const Workspace& workspace, const Settings& settings) {
       const EmbedSummary made = run_embed_stage(workspace, settings);
       return std::to_string(made.embedded) + " of " + std::to_string(made.videos) + " videos in " + std::to_string(made.width) + " numbers each";
     }},
    {"map", [](const Workspace& workspace, const Settings&) { return map_is_current(workspace); },
     [](const Workspace& workspace, const Settings&) {
       run_map_stage(workspace);
       return std::string("the page's map");
     }},
};

}  // namespace

std::vector<StageReport> run_stages(const Workspace& workspace, const Settings& settings,
                                    const std::function<void(const StageReport&)>& report) {
  std::vector<StageReport> done;
  for (const Stage& stage : stages) {
    throw_if_interrupted();
    const auto start = std::chrono::steady_clock::now();
    StageReport entry;
    entry.name = stage.name;
    entry.ran = !stage.current(workspace, settings);
    if (entry.ran) entry.summary = stage.run(workspace, settings);
    entry.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    report(entry);
    done.push_back(std::move(entry));
  }
  return done;
}

}  // namespace cowatch

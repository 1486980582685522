#include "pipeline/run_stage.h"

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/tensor_file.h"
#include "pipeline/embed_stage.h"
#include "pipeline/extract_stage.h"
#include "pipeline/graph_stage.h"
#include "pipeline/index_stage.h"
#include "pipeline/map_stage.h"
#include "pipeline/search_release.h"
#include "pipeline/train_stage.h"

namespace cowatch {
namespace {

struct Stage {
  const char* name;
  std::vector<Path> (*artifacts)(const Workspace&);
  bool (*current)(const Workspace&, const Settings&);
  std::string (*run)(const Workspace&, const Settings&);  // returns the summary
};

const Stage stages[] = {
    {"extract", [](const Workspace& workspace) { return std::vector{workspace.features()}; },
     features_are_current,
     [](const Workspace& workspace, const Settings& settings) {
       const ExtractSummary made = run_extract_stage(workspace, settings);
       return std::to_string(made.extracted) + " files, " + std::to_string(made.refused.size()) +
              " refused, " + std::to_string(made.imported) + " imported rows; " +
              std::to_string(made.columns) + " columns";
     }},
    {"graph",
     [](const Workspace& workspace) {
       return std::vector{workspace.graph(), workspace.tree(), watchers_file(workspace)};
     },
     graph_is_current,
     [](const Workspace& workspace, const Settings& settings) {
       const GraphSummary made = run_graph_stage(workspace, settings);
       return std::to_string(made.edges) + " edges of " + std::to_string(made.videos) + " videos, " +
              std::to_string(made.rounds.size()) + " rounds of clusters";
     }},
    {"train", [](const Workspace& workspace) { return std::vector{workspace.model()}; }, model_is_current,
     [](const Workspace& workspace, const Settings& settings) {
       const TrainSummary made = run_train_stage(workspace, settings);
       return made.method + (made.why.empty() ? "" : ": " + made.why);
     }},
    {"embed", [](const Workspace& workspace) { return std::vector{workspace.embeddings()}; },
     embeddings_are_current,
     [](const Workspace& workspace, const Settings& settings) {
       const EmbedSummary made = run_embed_stage(workspace, settings);
       return std::to_string(made.embedded) + " of " + std::to_string(made.videos) + " videos in " +
              std::to_string(made.width) + " numbers each";
     }},
    {"index", index_artifacts, index_is_current,
     [](const Workspace& workspace, const Settings& settings) {
       const IndexSummary made = run_index_stage(workspace, settings);
       return std::to_string(made.embedded) + " videos in use, searched " + way_of_search(made.kind);
     }},
    {"map", [](const Workspace& workspace) { return std::vector{map_file(workspace)}; },
     [](const Workspace& workspace, const Settings&) { return map_is_current(workspace); },
     [](const Workspace& workspace, const Settings&) {
       run_map_stage(workspace);
       return std::string("the page's map");
     }},
};

// What was made from the right inputs may have suffered since: then it is made again.
bool undamaged(const Path& artifact) {
  try {
    TensorFile(artifact, "", 1).verify();
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::damaged) throw;
    log(LogLevel::warning, "made again: " + std::string(error.what()));
    return false;
  }
}

bool is_current(const Stage& stage, const Workspace& workspace, const Settings& settings) {
  if (!stage.current(workspace, settings)) return false;
  const auto artifacts = stage.artifacts(workspace);
  return std::all_of(artifacts.begin(), artifacts.end(), undamaged);
}

// Learning, embedding and the map need features; without any, the graph alone answers.
bool lacks_features(const Stage& stage, const Workspace& workspace) {
  const std::string_view name = stage.name;
  return name != "extract" && name != "graph" && !std::filesystem::exists(workspace.features());
}

void run_one(const Stage& stage, const Workspace& workspace, const Settings& settings, StageReport& entry) {
  try {
    entry.summary = stage.run(workspace, settings);
    entry.ran = true;
  } catch (const Error& error) {
    if (entry.name != "extract" || error.code() != ErrorCode::missing_stage) throw;
    entry.summary = "skipped: no video has a file and no features were imported";
  }
}

}  // namespace

std::vector<StageReport> run_stages(const Workspace& workspace, const Settings& settings,
                                    const std::function<void(const StageReport&)>& report) {
  std::vector<StageReport> done;
  for (const Stage& stage : stages) {
    throw_if_interrupted();
    const double start = seconds_now();
    StageReport entry;
    entry.name = stage.name;
    if (lacks_features(stage, workspace)) {
      entry.summary = "skipped: there are no features; related videos come from the co-watch graph alone";
    } else if (is_current(stage, workspace, settings)) {
      entry.summary = "unchanged";
      // Left by a kill between the model and the end of its training.
      if (entry.name == "train") std::filesystem::remove_all(workspace.checkpoints());
      if (entry.name == "index") remove_other_releases(workspace);
    } else {
      run_one(stage, workspace, settings, entry);
    }
    entry.seconds = seconds_now() - start;
    report(entry);
    done.push_back(std::move(entry));
  }
  return done;
}

}  // namespace cowatch

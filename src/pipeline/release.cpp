#include "pipeline/release.h"

#include <sys/stat.h>

#include "base/error.h"
#include "pipeline/contents.h"
#include "pipeline/graph_stage.h"
#include "pipeline/search_release.h"

namespace cowatch {

std::string Release::stamp(const Workspace& workspace) {
  std::string text;
  for (const Path& path : {workspace.graph(), workspace.tree(), watchers_file(workspace), current_release_file(workspace),
                           workspace.embeddings()}) {
    struct stat status = {};
    if (::stat(path.c_str(), &status) != 0) status = {};
    text += std::to_string(status.st_ino) + ":" + std::to_string(status.st_size) + ":" +
            std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec) + " ";
  }
  return text;
}

std::shared_ptr<const Release> Release::open(const Workspace& workspace) {
  auto release = std::make_shared<Release>();
  release->made_from = stamp(workspace);
  release->model_ = workspace.model();
  if (std::filesystem::exists(workspace.graph())) release->graph = Graph::load(workspace.graph());
  if (std::filesystem::exists(workspace.tree())) release->tree = AffinityTree::load(workspace.tree());
  if (std::filesystem::exists(watchers_file(workspace)))
    release->watchers = Watchers::load(watchers_file(workspace));
  release->index = open_current_release(workspace);
  return release;
}

const Network& Release::network() const {
  const char* const remedy = "Run `cowatch run WS`.";
  if (!index) throw Error(ErrorCode::missing_stage, "nothing has been learnt yet", {.remedy = remedy});
  const std::lock_guard lock(loading_);
  if (network_) return *network_;
  if (content_digest(model_, remedy) != index->model())
    throw Error(ErrorCode::missing_stage,
                "the videos were embedded by another model than the one that is there",
                {.where = model_.string(), .remedy = remedy});
  network_.emplace(Network::load(model_)).keep_halves();  // uploads come one at a time
  return *network_;
}

}  // namespace cowatch

#include "pipeline/release.h"

#include <sys/stat.h>

namespace cowatch {

std::string Release::stamp(const Workspace& workspace) {
  std::string text;
  for (const Path& path : {workspace.graph(), workspace.tree(), workspace.embeddings()}) {
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
  if (std::filesystem::exists(workspace.graph())) release->graph = Graph::load(workspace.graph());
  if (std::filesystem::exists(workspace.tree())) release->tree = AffinityTree::load(workspace.tree());
  if (std::filesystem::exists(workspace.embeddings()))
    release->index = ExactIndex::open(workspace.embeddings());
  return release;
}

}  // namespace cowatch

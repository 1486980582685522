// Which embeddings are searched: a folder with one version of them and its index, and one file that names it.
//
//   search/NAME/embeddings.safetensors   the version (a hard link to the file as it was)
//   search/NAME/graph.index, ivf.index   its index, where there are enough videos
//   search/current.json                  {"release": NAME, "index": "exact", "graph" or "ivf", "input":
//   fingerprint}
//
// A new version is made beside the one in use; replacing current.json is the switch. Whenever the process is
// killed, current.json names a whole version. A server goes on with the maps it has until it looks again.
#pragma once

#include <optional>
#include <string>

#include "search/embedding_index.h"
#include "store/workspace.h"

namespace cowatch {

struct SearchRelease {
  std::string name;
  std::string input;  // fingerprint of what it was made from (pipeline/index_stage.h)
  IndexKind kind = IndexKind::exact;

  Path folder(const Workspace& workspace) const { return workspace.file("search") / name; }
  Path embeddings(const Workspace& workspace) const { return folder(workspace) / "embeddings.safetensors"; }
  Path index(const Workspace& workspace) const { return folder(workspace) / index_file(kind); }
  static std::string index_file(IndexKind kind) { return std::string(index_kind_name(kind)) + ".index"; }
};

Path current_release_file(const Workspace& workspace);
// The version in use; nothing before the first. Throws damaged, with the remedy.
std::optional<SearchRelease> current_release(const Workspace& workspace);
// Opens the version in use; before the first, the embeddings as they lie, searched exactly. nullopt: there are none.
std::optional<EmbeddingIndex> open_current_release(const Workspace& workspace);
// Makes a folder of the embeddings as they are now, lets `fill` add what belongs to them, switches to it and
// removes the others. The name is chosen here.
void switch_release(const Workspace& workspace, SearchRelease next,
                    const std::function<void(const Path& embeddings, const Path& folder)>& fill);
// What a kill left beside the version in use.
void remove_other_releases(const Workspace& workspace);

}  // namespace cowatch

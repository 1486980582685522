// What a workspace has released: the artifacts that answer questions, opened together and read-only. A reader
// keeps the release it began with; a newer one is opened beside it and swapped in whole.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "graph/tree.h"
#include "graph/watchers.h"
#include "learn/relational/network.h"
#include "search/embedding_index.h"
#include "store/workspace.h"

namespace cowatch {

struct Release {
  // Opens what is there; a part that is missing stays empty, a damaged one throws.
  static std::shared_ptr<const Release> open(const Workspace& workspace);
  // Changes when any of the files is replaced: sizes, times and inodes.
  static std::string stamp(const Workspace& workspace);

  std::optional<Graph> graph;
  std::optional<AffinityTree> tree;
  std::optional<Watchers> watchers;
  std::optional<EmbeddingIndex> index;
  std::string made_from;  // stamp() of the files that were opened

  // The model that made the embeddings, loaded on the first call; safe for many threads. Throws missing_stage
  // when there is none, or the embeddings are of another one.
  const Network& network() const;

 private:
  Path model_;
  mutable std::mutex loading_;
  mutable std::optional<Network> network_;
};

}  // namespace cowatch

// A folder in the `graph` shape: ids.txt, edges.tsv[.gz] with optional weights, features.npy[.gz], and where
// there are any titles.txt and labels.txt (comma-separated), a line a video.
#pragma once

#include <string>
#include <vector>

#include "store/catalogue.h"
#include "store/npy.h"

namespace cowatch {

struct GraphFolder {
  std::vector<std::string> ids;
  std::vector<std::string> titles;               // empty, or one a video
  std::vector<std::vector<std::string>> labels;  // empty, or one list a video
  std::vector<StoredEdge> edges;                 // u < v, as read otherwise
  NumberTable features;                          // rows 0 when there is no file

  struct Reject {
    std::string file;
    uint64_t line;
    std::string expected, found;
  };
  uint64_t lines_read = 0;      // of the edge file
  std::vector<Reject> rejects;  // edges that were refused: malformed, self-loop, weight not positive and
                                // finite, unknown video
};

// Throws not_found (naming the file that is missing) and bad_input (files whose lengths disagree, features
// that are not finite). Malformed edges are rejected one by one.
GraphFolder read_graph_folder(const Path& folder);

}  // namespace cowatch

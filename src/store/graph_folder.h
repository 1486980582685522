// A folder in the `graph` shape: ids.txt, edges.tsv[.gz] with optional weights, features.npy[.gz], and where
// there are any titles.txt and labels.txt (comma-separated), a line a video.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/catalogue.h"
#include "store/npy.h"

namespace cowatch {

struct GraphFolder {
  std::vector<std::string> ids;
  std::vector<std::string> titles, labels;  // empty, or one a video; labels parted by commas
  std::vector<StoredEdge> edges;            // between positions in `ids`, u < v, sorted, each pair once
  NumberTable features;                     // a row an id; rows 0 when there is no file

  struct Reject {
    std::string file;
    uint64_t line;
    std::string expected, found;
  };
  uint64_t lines_read = 0;      // of the edge file, empty ones left out
  uint64_t duplicates = 0;      // of a pair that an earlier line names, in either direction: the first counts
  std::vector<Reject> rejects;  // edges that were refused: malformed, self-loop, weight not positive and
                                // finite, unknown video
  uint64_t self_loops = 0;      // of the rejects
};

// Throws not_found (naming the file that is missing) and bad_input (files whose lengths disagree, ids that
// are empty, too long or there twice, features that are not finite). Malformed edges are rejected one by one;
// there may be none.
GraphFolder read_graph_folder(const Path& folder);

// The parts of it that others need: NAME, NAME.gz or NAME.zst in the folder; ids, one a line, each its own;
// one line of edges.tsv, which returns what was expected when it is malformed, otherwise "". Cells are parted
// by tabs, or by a blank each where the line has no tab.
std::optional<Path> find_file(const Path& folder, const std::string& name);
std::vector<std::string> read_ids(const Path& path);
std::string read_edge(std::string_view line, size_t videos, StoredEdge& edge);
inline constexpr std::string_view edge_of_two = "two different videos";  // expected of a self-loop

}  // namespace cowatch

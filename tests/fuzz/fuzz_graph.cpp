// The text files of a graph folder: ids that are all different, edges between two of them.
#include <cmath>
#include <set>

#include "fuzz/fuzz.h"
#include "store/graph_folder.h"
#include "store/text_input.h"

using namespace cowatch;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::MemoryFile file(fuzz::text_of(data, size));
  try {
    const std::vector<std::string> ids = read_ids(file.path());
    fuzz::expect(std::set<std::string>(ids.begin(), ids.end()).size() == ids.size(),
                 "ids that are all different");
  } catch (const Error&) {
  }
  try {
    for_each_line(file.path(), [](uint64_t number, std::string_view line) {
      fuzz::expect(number > 0, "lines from 1");
      StoredEdge edge = {};
      if (!read_edge(line, 100, edge).empty()) return;
      fuzz::expect(edge.u < edge.v && edge.v < 100, "two videos in order");
      fuzz::expect(std::isfinite(edge.weight) && edge.weight > 0, "a positive weight");
    });
  } catch (const Error&) {
  }
  return 0;
}

// The file of a graph: kind "graph" (docs/formats.md). A file is believed only after every promise of Graph
// is checked.
#include <algorithm>
#include <cmath>

#include "graph/graph.h"
#include "graph/parallel_search.h"

namespace cowatch {
namespace {

constexpr int newest_graph = 1;
constexpr size_t row_grain = 4096;

[[noreturn]] void refuse(const Path& path, const std::string& expected, const std::string& found) {
  throw Error(ErrorCode::damaged, "this is not a well-formed graph",
              {.where = path.string(),
               .expected = expected,
               .found = found,
               .remedy = "Delete the file and run `cowatch graph` (or `cowatch run`) again."});
}

// What is wrong with a row, or nullptr.
const char* fault_of_row(const Graph& graph, uint32_t node) {
  const auto row = graph.neighbours(node);
  const auto weights = graph.weights(node);
  for (size_t i = 0; i != row.size(); ++i) {
    if (row[i] >= graph.nodes()) return "a neighbour beyond the last video";
    if (row[i] == node) return "a self-loop";
    if (i > 0 && row[i] <= row[i - 1]) return "neighbours out of order";
    if (!(weights[i] > 0) || !std::isfinite(weights[i]))
      return "a weight that is not a finite number above 0";
  }
  return nullptr;
}

const char* fault_of_mirror(const Graph& graph, uint32_t node) {
  const auto row = graph.neighbours(node);
  const auto weights = graph.weights(node);
  for (size_t i = 0; i != row.size(); ++i) {
    const auto other = graph.neighbours(row[i]);
    const auto found = std::lower_bound(other.begin(), other.end(), node);
    if (found == other.end() || *found != node) return "an edge without its other direction";
    if (graph.weights(row[i])[static_cast<size_t>(found - other.begin())] != weights[i]) {
      return "an edge whose directions differ in weight";
    }
  }
  return nullptr;
}

void check_rows(const Graph& graph, const Path& path, const char* (*fault)(const Graph&, uint32_t)) {
  const size_t wrong = first_index(graph.nodes(), row_grain, [&](size_t node) {
    return fault(graph, static_cast<uint32_t>(node)) != nullptr;
  });
  if (wrong == graph.nodes()) return;
  refuse(path, "sorted rows of an undirected graph with positive weights",
         std::string(fault(graph, static_cast<uint32_t>(wrong))) + " at video " + std::to_string(wrong));
}

}  // namespace

void Graph::save(const Path& path, const Metadata& origin) const {
  const std::vector<uint64_t> no_offsets{0};
  const auto& offsets = offsets_.empty() ? no_offsets : offsets_;
  TensorFileWriter writer("graph", newest_graph);
  for (const auto& [key, value] : origin) writer.set(key, value);
  writer.add<uint64_t>("offsets", {offsets.size()}, offsets);
  writer.add<uint32_t>("neighbours", {neighbours_.size()}, neighbours_);
  writer.add<float>("weights", {weights_.size()}, weights_);
  writer.write(path);
}

Graph Graph::load(const Path& path) {
  const TensorFile file(path, "graph", newest_graph);
  const auto offsets = file.tensor<uint64_t>("offsets");
  const auto neighbours = file.tensor<uint32_t>("neighbours");
  const auto weights = file.tensor<float>("weights");
  if (offsets.empty() || offsets.front() != 0 || offsets.back() != neighbours.size()) {
    refuse(path, "row offsets from 0 to the number of neighbours", "others");
  }
  if (!std::is_sorted(offsets.begin(), offsets.end())) refuse(path, "rising row offsets", "falling ones");
  if (weights.size() != neighbours.size()) {
    refuse(path, std::to_string(neighbours.size()) + " weights", std::to_string(weights.size()));
  }
  Graph graph;
  graph.offsets_.assign(offsets.begin(), offsets.end());
  graph.neighbours_.assign(neighbours.begin(), neighbours.end());
  graph.weights_.assign(weights.begin(), weights.end());
  check_rows(graph, path, fault_of_row);
  check_rows(graph, path, fault_of_mirror);
  return graph;
}

}  // namespace cowatch

#include "store/graph_folder.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "store/input_stream.h"

namespace cowatch {
namespace {

// NAME, NAME.gz or NAME.zst in the folder.
std::optional<Path> find_file(const Path& folder, const std::string& name) {
  for (const char* ending : {"", ".gz", ".zst"}) {
    const Path path = folder / (name + ending);
    if (std::filesystem::exists(path)) return path;
  }
  return std::nullopt;
}

Path need_file(const Path& folder, const std::string& name) {
  if (const auto path = find_file(folder, name)) return *path;
  throw Error(ErrorCode::not_found, "a file of the graph shape is missing",
              {.where = folder.string(),
               .expected = name + " (also .gz or .zst)",
               .found = "none",
               .remedy = "docs/import.md describes the folder."});
}

std::vector<std::string> read_lines(const Path& path) {
  const std::string text = InputStream(path).read_all();
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin - (end > begin && text[end - 1] == '\r')));
    begin = end + 1;
  }
  return lines;
}

std::vector<std::string> read_column(const Path& folder, const std::string& name, size_t videos) {
  const auto path = find_file(folder, name);
  if (!path) return {};
  auto lines = read_lines(*path);
  if (lines.size() == videos) return lines;
  throw Error(ErrorCode::bad_input, "two files of the graph shape disagree",
              {.where = path->string(),
               .expected = std::to_string(videos) + " lines, as ids.txt has",
               .found = std::to_string(lines.size())});
}

std::vector<std::string> split(const std::string& line, char separator) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= line.size();) {
    const size_t end = std::min(line.find(separator, begin), line.size());
    if (end > begin) parts.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

template <typename Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// What is wrong with an edge's line, or "".
std::string read_edge(const std::string& line, size_t videos, StoredEdge& edge) {
  const auto cells = split(line, '\t');
  edge.weight = 1;
  if (cells.size() < 2 || cells.size() > 3) return "two or three cells parted by tabs";
  if (!parse(cells[0], edge.u) || !parse(cells[1], edge.v) || edge.u >= videos || edge.v >= videos) {
    return "two video numbers below " + std::to_string(videos);
  }
  if (cells.size() == 3 &&
      (!parse(cells[2], edge.weight) || !std::isfinite(edge.weight) || edge.weight <= 0)) {
    return "a weight that is positive and finite";
  }
  if (edge.u == edge.v) return "two different videos";
  if (edge.u > edge.v) std::swap(edge.u, edge.v);
  return "";
}

}  // namespace

GraphFolder read_graph_folder(const Path& folder) {
  if (!std::filesystem::is_directory(folder)) {
    throw Error(ErrorCode::not_found, "there is no such folder", {.where = folder.string()});
  }
  GraphFolder graph;
  graph.ids = read_lines(need_file(folder, "ids.txt"));
  graph.titles = read_column(folder, "titles.txt", graph.ids.size());
  for (const std::string& line : read_column(folder, "labels.txt", graph.ids.size()))
    graph.labels.push_back(split(line, ','));
  const Path edge_file = need_file(folder, "edges.tsv");
  for (const std::string& line : read_lines(edge_file)) {
    ++graph.lines_read;
    StoredEdge edge;
    const std::string expected = read_edge(line, graph.ids.size(), edge);
    if (expected.empty()) {
      graph.edges.push_back(edge);
    } else {
      graph.rejects.push_back(
          {edge_file.filename().string(), graph.lines_read, expected, line.substr(0, 80)});
    }
  }
  if (const auto path = find_file(folder, "features.npy")) {
    graph.features = read_npy(*path);
    if (graph.features.rows != graph.ids.size()) {
      throw Error(ErrorCode::bad_input, "features of the wrong length",
                  {.where = path->string(),
                   .expected = std::to_string(graph.ids.size()) + " rows, a video each",
                   .found = std::to_string(graph.features.rows)});
    }
  }
  return graph;
}

}  // namespace cowatch

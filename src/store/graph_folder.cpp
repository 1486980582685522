#include "store/graph_folder.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "store/catalogue_tools.h"
#include "store/text_input.h"

namespace cowatch {
namespace {

Path need_file(const Path& folder, const std::string& name) {
  if (const auto path = find_file(folder, name)) return *path;
  throw Error(ErrorCode::not_found, "a file of the graph shape is missing",
              {.where = folder.string(),
               .expected = name + " (also .gz or .zst)",
               .found = "none",
               .remedy = "docs/import.md describes the folder."});
}

std::vector<std::string> read_lines(const Path& path) {
  check_compression(path);
  std::vector<std::string> lines;
  for_each_line(path, [&](uint64_t, std::string_view line) { lines.emplace_back(line); });
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
               .found = std::to_string(lines.size()),
               .remedy = "Write a line for each video, an empty one where nothing is known."});
}

// Cells that may not be empty; more than `most` are not looked at.
std::vector<std::string_view> split(std::string_view line, char separator, size_t most) {
  std::vector<std::string_view> parts;
  while (parts.size() <= most) {
    const size_t end = std::min(line.find(separator), line.size());
    parts.push_back(line.substr(0, end));
    if (end == line.size()) break;
    line.remove_prefix(end + 1);
  }
  return parts;
}

template <typename Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// Leaves the first edge of each pair, sorted by pair; returns how many more there were.
uint64_t make_distinct(std::vector<StoredEdge>& edges) {
  const auto pair = [](const StoredEdge& edge) { return uint64_t{edge.u} << 32 | edge.v; };
  std::ranges::stable_sort(edges, {}, pair);
  const auto repeats = std::unique(edges.begin(), edges.end(),
                                   [&](const StoredEdge& a, const StoredEdge& b) { return pair(a) == pair(b); });
  const auto count = static_cast<uint64_t>(edges.end() - repeats);
  edges.erase(repeats, edges.end());
  return count;
}

}  // namespace

std::optional<Path> find_file(const Path& folder, const std::string& name) {
  for (const char* ending : {"", ".gz", ".zst"}) {
    const Path path = folder / (name + ending);
    if (std::filesystem::exists(path)) return path;
  }
  return std::nullopt;
}

std::vector<std::string> read_ids(const Path& path) {
  std::vector<std::string> ids = read_lines(path);
  std::unordered_map<std::string_view, size_t> first;
  const auto refuse = [&](size_t line, const char* what, std::string expected, std::string found) {
    throw Error(ErrorCode::bad_input, what,
                {.where = path.string() + ", line " + std::to_string(line),
                 .expected = std::move(expected),
                 .found = std::move(found),
                 .remedy = "Give each video an id of its own, one a line."});
  };
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i].empty() || ids[i].size() > longest_id || ids[i].find('\0') != std::string::npos) {
      refuse(i + 1, "a video has no usable id", "1 to " + std::to_string(longest_id) + " bytes of text",
             ids[i].empty() ? "an empty line" : std::to_string(ids[i].size()) + " bytes");
    }
    const auto [found, added] = first.emplace(ids[i], i + 1);
    if (!added) {
      refuse(i + 1, "two videos have one id", "an id that no other line has",
             "'" + std::string(cut_text(ids[i], 40)) + "', which line " + std::to_string(found->second) +
                 " has");
    }
  }
  return ids;
}

std::string read_edge(std::string_view line, size_t videos, StoredEdge& edge) {
  const auto cells = split(line, line.find('\t') == std::string_view::npos ? ' ' : '\t', 3);
  edge.weight = 1;
  if (cells.size() < 2 || cells.size() > 3) return "two or three cells parted by tabs or single blanks";
  if (!parse(cells[0], edge.u) || !parse(cells[1], edge.v) || edge.u >= videos || edge.v >= videos) {
    return "two video numbers below " + std::to_string(videos);
  }
  const auto fits = [&] {  // the graph keeps float32
    const auto kept = static_cast<float>(edge.weight);
    return std::isfinite(kept) && kept > 0;
  };
  if (cells.size() == 3 && (!parse(cells[2], edge.weight) || !fits()))
    return "a weight that is positive and finite in float32";
  if (edge.u == edge.v) return std::string(edge_of_two);
  if (edge.u > edge.v) std::swap(edge.u, edge.v);
  return "";
}

GraphFolder read_graph_folder(const Path& folder) {
  if (!std::filesystem::is_directory(folder)) {
    throw Error(ErrorCode::not_found, "there is no such folder", {.where = folder.string()});
  }
  GraphFolder graph;
  graph.ids = read_ids(need_file(folder, "ids.txt"));
  graph.titles = read_column(folder, "titles.txt", graph.ids.size());
  graph.labels = read_column(folder, "labels.txt", graph.ids.size());
  const Path edge_file = need_file(folder, "edges.tsv");
  check_compression(edge_file);
  for_each_line(edge_file, [&](uint64_t number, std::string_view line) {
    if (line.empty()) return;
    ++graph.lines_read;
    StoredEdge edge;
    const std::string expected = read_edge(line, graph.ids.size(), edge);
    if (expected.empty()) {
      graph.edges.push_back(edge);
    } else {
      graph.self_loops += expected == edge_of_two;
      graph.rejects.push_back(
          {edge_file.filename().string(), number, expected, std::string(cut_text(line, 80))});
    }
  });
  graph.duplicates = make_distinct(graph.edges);
  if (const auto path = find_file(folder, "features.npy")) {
    graph.features = read_npy(*path);
    if (graph.features.rows != graph.ids.size()) {
      throw Error(ErrorCode::bad_input, "features of the wrong length",
                  {.where = path->string(),
                   .expected = std::to_string(graph.ids.size()) + " rows, a video each",
                   .found = std::to_string(graph.features.rows),
                   .remedy = "Write a row for each line of ids.txt; zeros where a video has no features."});
    }
  }
  return graph;
}

}  // namespace cowatch

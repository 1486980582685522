#include "bench/relational_data.h"

#include <algorithm>
#include <sstream>

#include "base/error.h"
#include "base/threads.h"
#include "graph/pairs.h"
#include "media/world.h"
#include "store/graph_folder.h"

namespace cowatch::bench {
namespace {

constexpr size_t people_at_once = 8192;

std::vector<std::string> read_groups(const Path& path, size_t videos) {
  std::vector<std::string> groups;
  std::istringstream lines(read_text(path));
  for (std::string line; std::getline(lines, line);) groups.push_back(std::move(line));
  if (groups.size() != videos) {
    throw Error(ErrorCode::bad_input, "the groups are not of these videos",
                {.where = path.string(),
                 .expected = std::to_string(videos) + " lines, one a video",
                 .found = std::to_string(groups.size())});
  }
  return groups;
}

void add_people(const World& world, size_t first, size_t count, PairCounter& counter) {
  std::vector<std::vector<WorldEvent>> events(count);
  parallel_for(count, 64, [&](size_t begin, size_t end) {
    for (size_t p = begin; p < end; ++p) events[p] = world.events_of(static_cast<uint32_t>(first + p));
  });
  for (const auto& of_person : events) {
    for (const WorldEvent& event : of_person) {
      if (event.kind != FeedbackKind::watch) continue;
      counter.add({.user = event.person,
                   .item = event.video,
                   .time_ms = event.time_ms,
                   .watched_ms = event.watched_ms,
                   .length_ms = event.length_ms});
    }
  }
}

}  // namespace

RelationalData load_folder(const Path& folder, const Path& groups) {
  GraphFolder data = read_graph_folder(folder);
  if (data.features.rows == 0) {
    throw Error(ErrorCode::bad_input, "the folder has no features",
                {.where = folder.string(), .expected = "features.npy or features.npy.gz"});
  }
  if (data.edges.empty() && !data.rejects.empty()) {
    const auto& first = data.rejects.front();
    throw Error(
        ErrorCode::bad_input, "no line of the edge file is an edge",
        {.where = (folder / first.file).string() + ", line " + std::to_string(first.line),
         .expected = first.expected,
         .found = "'" + first.found + "'",
         .remedy =
             "Write u<TAB>v or u<TAB>v<TAB>weight, where u and v are lines of ids.txt, counted from 0."});
  }
  const size_t videos = data.ids.size();
  const std::vector<std::string> group_of =
      groups.empty() ? std::vector<std::string>() : read_groups(groups, videos);
  const auto known = [](const std::string& group) { return !group.empty() && group != "-1"; };
  RelationalData result;
  result.rejected = data.rejects.size();
  result.self_loops = data.self_loops;
  result.duplicates = data.duplicates;
  std::vector<Edge> edges;
  for (const StoredEdge& edge : data.edges) {
    if (!group_of.empty() &&
        (!known(group_of[edge.u]) || !known(group_of[edge.v]) || group_of[edge.u] == group_of[edge.v])) {
      ++result.left_out;
      continue;
    }
    edges.push_back({edge.u, edge.v, static_cast<float>(edge.weight)});
  }
  result.features = FeatureTable::of_rows(videos, data.features.columns, std::move(data.features.values));
  result.graph = Graph::from_edges(videos, std::move(edges));
  return result;
}

RelationalData make_world_data(size_t videos, uint64_t seed) {
  WorldSettings settings;
  settings.videos = static_cast<uint32_t>(videos);
  settings.seed = seed;
  const World world = make_world(settings);
  PairSettings counting;
  PairCounter counter(videos, counting);
  for (size_t first = 0; first < world.settings.people; first += people_at_once)
    add_people(world, first, std::min<size_t>(people_at_once, world.settings.people - first), counter);
  PairReport report;
  RelationalData data;
  data.graph = Graph::from_edges(videos, pair_edges(counter, counting, report));
  SimulatedFeatures features = simulate_features(world);
  std::vector<Modality> modalities;
  for (const auto& modality : features.modalities)
    modalities.push_back({std::string(modality.name), modality.begin, modality.end});
  data.features = FeatureTable(videos, std::move(modalities), std::move(features.values));
  return data;
}

}  // namespace cowatch::bench

#include "serve/views.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <map>

#include "base/error.h"
#include "base/version.h"
#include "learn/curves.h"
#include "pipeline/map_stage.h"
#include "serve/present.h"
#include "store/health.h"

namespace cowatch::serve {
namespace {

struct StageFile {
  const char* name;
  Path path;
  const char* command;
};

std::vector<StageFile> stage_files(const Workspace& workspace) {
  return {{"import", workspace.catalogue(), "cowatch import WS --events FILE"},
          {"features", workspace.features(), "cowatch extract WS"},
          {"graph", workspace.graph(), "cowatch graph WS"},
          {"tree", workspace.tree(), "cowatch graph WS"},
          {"model", workspace.model(), "cowatch train WS relational"},
          {"embeddings", workspace.embeddings(), "cowatch embed WS"},
          {"map", map_file(workspace), "cowatch run WS"}};
}

std::string modified(const Path& path) {
  const auto time = std::chrono::file_clock::to_sys(std::filesystem::last_write_time(path));
  return iso_time(std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

Json stages_json(const Workspace& workspace) {
  Json stages = Json::array();
  for (const StageFile& stage : stage_files(workspace)) {
    const bool there = std::filesystem::exists(stage.path);
    Json json = {{"Name", stage.name}, {"Ready", there}, {"Command", stage.command}};
    if (there) json["Made"] = modified(stage.path);
    stages.push_back(std::move(json));
  }
  return stages;
}

const AffinityTree& need_tree(const Call& call) {
  if (call.release->tree) return *call.release->tree;
  throw Error(ErrorCode::missing_stage, "there is no affinity tree yet",
              {.remedy = "Run `cowatch graph WS` (or `cowatch run WS`)."});
}

// A few videos of a cluster, visible ones only.
Json sample(const Call& call, AffinityTree::Range range, size_t count, std::map<std::string, int>* tags) {
  Json items = Json::array();
  const auto order = call.release->tree->order();
  for (uint32_t at = range.begin; at < range.end && items.size() < count; ++at) {
    const auto item = call.catalogue.item(order[at]);
    if (!item || item->hidden) continue;
    if (tags) {
      for (const std::string& tag : item->hashtags) ++(*tags)[tag];
    }
    items.push_back(to_json(*item, call.catalogue));
  }
  return items;
}

// Clusters of round - 1 (or single videos, round 1) inside a range, largest first; only those of two and more
// videos are listed.
std::vector<std::pair<uint32_t, AffinityTree::Range>> children(const AffinityTree& tree, size_t round,
                                                               AffinityTree::Range range, size_t& all) {
  std::vector<std::pair<uint32_t, AffinityTree::Range>> found;
  all = 0;
  for (uint32_t at = range.begin; at < range.end;) {
    if (round == 1) {
      all = range.size();
      break;
    }
    const uint32_t child = tree.cluster(round - 1, tree.order()[at]);
    const auto inner = tree.range(round - 1, child);
    ++all;
    if (inner.size() > 1) found.emplace_back(child, inner);
    at = inner.end;
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return a.second.size() > b.second.size(); });
  return found;
}

Json cluster_json(const Call& call, size_t round, uint32_t number, AffinityTree::Range range) {
  std::map<std::string, int> tags;
  Json items = sample(call, range, 6, &tags);
  std::vector<std::pair<int, std::string>> frequent;
  for (const auto& [tag, count] : tags) frequent.emplace_back(-count, tag);
  std::sort(frequent.begin(), frequent.end());
  Json names = Json::array();
  for (size_t i = 0; i < frequent.size() && i < 3; ++i) names.push_back(frequent[i].second);
  size_t all = 0;
  children(*call.release->tree, round, range, all);
  return {{"Round", round},  {"Cluster", number}, {"Size", range.size()},
          {"Children", all}, {"Hashtags", names}, {"Sample", items}};
}

}  // namespace

Response ready(Call& call) {
  // Either answers; a platform of which nobody watched anything, or without features, has one of them.
  Json missing = Json::array();
  bool ready = false;
  for (const StageFile& stage : stage_files(call.service.workspace())) {
    const std::string name = stage.name;
    if (name != "graph" && name != "embeddings") continue;
    if (std::filesystem::exists(stage.path)) {
      ready = true;
    } else {
      missing.push_back({{"Stage", name}, {"Command", stage.command}});
    }
  }
  return json_response({{"Ready", ready}, {"Missing", missing}}, ready ? 200 : 503);
}

Response health(Call& call) {
  const Health health = call.service.health(call.catalogue);
  Json facts = Json::array();
  const auto fact = [&](const std::string& name, const std::string& value, const std::string& state,
                        const std::string& note) {
    facts.push_back({{"Name", name}, {"Value", value}, {"State", state}, {"Note", note}});
  };
  const auto share = [&](uint64_t part) {
    return health.videos ? static_cast<double>(part) / static_cast<double>(health.videos) : 0;
  };
  const auto graded = [](double value, double good, double fair) {
    return value >= good ? "good" : value >= fair ? "fair" : "poor";
  };
  char text[64];
  if (health.people > 0) fact("people", std::to_string(health.people), "fact", "");
  fact("videos", std::to_string(health.videos), "fact", "");
  for (const auto& [kind, count] : health.events_by_kind)
    fact(kind + " events", std::to_string(count), "fact", "");
  if (health.edges > 0) fact("imported edges", std::to_string(health.edges), "fact", "");
  if (health.people > 0) {
    std::snprintf(text, sizeof text, "%.4g %%", 100 * health.density);
    fact("density", text, "fact", "watched pairs of person and video, of all");
  }
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share(health.cold_videos));
  fact("cold videos", text, graded(1 - share(health.cold_videos), 0.8, 0.4),
       std::string(health.people > 0 ? "nobody watched them" : "without a link to another") +
           ": their place is learnt from " + (health.has_features ? "their features" : "sight and sound"));
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share(health.with_file));
  fact("videos with a file", text, health.has_features ? "fact" : graded(share(health.with_file), 0.9, 0.3),
       health.has_features ? "features were imported" : "");
  fact("refused files", std::to_string(health.refused), health.refused ? "fair" : "good",
       "the reason stands at each video");
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share(health.with_hashtags));
  fact("videos with hashtags", text, graded(share(health.with_hashtags), 0.2, 0.05), "");
  for (const auto& entry : health.possible)
    fact(entry.what, entry.possible ? "possible" : "not yet", entry.possible ? "good" : "poor",
         entry.because);
  return json_response({{"Facts", facts}, {"Stages", stages_json(call.service.workspace())}});
}

Response summary(Call& call) {
  const Health health = call.service.health(call.catalogue);
  Json json = {{"Program", version()},
               {"Commit", commit()},
               {"Items", call.catalogue.item_count()},
               {"Users", call.catalogue.user_count()},
               {"Feedback", health.events},
               {"FeedbackByType", health.events_by_kind},
               {"Stages", stages_json(call.service.workspace())},
               {"NeedsKey", !call.service.key().empty()},
               {"UploadLimit", call.service.upload_limit()}};
  if (call.release->graph) json["Edges"] = call.release->graph->edges();
  if (call.release->tree) json["Rounds"] = call.release->tree->rounds();
  if (const auto& watchers = call.release->watchers) {
    if (watchers->watches() > 0) {
      json["PopularBy"] = "people";
    } else if (call.release->graph && call.release->graph->edges() > 0) {
      json["PopularBy"] = "links";
    }
  }
  json["Dated"] = call.catalogue.dated_item_count();
  if (call.release->index) {
    json["Embedded"] = call.release->index->size();
    json["Dimensions"] = call.release->index->width();
    json["Model"] = call.release->index->model();
    json["Released"] = modified(call.service.workspace().embeddings());
  }
  return json_response(json);
}

Response tree(Call& call) {
  const AffinityTree& tree = need_tree(call);
  const size_t count = static_cast<size_t>(call.request.whole("n", 24, 1, 200));
  Json levels = Json::array();
  for (size_t round = 1; round <= tree.rounds(); ++round) {
    uint64_t clusters = 0;
    uint32_t largest = 0;
    for (uint32_t c = 0; c < tree.clusters(round); ++c) {
      clusters += tree.range(round, c).size() > 1;
      largest = std::max(largest, tree.range(round, c).size());
    }
    levels.push_back({{"Round", round}, {"Clusters", clusters}, {"Largest", largest}});
  }
  Json roots = Json::array();
  uint64_t alone = tree.videos(), total = 0;
  if (tree.rounds() > 0) {
    size_t all = 0;
    const auto found = children(tree, tree.rounds() + 1, {0, static_cast<uint32_t>(tree.videos())}, all);
    total = found.size();
    alone = all - total;
    for (size_t i = 0; i < found.size() && i < count; ++i)
      roots.push_back(cluster_json(call, tree.rounds(), found[i].first, found[i].second));
  }
  return json_response({{"Rounds", tree.rounds()},
                        {"Videos", tree.videos()},
                        {"Alone", alone},
                        {"Levels", levels},
                        {"Total", total},
                        {"Roots", roots}});
}

Response cluster(Call& call) {
  const AffinityTree& tree = need_tree(call);
  const auto number = [&](const std::string& text, size_t least, size_t most) {
    Request request;
    request.query["n"] = text;
    try {
      return static_cast<size_t>(
          request.whole("n", 0, static_cast<int64_t>(least), static_cast<int64_t>(most)));
    } catch (const Error&) {
      throw Error(ErrorCode::not_found, "there is no such cluster",
                  {.found = call.path[0] + "/" + call.path[1]});
    }
  };
  const size_t round = number(call.path[0], 1, tree.rounds());
  const auto which = static_cast<uint32_t>(number(call.path[1], 0, tree.clusters(round) - 1));
  const auto range = tree.range(round, which);
  const size_t count = static_cast<size_t>(call.request.whole("n", 24, 1, 200));
  Json path = Json::array();
  const uint32_t first = tree.order()[range.begin];
  for (size_t above = tree.rounds(); above > round; --above) {
    const uint32_t holder = tree.cluster(above, first);
    path.push_back({{"Round", above}, {"Cluster", holder}, {"Size", tree.range(above, holder).size()}});
  }
  size_t all = 0;
  const auto inner = children(tree, round, range, all);
  Json list = Json::array();
  for (size_t i = 0; i < inner.size() && i < count; ++i)
    list.push_back(cluster_json(call, round - 1, inner[i].first, inner[i].second));
  return json_response({{"Round", round},
                        {"Cluster", which},
                        {"Size", range.size()},
                        {"Path", path},
                        {"Total", inner.size()},
                        {"Children", list},
                        {"Items", sample(call, range, count * 2, nullptr)}});
}

Response map(Call& call) {
  if (!std::filesystem::exists(map_file(call.service.workspace()))) {
    throw Error(ErrorCode::missing_stage, "the map was not made yet", {.remedy = "Run `cowatch run WS`."});
  }
  const TensorFile file(map_file(call.service.workspace()), "map", 1);
  const auto positions = file.tensor<float>("positions");
  const size_t rows = file.shape("positions")[0];
  const size_t rounds = call.release->tree ? call.release->tree->rounds() : 0;
  const auto round = static_cast<size_t>(
      call.request.whole("round", static_cast<int64_t>(rounds), 0, static_cast<int64_t>(rounds)));
  const auto most = static_cast<size_t>(call.request.whole("n", 100000, 1, 1000000));
  Json index = Json::array(), x = Json::array(), y = Json::array(), clusters = Json::array();
  const std::vector<uint32_t> hidden = call.catalogue.hidden_items();
  uint64_t total = 0;
  for (uint32_t row = 0; row < rows; ++row) {
    if (positions[2 * row] != positions[2 * row]) continue;  // NaN: no embedding
    if (std::binary_search(hidden.begin(), hidden.end(), row)) continue;
    if (++total > most) continue;
    index.push_back(row);
    x.push_back(std::round(positions[2 * row] * 1e4) / 1e4);
    y.push_back(std::round(positions[2 * row + 1] * 1e4) / 1e4);
    int64_t cluster = -1;
    if (round > 0 && row < call.release->tree->videos() &&
        call.release->tree->range_of(round, row).size() > 1) {
      cluster = call.release->tree->cluster(round, row);
    }
    clusters.push_back(cluster);
  }
  return json_response({{"Method", file.get("method")},
                        {"Rounds", rounds},
                        {"Round", round},
                        {"Total", total},
                        {"Index", index},
                        {"X", x},
                        {"Y", y},
                        {"Cluster", clusters}});
}

Response curves(Call& call) {
  constexpr size_t most_points = 500;  // a line: more than a screen is wide
  Json runs = Json::array();
  const Path folder = call.service.workspace().curves();
  for (const std::string& name : curve_names(folder)) {
    std::map<std::string, std::vector<CurvePoint>> series;
    for (const CurvePoint& point : read_curves(curve_file(folder, name))) series[point.tag].push_back(point);
    Json list = Json::array();
    for (const auto& [tag, points] : series) {
      Json steps = Json::array(), values = Json::array();
      const size_t stride = (points.size() + most_points - 1) / most_points;
      for (size_t i = 0; i < points.size(); i += stride) {
        steps.push_back(points[i].step);
        values.push_back(points[i].value);
      }
      list.push_back({{"Tag", tag}, {"Steps", steps}, {"Values", values}});
    }
    runs.push_back({{"Name", name}, {"Series", list}});
  }
  return json_response({{"Runs", runs}});
}

}  // namespace cowatch::serve

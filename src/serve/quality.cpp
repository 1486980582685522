#include "serve/quality.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/json.h"
#include "pipeline/index_stage.h"
#include "pipeline/search_release.h"
#include "search/distance.h"
#include "serve/vectors/each_collection.h"

namespace cowatch::serve {
namespace {

constexpr double low_recall = 0.9, enough_recall = 200;  // true neighbours sampled before recall is judged
constexpr size_t many_unindexed = 50'000;                // points that a scan of takes some milliseconds
constexpr double many_refused = 0.01;

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", 100 * share);
  return text;
}

bool is_low(const RecallSampler::Count& recall) {
  return static_cast<double>(recall.wanted) >= enough_recall &&
         static_cast<double>(recall.found) < low_recall * static_cast<double>(recall.wanted);
}

std::string found_of(const RecallSampler::Count& recall) {
  return percent(static_cast<double>(recall.found) / static_cast<double>(recall.wanted));
}

class Notices {
 public:
  explicit Notices(std::string address) : address_(std::move(address)) {}
  void add(const char* kind, std::string text, std::string command) {
    list_.push_back({{"Kind", kind}, {"Text", std::move(text)}, {"Command", std::move(command)}});
  }
  std::string request(const char* method, const std::string& path, const Json& body) const {
    return std::string("curl -X ") + method + " " + address_ + path + " -H 'Content-Type: application/json' -d '" + body.dump() + "'";
  }
  Json take() { return std::move(list_); }

 private:
  std::string address_;
  Json list_ = Json::array();
};

void judge_damage(Notices& notices, const CollectionFacts& facts) {
  if (!facts.failure.empty()) {
    const bool mendable = !facts.snapshot.empty();
    notices.add("damage", "The collection " + facts.name + " cannot be opened: " + facts.failure + (mendable ? ". Its newest snapshot can take its place." : "."),
                mendable ? "cowatch vectors restore WORKSPACE " + facts.name + " " + facts.snapshot
                         : "cowatch vectors check WORKSPACE " + facts.name);
    return;
  }
  if (facts.status.damage.empty()) return;
  notices.add("damage",
              "Damage was found in " + facts.name + ": " + facts.status.damage.back() +
                  ". With the server stopped, the command reads every byte and says what is left.",
              "cowatch vectors check WORKSPACE " + facts.name);
}

// Four times the lists that are scanned unless a search says how many.
size_t more_probes(const CollectionFacts& facts) {
  const auto usual_lists = static_cast<size_t>(2 * std::sqrt(static_cast<double>(facts.status.points)));
  return 4 * usual_probes(facts.config.index.lists > 0 ? facts.config.index.lists : usual_lists);
}

void judge_recall(Notices& notices, const CollectionFacts& facts) {
  const IndexOptions& index = facts.config.index;
  if (index.kind == IndexKind::exact || !is_low(facts.recall)) return;
  const std::string more =
      index.kind == IndexKind::ivf ? "\"probes\": " + std::to_string(more_probes(facts)) : "\"hnsw_ef\": 256";
  const std::string low = "Searches of " + facts.name + " find " + found_of(facts.recall) +
                          " of the true neighbours. Those that say \"params\": {" + more + "} find more. ";
  if (index.kind == IndexKind::graph) {
    const size_t links = std::min<size_t>(64, index.degree), effort = std::min<size_t>(1024, 2 * index.build_effort);
    notices.add("recall", low + "So do all once its graphs were built anew and denser, which goes on behind the searches:",
                notices.request("PATCH", "/collections/" + facts.name,
                                {{"hnsw_config", {{"m", links}, {"ef_construct", effort}}}}));
    return;
  }
  notices.add("recall", low + "So do all in another collection with a graph, to which points are written and an alias is moved:",
              notices.request("PUT", "/collections/" + facts.name + "_graph",
                              {{"vectors", {{"size", facts.config.dimension}, {"distance", shown_name(index.metric)}}},
                               {"index_config", {{"index", "graph"}}}}));
}

void judge_indexing(Notices& notices, const CollectionFacts& facts) {
  const size_t unindexed = facts.status.points - std::min(facts.status.points, facts.status.indexed);
  const bool chosen = facts.config.index.kind == IndexKind::exact;  // to be scanned, whatever the threshold
  if (chosen || unindexed < many_unindexed || facts.status.working) return;
  const size_t kilobytes = std::max<size_t>(1, unindexed / 8 * facts.config.dimension * sizeof(float) / 1024);
  notices.add("index", std::to_string(unindexed) + " of " + std::to_string(facts.status.points) + " points of " + facts.name + " are searched by a scan. With a lower threshold they are indexed:",
              notices.request("PATCH", "/collections/" + facts.name, {{"optimizers_config", {{"indexing_threshold", kilobytes}}}}));
}

void judge_videos(Notices& notices, const VideoFacts& videos) {
  if (videos.stale) notices.add("release", "New embeddings are there and not in use yet.", "cowatch index WORKSPACE");
  if (videos.videos > videos.embedded)
    notices.add("index",
                std::to_string(videos.videos - videos.embedded) + " of " + std::to_string(videos.videos) +
                    " videos have no embedding: nothing like them is found.",
                "cowatch run WORKSPACE");
  if (videos.kind == IndexKind::exact || !is_low(videos.recall)) return;
  const bool graph = videos.kind == IndexKind::graph;
  notices.add(
      "recall",
      "Related videos are " + found_of(videos.recall) + " of the true neighbours. A " +
          (graph ? "denser " : "") + "graph finds more:",
      std::string("cowatch index WORKSPACE ") + (graph ? "--degree 64 --build-effort 200" : "--kind graph"));
}

void judge_load(Notices& notices, const Scheduler::Status& searches) {
  const auto refused = static_cast<double>(searches.refused + searches.shed), all = static_cast<double>(searches.done) + refused;
  if (refused < 10 || refused < many_refused * all) return;
  notices.add("load", percent(refused / all) + " of the searches were refused, because they would have come too late. Clients that can wait longer are served with a later deadline:",
              "cowatch serve WORKSPACE --set vectors.deadline_ms=200");
}

RecallSampler::Count latest(const std::vector<RecallSampler::Minute>& minutes) {
  RecallSampler::Count sum;
  for (size_t i = minutes.size(); i-- > 0 && static_cast<double>(sum.wanted) < 5 * enough_recall;)
    sum.found += minutes[i].count.found, sum.wanted += minutes[i].count.wanted;
  return sum;
}

Json recall_json(const std::map<std::string, std::vector<RecallSampler::Minute>>& history) {
  Json list = Json::array();
  for (const auto& [name, minutes] : history) {
    Json one = {{"Name", name}, {"Times", Json::array()}, {"Found", Json::array()}, {"Wanted", Json::array()}};
    for (const auto& minute : minutes) {
      one["Times"].push_back(minute.time_ms / 1000);
      one["Found"].push_back(minute.count.found);
      one["Wanted"].push_back(minute.count.wanted);
    }
    list.push_back(std::move(one));
  }
  return list;
}

Json queue_json(const char* name, const Scheduler::Status& status) {
  return {{"Name", name},           {"Waiting", status.waiting}, {"Running", status.running},
          {"Done", status.done},    {"Refused", status.refused}, {"Shed", status.shed},
          {"Cancelled", status.cancelled}};
}

Json part(const char* name, size_t bytes) {
  return {{"Name", name}, {"Bytes", bytes}};
}

Json collection_json(const CollectionFacts& facts) {
  const auto& status = facts.status;
  return {{"Name", facts.name},
          {"Points", status.points},
          {"Indexed", status.indexed},
          {"Working", status.working},
          {"Parts",
           {part("records", status.record_bytes), part("segments", status.vector_bytes),
            part("indexes", status.index_bytes), part("tables", status.memory_bytes)}},
          {"Troubles", status.trouble}};
}

std::vector<CollectionFacts> collection_facts(CollectionSet& collections,
                                              const std::map<std::string, std::vector<RecallSampler::Minute>>& history) {
  std::vector<CollectionFacts> all;
  const auto failed = collections.failed();
  each_collection(collections, [&](const std::string& name) {
    CollectionFacts facts;
    facts.name = name;
    if (const auto found = failed.find(name); found != failed.end()) {
      facts.failure = found->second;
    } else {
      const auto collection = collections.find(name);
      facts.status = collection->status();
      facts.config = collection->config();
      const auto snapshots = collections.snapshots(name);
      if (!snapshots.empty()) facts.snapshot = snapshots.back().name;
    }
    if (const auto found = history.find(name); found != history.end()) facts.recall = latest(found->second);
    all.push_back(std::move(facts));
  });
  return all;
}

VideoFacts video_facts(Call& call, const std::map<std::string, std::vector<RecallSampler::Minute>>& history) {
  const Workspace& workspace = call.service.workspace();
  VideoFacts facts;
  facts.videos = call.catalogue.item_count();
  if (call.release->index)
    facts.embedded = call.release->index->size(), facts.kind = call.release->index->kind();
  else
    facts.embedded = facts.videos;  // that nothing is learnt yet is said elsewhere
  try {
    const auto current = current_release(workspace);
    facts.stale = current && std::filesystem::exists(workspace.embeddings()) && current->input != index_fingerprint(workspace, call.service.settings());
  } catch (const Error&) {
    facts.stale = true;  // what is in use cannot be told: the command makes it anew
  }
  if (const auto found = history.find(related_recall); found != history.end()) facts.recall = latest(found->second);
  return facts;
}

}  // namespace

Json notices(const VideoFacts& videos, const std::vector<CollectionFacts>& collections, const Scheduler::Status& searches,
             const std::string& address) {
  Notices list(address);
  for (const auto& facts : collections) judge_damage(list, facts);
  for (const auto& facts : collections) judge_recall(list, facts);
  judge_videos(list, videos);
  for (const auto& facts : collections) judge_indexing(list, facts);
  judge_load(list, searches);
  return list.take();
}

Response quality(Call& call) {
  VectorService& vectors = call.service.vectors();
  auto history = vectors.recall().history();
  std::vector<CollectionFacts> collections;
  if (vectors.may_read_all(call.request)) {
    collections = collection_facts(vectors.collections(), history);
  } else {
    std::erase_if(history, [&](const auto& each) { return vectors.collections().contains(each.first); });
  }
  const VideoFacts videos = video_facts(call, history);
  const auto searches = vectors.searches();
  Json search = {{"Index", call.release->index ? index_kind_name(call.release->index->kind()) : "none"},
                 {"Videos", videos.videos},
                 {"Embedded", call.release->index ? call.release->index->size() : 0},
                 {"Parts", Json::array()}};
  if (const auto& index = call.release->index) {
    search["Parts"].push_back(part("embeddings", index->table_bytes()));
    if (videos.kind != IndexKind::exact) search["Parts"].push_back(part("index", index->index_bytes()));
  }
  Json list = Json::array();
  for (const auto& facts : collections)
    if (facts.failure.empty()) list.push_back(collection_json(facts));
  Json latencies = Json::array();
  for (const auto& each : vectors.measures().latencies())
    latencies.push_back({{"Operation", each.operation}, {"Count", each.count}, {"Median", each.median}, {"P99", each.p99}});
  const std::string host(call.request.header("host"));
  return json_response({{"Search", search},
                        {"Collections", list},
                        {"Recall", recall_json(history)},
                        {"Latency", latencies},
                        {"Queues", {queue_json("search", searches), queue_json("read", vectors.reads()), queue_json("write", vectors.writes())}},
                        {"Notices", notices(videos, collections, searches, "http://" + (host.empty() ? "127.0.0.1:8080" : host))}});
}

}  // namespace cowatch::serve

#include "pipeline/related.h"

#include <algorithm>
#include <cstdio>

#include "base/error.h"

namespace cowatch {
namespace {

std::vector<std::string> shared_hashtags(const ItemRecord& a, const ItemRecord& b) {
  std::vector<std::string> both;
  for (const std::string& tag : a.hashtags) {
    if (std::find(b.hashtags.begin(), b.hashtags.end(), tag) != b.hashtags.end()) both.push_back(tag);
  }
  return both;
}

std::string sentence(const Why& why) {
  std::string out;
  const auto add = [&](const std::string& part) { out += (out.empty() ? "" : "; ") + part; };
  char text[96];
  if (why.embedded) {
    std::snprintf(text, sizeof text, "similarity %.3f", static_cast<double>(why.score));
    add(text);
  }
  const uint64_t people = why.co_watchers.value_or(0);
  if (people > 0) {
    add(std::to_string(people) + (people == 1 ? " person" : " people") + " watched both");
  } else if (why.edge_weight > 0) {  // counted pairs have people, so it was imported
    std::snprintf(text, sizeof text, "linked in the imported graph (weight %g)",
                  static_cast<double>(why.edge_weight));
    add(text);
  }
  if (why.round > 0)
    add("same cluster of " + std::to_string(why.cluster_size) + " videos after round " + std::to_string(why.round));
  for (size_t i = 0; i < why.hashtags.size() && i < 3; ++i)
    i == 0 ? add("both #" + why.hashtags[i]) : void(out += " #" + why.hashtags[i]);
  return out;
}

Why explain(const Release& release, const ItemRecord& query, const ItemRecord& found, float score, bool embedded) {
  Why why;
  why.score = score;
  why.embedded = embedded;
  if (release.graph && query.index < release.graph->nodes() && found.index < release.graph->nodes()) {
    const auto neighbours = release.graph->neighbours(query.index);
    const auto at = std::lower_bound(neighbours.begin(), neighbours.end(), found.index);
    if (at != neighbours.end() && *at == found.index) {
      why.edge_weight = release.graph->weights(query.index)[static_cast<size_t>(at - neighbours.begin())];
    }
  }
  if (release.watchers && release.watchers->watches() > 0 && query.index < release.watchers->videos() &&
      found.index < release.watchers->videos()) {
    why.co_watchers = release.watchers->both(query.index, found.index);
  }
  if (release.tree && query.index < release.tree->videos() && found.index < release.tree->videos()) {
    for (size_t round = 1; round <= release.tree->rounds(); ++round) {
      const uint32_t cluster = release.tree->cluster(round, query.index);
      if (cluster != release.tree->cluster(round, found.index)) continue;
      why.round = round, why.cluster = cluster, why.cluster_size = release.tree->range(round, cluster).size();
      break;
    }
  }
  why.hashtags = shared_hashtags(query, found);
  why.text = sentence(why);
  return why;
}

// Asks for more until enough are left after hidden items: those are known to the catalogue only.
template <typename Search>
std::vector<std::pair<ItemRecord, float>> visible(const Catalogue& catalogue, const RelatedQuery& query,
                                                  size_t all, const Search& search) {
  const size_t wanted = query.offset + query.count;
  std::vector<std::pair<ItemRecord, float>> out;
  for (size_t asked = wanted + 16;; asked *= 4) {
    const std::vector<Scored> found = search(asked);
    out.clear();
    for (const Scored& scored : found) {
      auto item = catalogue.item(scored.index);
      if (item && !item->hidden) out.emplace_back(std::move(*item), scored.score);
      if (out.size() == wanted) break;
    }
    if (out.size() == wanted || found.size() < asked || asked >= all) break;
  }
  out.erase(out.begin(), out.begin() + static_cast<ptrdiff_t>(std::min(query.offset, out.size())));
  return out;
}

std::vector<Scored> by_edges(const Graph& graph, uint32_t video, size_t count,
                             const std::unordered_set<uint32_t>& excluded) {
  TopK best(count);
  const auto neighbours = graph.neighbours(video);
  const auto weights = graph.weights(video);
  for (size_t i = 0; i < neighbours.size(); ++i) {
    if (!excluded.contains(neighbours[i])) best.offer({neighbours[i], weights[i]});
  }
  return best.take();
}

}  // namespace

std::unordered_set<uint32_t> excluded_videos(const Catalogue& catalogue, const RelatedQuery& query) {
  constexpr size_t most_events = 100000;  // of one person, newest first
  std::unordered_set<uint32_t> out;
  const auto add = [&](const std::string& id) {
    if (const auto index = catalogue.find_item(id)) out.insert(*index);
  };
  for (const std::string& id : query.exclude) add(id);
  if (query.user.empty()) return out;
  for (const Event& event : catalogue.user_events(query.user, most_events)) {
    if (event.kind != FeedbackKind::impression && event.kind != FeedbackKind::search) add(event.item);
  }
  return out;
}

std::vector<std::string> unknown_names(const Catalogue& catalogue, const RelatedQuery& query) {
  std::vector<std::string> unknown;
  if (!query.user.empty() && !catalogue.user(query.user)) unknown.push_back("person '" + query.user + "'");
  for (const std::string& id : query.exclude) {
    if (!catalogue.find_item(id)) unknown.push_back("video '" + id + "'");
  }
  return unknown;
}

std::vector<Related> related_videos(const Catalogue& catalogue, const Release& release, uint32_t video,
                                    const RelatedQuery& query) {
  const auto item = catalogue.item(video);
  if (!item)
    throw Error(ErrorCode::not_found, "there is no video with this index", {.found = std::to_string(video)});
  auto out_of_bounds = excluded_videos(catalogue, query);
  out_of_bounds.insert(video);
  const bool embedded = release.index && video < release.index->size() && release.index->embedded(video);
  if (!embedded && !release.graph) {
    throw Error(ErrorCode::missing_stage, "nothing has been learnt yet",
                {.expected = "embeddings or a co-watch graph", .remedy = "Run `cowatch run WS`."});
  }
  const auto found = visible(catalogue, query, catalogue.item_count(), [&](size_t count) {
    if (embedded) return release.index->search(release.index->row(video), count, out_of_bounds);
    return video < release.graph->nodes() ? by_edges(*release.graph, video, count, out_of_bounds)
                                          : std::vector<Scored>{};
  });
  std::vector<Related> related;
  for (const auto& [other, score] : found) {
    related.push_back({other, explain(release, *item, other, score, embedded)});
  }
  return related;
}

std::vector<Related> similar_videos(const Catalogue& catalogue, const Release& release,
                                    std::span<const float> embedding, const RelatedQuery& query) {
  if (!release.index) {
    throw Error(ErrorCode::missing_stage, "the videos are not embedded yet",
                {.remedy = "Run `cowatch run WS`."});
  }
  const auto out_of_bounds = excluded_videos(catalogue, query);
  std::vector<Related> related;
  for (auto& [item, score] : visible(catalogue, query, catalogue.item_count(), [&](size_t count) {
         return release.index->search(embedding, count, out_of_bounds);
       })) {
    Why why;
    why.score = score;
    why.text = sentence(why);
    related.push_back({std::move(item), std::move(why)});
  }
  return related;
}

ItemRecord find_video(const Catalogue& catalogue, const std::string& id_or_words) {
  if (const auto index = catalogue.find_item(id_or_words)) return *catalogue.item(*index);
  const auto titled = catalogue.find_items(id_or_words, 0, 6);
  if (titled.size() == 1) return titled.front();
  std::string near;
  for (const ItemRecord& item : titled)
    near += (near.empty() ? "" : "; ") + item.id + " (" + item.title.substr(0, 50) + ")";
  throw Error(ErrorCode::not_found,
              titled.empty() ? "no video has this id, or these words in its title, author or hashtags"
                             : "several videos have these words in their title, author or hashtags",
              {.expected = "the id of a video",
               .found = "'" + id_or_words + "'",
               .remedy = near.empty() ? "Give its id, or other words of its title; the page lists all videos."
                                      : "Did you mean " + near + "?"});
}

}  // namespace cowatch

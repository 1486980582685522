#include "pipeline/ranking.h"

#include <algorithm>
#include <cstdio>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"

namespace cowatch {
namespace {

constexpr size_t most_watched = 20;        // videos that a recommendation begins from
constexpr size_t neighbours_of_each = 50;  // of them, beside what is asked for
constexpr double older = 0.9;              // weight of a video against that of the next newer one

double popularity(const Release& release, uint32_t video, std::string& why) {
  char text[96];
  if (release.watchers->watches() > 0) {
    const size_t people = release.watchers->people(video).size();
    std::snprintf(text, sizeof text, people == 1 ? "%zu person watched it" : "%zu people watched it", people);
    why = text;
    return static_cast<double>(people);
  }
  double weight = 0;
  if (release.graph && video < release.graph->nodes()) {
    for (const float link : release.graph->weights(video)) weight += link;
  }
  std::snprintf(text, sizeof text, "links of weight %g in the imported graph", weight);
  why = text;
  return weight;
}

bool speaks_for_it(FeedbackKind kind) {
  return kind == FeedbackKind::watch || kind == FeedbackKind::click || kind == FeedbackKind::like ||
         kind == FeedbackKind::share || kind == FeedbackKind::follow || kind == FeedbackKind::comment ||
         kind == FeedbackKind::hashtag;
}

// The embedded videos a person dealt with last, newest first, each once.
std::vector<uint32_t> last_watched(const Catalogue& catalogue, const EmbeddingIndex& index,
                                   const std::string& user) {
  constexpr size_t most_events = 2000;
  std::vector<uint32_t> videos;
  for (const Event& event : catalogue.user_events(user, most_events)) {
    if (!speaks_for_it(event.kind)) continue;
    const auto video = catalogue.find_item(event.item);
    if (!video || *video >= index.size() || !index.embedded(*video) ||
        std::find(videos.begin(), videos.end(), *video) != videos.end())
      continue;
    videos.push_back(*video);
    if (videos.size() == most_watched) break;
  }
  return videos;
}

struct Candidate {
  double score = 0, strongest = 0;
  uint32_t because = 0;  // the video that speaks most for it
};

std::vector<std::pair<uint32_t, Candidate>> candidates(const EmbeddingIndex& index,
                                                       const std::vector<uint32_t>& watched, size_t count,
                                                       const std::unordered_set<uint32_t>& excluded) {
  std::unordered_map<uint32_t, Candidate> found;
  double weight = 1, sum = 0;
  for (const uint32_t video : watched) {
    for (const Scored& scored : index.search(index.row(video), count + neighbours_of_each, excluded)) {
      const double part = weight * static_cast<double>(scored.score);
      Candidate& candidate = found[scored.index];
      candidate.score += part;
      if (part > candidate.strongest) candidate.strongest = part, candidate.because = video;
    }
    sum += weight;
    weight *= older;
  }
  std::vector<std::pair<uint32_t, Candidate>> list(found.begin(), found.end());
  for (auto& [video, candidate] : list) candidate.score /= sum;
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) {
    return a.second.score != b.second.score ? a.second.score > b.second.score : a.first < b.first;
  });
  return list;
}

}  // namespace

std::vector<Ranked> popular_videos(const Catalogue& catalogue, const Release& release,
                                   const RelatedQuery& query) {
  if (!release.watchers) {
    throw Error(ErrorCode::missing_stage, "it was not counted yet who watched what",
                {.remedy = "Run `cowatch graph WS` (or `cowatch run WS`)."});
  }
  const auto out_of_bounds = excluded_videos(catalogue, query);
  const std::vector<uint32_t> hidden = catalogue.hidden_items();
  std::vector<Ranked> list;
  size_t skip = query.offset;
  for (const uint32_t video : release.watchers->by_popularity()) {
    if (list.size() == query.count) break;
    if (out_of_bounds.contains(video) || std::binary_search(hidden.begin(), hidden.end(), video)) continue;
    if (skip > 0) {
      --skip;
      continue;
    }
    auto item = catalogue.item(video);
    if (!item) continue;
    Ranked ranked{std::move(*item), 0, ""};
    ranked.score = popularity(release, video, ranked.why);
    list.push_back(std::move(ranked));
  }
  return list;
}

std::vector<Ranked> latest_videos(const Catalogue& catalogue, const RelatedQuery& query) {
  const auto out_of_bounds = excluded_videos(catalogue, query);
  std::vector<Ranked> list;
  size_t skip = out_of_bounds.empty() ? 0 : query.offset;
  const size_t page = query.count + 16;
  for (size_t from = out_of_bounds.empty() ? query.offset : 0; list.size() < query.count; from += page) {
    std::vector<ItemRecord> newest = catalogue.newest_items(from, page);
    for (ItemRecord& item : newest) {
      if (list.size() == query.count) break;
      if (out_of_bounds.contains(item.index)) continue;
      if (skip > 0) {
        --skip;
        continue;
      }
      const double seconds = item.created_ms < 0 ? 0 : static_cast<double>(item.created_ms / 1000);
      list.push_back({std::move(item), seconds, seconds > 0 ? "by its time" : "its time is not known"});
    }
    if (newest.size() < page) break;
  }
  return list;
}

std::vector<Ranked> recommended_videos(const Catalogue& catalogue, const Release& release,
                                       const RelatedQuery& query) {
  const std::vector<uint32_t> watched =
      release.index ? last_watched(catalogue, *release.index, query.user) : std::vector<uint32_t>{};
  if (watched.empty()) return popular_videos(catalogue, release, query);
  auto out_of_bounds = excluded_videos(catalogue, query);
  const std::vector<uint32_t> hidden = catalogue.hidden_items();
  out_of_bounds.insert(hidden.begin(), hidden.end());
  const auto found = candidates(*release.index, watched, query.offset + query.count, out_of_bounds);
  std::vector<Ranked> list;
  for (size_t i = query.offset; i < found.size() && list.size() < query.count; ++i) {
    auto item = catalogue.item(found[i].first);
    const auto because = catalogue.item(found[i].second.because);
    if (!item || !because) continue;
    list.push_back({std::move(*item), found[i].second.score,
                    "near '" + (because->title.empty() ? because->id : because->title) + "'"});
  }
  return list;
}

}  // namespace cowatch

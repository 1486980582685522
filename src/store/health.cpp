#include "store/health.h"

#include <algorithm>
#include <cstdio>

#include "base/json.h"

namespace cowatch {
namespace {

std::string count_text(uint64_t value) {
  std::string digits = std::to_string(value);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string percent(uint64_t part, uint64_t whole) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%",
                whole ? 100.0 * static_cast<double>(part) / static_cast<double>(whole) : 0.0);
  return text;
}

// Feedback that may stand for watching where there is none of it, and how to say so.
std::string other_signs(const Health& health, std::span<const FeedbackKind> watching) {
  std::string kinds;
  for (const FeedbackKind kind : {FeedbackKind::watch, FeedbackKind::like, FeedbackKind::click, FeedbackKind::comment}) {
    const std::string name(feedback_name(kind));
    if (std::ranges::find(watching, kind) == watching.end() && health.events_by_kind.contains(name))
      kinds += (kinds.empty() ? "" : ",") + name;
  }
  return kinds.empty() ? "" : "; set graph.feedback to count " + kinds;
}

// Thresholds are rules of thumb: a pair needs two people, an embedding some pairs a video.
void judge(Health& health, uint64_t people_with_two, std::span<const FeedbackKind> watching) {
  const auto add = [&](const char* what, bool possible, std::string because) {
    health.possible.push_back({what, possible, std::move(because)});
  };
  const bool pairs = people_with_two >= 2 || health.edges > 0;
  add("related videos by co-watching", pairs,
      health.edges > 0 ? count_text(health.edges) + " imported edges"
                       : count_text(people_with_two) + " people watched at least two videos" +
                             (pairs ? "" : other_signs(health, watching)));
  const double per_video =
      health.events_per_video +
      (health.videos ? 2.0 * static_cast<double>(health.edges) / static_cast<double>(health.videos) : 0);
  char text[64];
  std::snprintf(text, sizeof text, "%.1f watches or edges a video; from 1 on it pays", per_video);
  const bool seen = health.with_file > 0 || health.has_features;
  add("learning an embedding", seen && pairs && per_video >= 1,
      seen ? text : "no video has a file to look into; --features brings features made elsewhere");
  add("related videos for new uploads", health.with_file > 0,
      health.with_file > 0  ? count_text(health.with_file) + " videos have a file to look into"
      : health.has_features ? "what videos hold is known from imported features alone: import those of new videos, too"
                            : "no video has a file to look into");
  add("hashtags as labels", health.with_hashtags * 20 >= health.videos && health.videos > 0,
      percent(health.with_hashtags, health.videos) + " of the videos have hashtags");
}

}  // namespace

Health measure_health(const Catalogue& catalogue, std::span<const FeedbackKind> watching) {
  Health health;
  health.people = catalogue.user_count();
  health.videos = catalogue.item_count();
  health.edges = catalogue.edge_count();
  health.has_features = !catalogue.note("features").empty();
  for (const auto& [kind, count] : catalogue.event_counts()) {
    health.events_by_kind[std::string(feedback_name(kind))] = count;
    health.events += count;
  }
  std::vector<bool> warm(health.videos);
  std::vector<uint32_t> last_user(health.videos, UINT32_MAX);
  uint64_t distinct = 0, people_with_two = 0, of_person = 0;
  uint32_t person = UINT32_MAX;
  catalogue.for_each_watch(watching, [&](const Watch& watch) {
    if (watch.item >= health.videos) return;  // came while we were counting
    if (watch.user != person) person = watch.user, of_person = 0;
    warm[watch.item] = true;
    if (last_user[watch.item] == watch.user) return;
    last_user[watch.item] = watch.user;
    ++distinct;
    if (++of_person == 2) ++people_with_two;
  });
  catalogue.for_each_edge([&](const StoredEdge& edge) {
    if (edge.v < health.videos) warm[edge.u] = warm[edge.v] = true;
  });
  for (const bool is_warm : warm) health.cold_videos += !is_warm;
  for (uint32_t first = 0; first < health.videos;) {
    const auto items = catalogue.items(first, 5000);
    if (items.empty()) break;
    for (const ItemRecord& item : items) {
      health.with_file += !item.media_path.empty();
      health.with_title += !item.title.empty();
      health.with_hashtags += !item.hashtags.empty();
    }
    first = items.back().index + 1;
  }
  catalogue.for_each_media(
      [&](const MediaRecord& media) { ++(media.state == "refused" ? health.refused : health.extracted); });
  const auto ratio = [](double a, double b) { return b > 0 ? a / b : 0; };
  health.events_per_person = ratio(static_cast<double>(health.events), static_cast<double>(health.people));
  health.events_per_video = ratio(static_cast<double>(distinct), static_cast<double>(health.videos));
  health.density = ratio(static_cast<double>(distinct),
                         static_cast<double>(health.people) * static_cast<double>(health.videos));
  judge(health, people_with_two, watching);
  return health;
}

Json to_json(const Health& health) {
  Json possible = Json::array();
  for (const auto& entry : health.possible) {
    possible.push_back({{"what", entry.what}, {"possible", entry.possible}, {"because", entry.because}});
  }
  return {{"people", health.people},
          {"videos", health.videos},
          {"events", health.events},
          {"events_by_kind", health.events_by_kind},
          {"imported_edges", health.edges},
          {"density", health.density},
          {"events_per_person", health.events_per_person},
          {"watches_per_video", health.events_per_video},
          {"cold_videos", health.cold_videos},
          {"with_file", health.with_file},
          {"extracted", health.extracted},
          {"refused", health.refused},
          {"with_title", health.with_title},
          {"with_hashtags", health.with_hashtags},
          {"possible", possible}};
}

std::string to_table(const Health& health) {
  std::string text;
  const auto line = [&](const std::string& name, const std::string& value) {
    text += "  " + name + std::string(name.size() < 28 ? 28 - name.size() : 1, ' ') + value + "\n";
  };
  char number[64];
  line("people", count_text(health.people));
  line("videos", count_text(health.videos));
  for (const auto& [kind, count] : health.events_by_kind) line(kind + " events", count_text(count));
  if (health.edges > 0) line("imported edges", count_text(health.edges));
  std::snprintf(number, sizeof number, "%.4g %%", 100 * health.density);
  line("density", number);
  std::snprintf(number, sizeof number, "%.1f", health.events_per_person);
  line("events a person", number);
  line("cold videos",
       count_text(health.cold_videos) + "  (" + percent(health.cold_videos, health.videos) + ")");
  line("videos with a file",
       count_text(health.with_file) + "  (" + percent(health.with_file, health.videos) + ")");
  line("videos with hashtags",
       count_text(health.with_hashtags) + "  (" + percent(health.with_hashtags, health.videos) + ")");
  for (const auto& entry : health.possible)
    line(entry.what, (entry.possible ? "yes: " : "no: ") + entry.because);
  return text;
}

}  // namespace cowatch

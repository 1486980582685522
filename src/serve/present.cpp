#include "serve/present.h"

#include <cmath>

#include "serve/message.h"

namespace cowatch::serve {
namespace {

// -0.1234567 → -0.12346: scores for people and pages, not for arithmetic.
double rounded(double value) {
  return std::round(value * 1e5) / 1e5;
}

}  // namespace

std::string percent_encoded(std::string_view text) {
  static constexpr std::string_view plain = "-._~";
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) || plain.find(c) != plain.npos) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'%', "0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15]};
    }
  }
  return out;
}

static Json labels_json(const std::string& text) {
  Json labels = Json::parse(text, nullptr, false);
  return labels.is_structured() ? labels : Json::object();
}

Json to_json(const UserRecord& user) {
  return {{"UserId", user.id}, {"Labels", labels_json(user.labels)}, {"Comment", user.comment}};
}

Json to_json(const ItemRecord& item, const Catalogue& catalogue) {
  Json json = {{"ItemId", item.id},
               {"Index", item.index},
               {"IsHidden", item.hidden},
               {"Categories", item.hashtags},
               {"Labels", labels_json(item.attributes)},
               {"Comment", item.title},
               {"Title", item.title},
               {"Description", item.description},
               {"Author", item.author},
               {"Language", item.language}};
  if (item.created_ms >= 0) json["Timestamp"] = iso_time(item.created_ms);
  if (item.seconds >= 0) json["Seconds"] = rounded(item.seconds);
  const auto media = catalogue.media(item.index);
  json["MediaState"] = media ? media->state : "unknown";
  if (!media) return json;
  if (!media->reason.empty()) json["MediaReason"] = media->reason;
  if (!media->poster.empty()) json["Poster"] = "/media/" + percent_encoded(media->poster);
  if (!media->preview.empty()) json["Preview"] = "/media/" + percent_encoded(media->preview);
  if (media->seconds > 0) json["Seconds"] = rounded(media->seconds);
  if (media->width > 0) json["Width"] = media->width, json["Height"] = media->height;
  json["HasSound"] = media->has_sound;
  return json;
}

Json to_json(const Event& event) {
  double value = 1;
  if (event.portion >= 0) value = event.portion;
  if (event.watched_ms >= 0 && event.length_ms > 0)
    value = static_cast<double>(event.watched_ms) / static_cast<double>(event.length_ms);
  Json json = {{"FeedbackType", feedback_name(event.kind)},
               {"UserId", event.user},
               {"ItemId", event.item},
               {"Value", rounded(value)},
               {"Comment", event.text}};
  if (event.time_ms >= 0) json["Timestamp"] = iso_time(event.time_ms);
  if (event.watched_ms >= 0) json["WatchedSeconds"] = static_cast<double>(event.watched_ms) / 1000;
  if (event.length_ms >= 0) json["LengthSeconds"] = static_cast<double>(event.length_ms) / 1000;
  return json;
}

Json to_json(const Related& related, const Catalogue& catalogue) {
  Json why = {
      {"Score", rounded(related.why.score)}, {"Hashtags", related.why.hashtags}, {"Text", related.why.text}};
  if (related.why.co_watchers) why["CoWatchers"] = *related.why.co_watchers;
  if (related.why.edge_weight > 0) why["EdgeWeight"] = rounded(related.why.edge_weight);
  if (related.why.round > 0) {
    why["Cluster"] = {
        {"Round", related.why.round}, {"Cluster", related.why.cluster}, {"Size", related.why.cluster_size}};
  }
  return {{"Id", related.item.id},
          {"Score", rounded(related.why.score)},
          {"Item", to_json(related.item, catalogue)},
          {"Why", why}};
}

Json to_json(const Ranked& ranked, const Catalogue& catalogue) {
  return {{"Id", ranked.item.id},
          {"Score", rounded(ranked.score)},
          {"Item", to_json(ranked.item, catalogue)},
          {"Text", ranked.why}};
}

}  // namespace cowatch::serve

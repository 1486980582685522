// The health of a platform's data: how much there is, how dense, and what can be learnt from it.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/json_forward.h"
#include "store/catalogue.h"

namespace cowatch {

struct Health {
  uint64_t people = 0, videos = 0, events = 0, edges = 0;
  std::map<std::string, uint64_t> events_by_kind;
  uint64_t cold_videos = 0;  // that nobody watched and no imported edge names
  uint64_t with_file = 0, extracted = 0, refused = 0, with_title = 0, with_hashtags = 0;
  bool has_features = false;  // imported ones
  double events_per_person = 0, events_per_video = 0;
  double density = 0;  // distinct (person, watched video) over people × videos

  // What this much data allows, each with its reason.
  struct Possible {
    std::string what;
    bool possible;
    std::string because;
  };
  std::vector<Possible> possible;
};

// `watching`: kinds of feedback that count as watching (watching_kinds).
Health measure_health(const Catalogue& catalogue, std::span<const FeedbackKind> watching);
Json to_json(const Health& health);
std::string to_table(const Health& health);  // for the terminal

}  // namespace cowatch

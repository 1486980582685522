// Related videos, and why they are related.
#pragma once

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "pipeline/release.h"
#include "store/catalogue.h"

namespace cowatch {

struct Why {
  bool embedded = true;
  float score = 0;  // cosine of the two embeddings; where there are none, the weight of their edge
  // The smallest cluster that holds both; round 0: none does.
  size_t round = 0;
  uint32_t cluster = 0, cluster_size = 0;
  float edge_weight = 0;                // of their edge in the co-watch graph; 0: none
  std::optional<uint64_t> co_watchers;  // people who watched both; absent: the log has no watches
  std::vector<std::string> hashtags;    // of both
  std::string text;                     // the same as a sentence
};

struct Related {
  ItemRecord item;
  Why why;
};

struct RelatedQuery {
  size_t count = 10, offset = 0;
  std::string user;                  // whose watched, disliked and hidden videos are left out
  std::vector<std::string> exclude;  // ids
};

// By embedding; for a video without one, by weight of its edges. Hidden videos and the video itself never
// appear. Throws not_found for an unknown index, missing_stage when neither embeddings nor a graph are there.
std::vector<Related> related_videos(const Catalogue& catalogue, const Release& release, uint32_t video,
                                    const RelatedQuery& query);
// The same for a vector of an upload; Why then speaks of the score alone.
std::vector<Related> similar_videos(const Catalogue& catalogue, const Release& release,
                                    std::span<const float> embedding, const RelatedQuery& query);

// What may not be answered beside hidden videos: query.exclude, and all that query.user has done more with
// than seen or found.
std::unordered_set<uint32_t> excluded_videos(const Catalogue& catalogue, const RelatedQuery& query);

// Of query.user and query.exclude, what the catalogue does not know.
std::vector<std::string> unknown_names(const Catalogue& catalogue, const RelatedQuery& query);

// The item with this id, or the one whose title alone has all the words. Throws not_found and names what is
// near.
ItemRecord find_video(const Catalogue& catalogue, const std::string& id_or_words);

}  // namespace cowatch

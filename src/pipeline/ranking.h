// Lists that no single video asks for: what most people watched, what is new, and what a person may like.
#pragma once

#include <string>
#include <vector>

#include "pipeline/related.h"

namespace cowatch {

struct Ranked {
  ItemRecord item;
  double score = 0;
  std::string why;  // a sentence
};

// Hidden videos and those of excluded_videos() never appear. A video that came after the last release of the
// graph is not among the popular ones.

// By people who watched it; where the log has no watches, by the weight of its links in the imported graph.
// score: that number. Throws missing_stage before the graph was made.
std::vector<Ranked> popular_videos(const Catalogue& catalogue, const Release& release,
                                   const RelatedQuery& query);
// Newest first, videos without a time last. score: seconds since 1970, 0 without a time.
std::vector<Ranked> latest_videos(const Catalogue& catalogue, const RelatedQuery& query);
// Neighbours of what query.user watched, clicked, liked or shared last: the sum of cosines with those videos,
// each older one counting a tenth less, divided by the sum of these weights. Without such feedback, or
// without embeddings of it, the popular videos. Throws missing_stage as popular_videos() does.
std::vector<Ranked> recommended_videos(const Catalogue& catalogue, const Release& release,
                                       const RelatedQuery& query);

}  // namespace cowatch

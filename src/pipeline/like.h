// Search by an upload never seen: decoded, embedded, its neighbours returned.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/settings.h"
#include "pipeline/related.h"

namespace cowatch {

struct LikeAnswer {
  std::vector<Related> neighbours;
  double seconds = 0;  // length of the upload
  int width = 0, height = 0;
  bool has_sound = false;
  double decode_seconds = 0, embed_seconds = 0;  // taken
};

// `report` is told of the steps. Throws bad_input with the reason when the file is refused; missing_stage
// when nothing has been learnt, or the embeddings are older than the model; unsupported when the model was
// trained on features that a file alone does not give (imported ones).
LikeAnswer videos_like(const Settings& settings, const Catalogue& catalogue, const Release& release,
                       const Path& file, const RelatedQuery& query,
                       const std::function<void(const std::string& step, double progress)>& report);

}  // namespace cowatch

#include "pipeline/like.h"

#include <algorithm>

#include "base/clock.h"
#include "base/error.h"
#include "learn/relational/network.h"
#include "media/extractor.h"
#include "media/feature_layout.h"
#include "pipeline/extract_stage.h"

namespace cowatch {
namespace {

// The model's own columns, filled from the file's features by modality; other modalities are missing.
FeatureTable table_of(const Network& network, const MediaFeatures& found) {
  std::vector<float> row(network.inputs());
  std::vector<uint8_t> present(network.modalities().size());
  std::string learnt, held;
  const auto add = [](std::string& list, std::string_view name) { (list += list.empty() ? "" : ", ") += name; };
  for (size_t m = 0; m < network.modalities().size(); ++m) {
    const Modality& wanted = network.modalities()[m];
    if (!network.knows(m)) continue;
    add(learnt, wanted.name);
    for (size_t own = 0; own < modality_count; ++own) {
      const auto range = modality_columns(static_cast<MediaModality>(own));
      if (modality_name(static_cast<MediaModality>(own)) != wanted.name ||
          range.end - range.begin != wanted.end - wanted.begin || !found.present[own])
        continue;
      std::copy(found.values.begin() + static_cast<ptrdiff_t>(range.begin),
                found.values.begin() + static_cast<ptrdiff_t>(range.end),
                row.begin() + static_cast<ptrdiff_t>(wanted.begin));
      present[m] = 1;
    }
  }
  if (std::none_of(present.begin(), present.end(), [](uint8_t flag) { return flag != 0; })) {
    for (size_t own = 0; own < modality_count; ++own) {
      if (found.present[own]) add(held, modality_name(static_cast<MediaModality>(own)));
    }
    throw Error(ErrorCode::unsupported, "the model does not look at what this file holds",
                {.expected = "what it was trained on: " + learnt,
                 .found = held,
                 .remedy = "Train on a workspace whose videos have files that hold the same."});
  }
  return FeatureTable(1, network.modalities(), std::move(row), std::move(present));
}

}  // namespace

LikeAnswer videos_like(const Settings& settings, const Catalogue& catalogue, const Release& release,
                       const Path& file, const RelatedQuery& query,
                       const std::function<void(const std::string& step, double progress)>& report) {
  const Network& network = release.network();
  report("looking into the file", 0.1);
  const double start = seconds_now();
  const MediaFeatures found = extract_file(file, media_limits(settings));
  if (found.refused) {
    throw Error(ErrorCode::bad_input, "this file cannot be used: " + found.reason,
                {.where = file.filename().string(),
                 .expected = "a video or a sound file that FFmpeg decodes",
                 .remedy = "Try another file, or convert this one to MP4 (H.264, AAC)."});
  }
  report("embedding it", 0.7);
  LikeAnswer answer;
  const double decoded = seconds_now();
  std::vector<float> embedding(network.outputs());
  network.embed(table_of(network, found), 0, Matrix(embedding.data(), 1, embedding.size()));
  answer.decode_seconds = decoded - start, answer.embed_seconds = seconds_now() - decoded;
  report("searching", 0.9);
  answer.neighbours = similar_videos(catalogue, release, embedding, query);
  answer.seconds = found.seconds, answer.width = found.width, answer.height = found.height,
  answer.has_sound = found.has_sound;
  return answer;
}

}  // namespace cowatch

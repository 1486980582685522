#include "learn/relational/batch.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "base/threads.h"

namespace cowatch {
namespace {

constexpr uint32_t class_sample_stream = 0x636c7373, modality_stream = 0x6d6f6461;

std::vector<uint32_t> rows_of(const std::vector<uint32_t>& videos, const std::vector<uint32_t>& rows) {
  std::vector<uint32_t> found(videos.size());
  parallel_for(videos.size(), 1024, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      found[i] = static_cast<uint32_t>(std::lower_bound(rows.begin(), rows.end(), videos[i]) - rows.begin());
    }
  });
  return found;
}

std::vector<Triplet> draw_triplets(const TripletSampler& sampler, size_t size, uint64_t step,
                                   NegativeLevel level) {
  std::vector<Triplet> triplets(size);
  parallel_for(size, 256, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) triplets[i] = sampler.draw(step, static_cast<uint32_t>(i), level);
  });
  return triplets;
}

}  // namespace

Batch make_batch(const std::vector<Triplet>& triplets, bool with_negatives) {
  std::vector<uint32_t> negatives;
  if (!with_negatives) return make_batch(triplets, std::move(negatives));
  for (const Triplet& triplet : triplets) negatives.push_back(triplet.negative);
  Batch batch = make_batch(triplets, std::move(negatives));
  for (const Triplet& triplet : triplets) batch.climbed += triplet.climbed > 0;
  return batch;
}

Batch make_batch(const std::vector<Triplet>& triplets, std::vector<uint32_t> negatives) {
  Batch batch;
  for (const Triplet& triplet : triplets) {
    batch.anchor.push_back(triplet.anchor);
    batch.positive.push_back(triplet.positive);
  }
  batch.negative = std::move(negatives);
  for (const auto* videos : {&batch.anchor, &batch.positive, &batch.negative}) {
    batch.rows.insert(batch.rows.end(), videos->begin(), videos->end());
  }
  std::sort(batch.rows.begin(), batch.rows.end());
  batch.rows.erase(std::unique(batch.rows.begin(), batch.rows.end()), batch.rows.end());
  batch.anchor_row = rows_of(batch.anchor, batch.rows);
  batch.positive_row = rows_of(batch.positive, batch.rows);
  batch.negative_row = rows_of(batch.negative, batch.rows);
  return batch;
}

Batch draw_batch(const TripletSampler& sampler, size_t size, uint64_t step, NegativeLevel level,
                 bool with_negatives) {
  return make_batch(draw_triplets(sampler, size, step, level), with_negatives);
}

Batch draw_softmax_batch(const TripletSampler& sampler, size_t size, uint64_t step) {
  const double wanted = static_cast<double>(size) * static_cast<double>(sampler.lone().size()) /
                        static_cast<double>(sampler.anchors().size());
  std::vector<uint32_t> lone(std::min(size, static_cast<size_t>(std::ceil(wanted))));
  for (uint32_t i = 0; i < lone.size(); ++i) lone[i] = sampler.draw_lone(step, i);
  const double weight = lone.empty() ? 1 : wanted / static_cast<double>(lone.size());
  Batch batch = make_batch(draw_triplets(sampler, size, step, NegativeLevel::random), std::move(lone));
  batch.negative_weight = weight;
  return batch;
}

std::vector<uint32_t> draw_classes(size_t classes, size_t samples, uint64_t seed, uint64_t step) {
  std::vector<uint32_t> chosen;
  if (classes <= samples) {
    for (uint32_t c = 0; c < classes; ++c) chosen.push_back(c);
    return chosen;
  }
  const Random random(seed, class_sample_stream);
  for (uint32_t k = 0; k < samples; ++k) {
    chosen.push_back(static_cast<uint32_t>(random.below(classes, step, k)));
  }
  std::sort(chosen.begin(), chosen.end());
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

void hide_modalities(const FeatureTable& features, double chance, uint64_t seed, uint64_t step,
                     uint32_t video, float* row) {
  const auto& modalities = features.modalities();
  const Random random(seed, modality_stream);
  size_t left = 0;
  for (size_t m = 0; m < modalities.size(); ++m) left += features.present(video, m);
  for (size_t m = 0; m < modalities.size() && left > 1; ++m) {
    const uint64_t draw = step * modalities.size() + m;
    if (!features.present(video, m) || random.uniform(draw, video) >= chance) continue;
    std::fill(row + modalities[m].begin, row + modalities[m].end, 0.0f);
    --left;
  }
}

}  // namespace cowatch

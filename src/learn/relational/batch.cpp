#include "learn/relational/batch.h"

#include <algorithm>
#include <cmath>

#include "base/threads.h"

namespace cowatch {
namespace {

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

}  // namespace cowatch

#include "learn/relational/batch.h"

#include <algorithm>

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

}  // namespace

Batch make_batch(const std::vector<Triplet>& triplets, bool with_negatives) {
  Batch batch;
  for (const Triplet& triplet : triplets) {
    batch.anchor.push_back(triplet.anchor);
    batch.positive.push_back(triplet.positive);
    if (with_negatives) batch.negative.push_back(triplet.negative);
    batch.climbed += with_negatives && triplet.climbed > 0;
  }
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
  std::vector<Triplet> triplets(size);
  parallel_for(size, 256, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) triplets[i] = sampler.draw(step, static_cast<uint32_t>(i), level);
  });
  return make_batch(triplets, with_negatives);
}

}  // namespace cowatch

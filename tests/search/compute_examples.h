// Vectors to search, and search by a plain loop in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/random.h"
#include "search/compute/vector_index.h"

namespace cowatch::test {

inline std::vector<float> random_values(size_t count, uint32_t stream) {
  std::vector<float> values(count);
  const Random random(3, stream);
  for (uint32_t i = 0; i < count; ++i) values[i] = static_cast<float>(random.normal(0, i));
  return values;
}

inline double slow_score(Metric metric, std::span<const float> query, std::span<const float> row) {
  double product = 0, distance = 0, query_square = 0, row_square = 0;
  for (size_t i = 0; i < query.size(); ++i) {
    const double q = query[i], x = row[i];
    product += q * x, distance += (q - x) * (q - x), query_square += q * q, row_square += x * x;
  }
  if (metric == Metric::l2) return -distance;
  return metric == Metric::cosine ? product / std::sqrt(query_square * row_square) : product;
}

inline std::vector<Scored> slow_search(const VectorSource& source, Metric metric,
                                       std::span<const float> query, size_t k,
                                       const Allowed* filter = nullptr) {
  std::vector<Scored> all;
  std::vector<float> buffer(source.dimension());
  for (uint32_t slot = 0; slot < source.size(); ++slot) {
    if (filter && !filter->has(slot)) continue;
    all.push_back({slot, static_cast<float>(slow_score(metric, query, float_row(source, slot, buffer)))});
  }
  std::sort(all.begin(), all.end(), better);
  all.resize(std::min(k, all.size()));
  return all;
}

}  // namespace cowatch::test

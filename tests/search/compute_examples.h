// Vectors to search, and search by a plain loop in double.
#pragma once

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include "base/random.h"
#include "search/compute/vector_index.h"

namespace cowatch::test {

inline constexpr Metric metrics[] = {Metric::inner_product, Metric::cosine, Metric::l2};

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

// Clusters of 40 around normal centres.
inline std::vector<float> clustered(size_t count, size_t width) {
  auto values = random_values(count * width, 1);
  const auto centres = random_values((count / 40 + 1) * width, 2);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = 0.5f * values[i] + centres[i / width / 40 * width + i % width];
  return values;
}

// The q-th question: near one of the vectors.
inline std::vector<float> near_query(const VectorSource& source, size_t q) {
  auto query = random_values(source.dimension(), static_cast<uint32_t>(100 + q));
  std::vector<float> buffer(query.size());
  const auto near = float_row(source, static_cast<uint32_t>(q * 37 % source.size()), buffer);
  for (size_t i = 0; i < query.size(); ++i) query[i] = near[i] + 0.3f * query[i];
  return query;
}

// Share of the true ten best that are found.
inline double recall(const VectorIndex& index, const VectorSource& source, const SearchOptions& options,
                     size_t queries) {
  size_t right = 0, wanted = 0;
  for (size_t q = 0; q < queries; ++q) {
    const auto query = near_query(source, q);
    const auto expected = slow_search(source, index.metric(), query, 10, options.filter);
    std::set<uint32_t> best;
    for (const auto& scored : expected) best.insert(scored.index);
    for (const auto& scored : index.search(query, 10, options)) right += best.contains(scored.index);
    wanted += expected.size();
  }
  return static_cast<double>(right) / static_cast<double>(wanted);
}

}  // namespace cowatch::test

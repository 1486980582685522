// What Qdrant's users see of a metric: its name there, and the score, which for Euclid is the distance itself
// (smaller is nearer). Inside, a higher score is always nearer (compute/vector_index.h).
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

#include "math/vectors.h"
#include "search/compute/vector_index.h"

namespace cowatch {

// Vectors of a cosine collection are of unit length: its scores are inner products.
inline float score_of(Metric metric, std::span<const float> a, std::span<const float> b) {
  return metric == Metric::l2 ? -squared_distance(a, b) : dot(a, b);
}
inline float shown_score(Metric metric, float score) {
  return metric == Metric::l2 ? std::sqrt(std::max(0.0f, -score)) : score;
}
inline float score_from_shown(Metric metric, float shown) {
  return metric == Metric::l2 ? -shown * std::abs(shown) : shown;
}
// A vector of unit length stays as it is, so that one read back and asked for or written again does not change.
// False: it is zero and has no direction.
inline bool bring_to_unit(std::span<float> vector) {
  const float square = dot(vector, vector);
  if (std::abs(square - 1) < 1e-6f) return true;
  if (!(square < 1e-30f)) return normalise(vector) > 0;
  double sum = 0;  // holds the squares of all floats, of which the smaller ones vanish in 32 bits
  for (const double number : vector) sum += number * number;
  if (sum == 0) return false;
  for (float& number : vector) number = static_cast<float>(number / std::sqrt(sum));
  return true;
}
inline std::string_view shown_name(Metric metric) {
  return metric == Metric::cosine ? "Cosine" : metric == Metric::l2 ? "Euclid" : "Dot";
}

}  // namespace cowatch

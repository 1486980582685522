#include "search/vector_fault.h"

#include <algorithm>
#include <cmath>

#include "math/vectors.h"

namespace cowatch {

std::optional<Error> vector_fault(Metric metric, size_t dimension, std::span<const float> vector) {
  const auto fault = [](const char* message, std::string expected, std::string found) {
    return Error(ErrorCode::bad_input, message, {.expected = std::move(expected), .found = std::move(found)});
  };
  if (vector.size() != dimension)
    return fault("the vector has another dimension", std::to_string(dimension) + " numbers", std::to_string(vector.size()));
  for (size_t d = 0; d < vector.size(); ++d) {
    if (std::isfinite(vector[d])) continue;
    return fault("a number is not finite", "finite numbers of 32 bits",
                 (std::isnan(vector[d]) ? "NaN at " : "infinity at ") + std::to_string(d));
  }
  const float square = dot(vector, vector);
  if (!std::isfinite(square)) return fault("the vector is too long", "a length below 1e19", "more");
  if (metric == Metric::cosine && std::ranges::all_of(vector, [](float number) { return number == 0; }))
    return fault("a vector of zeros has no direction", "a length that is not 0, for Cosine", "zeros");
  return std::nullopt;
}

}  // namespace cowatch

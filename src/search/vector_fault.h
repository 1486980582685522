// Why a collection refuses a vector.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "search/compute/vector_index.h"

namespace cowatch {

// bad_input without a place, or nothing: another dimension, a number that is not finite, a length whose square is
// not, zeros under cosine.
std::optional<Error> vector_fault(Metric metric, size_t dimension, std::span<const float> vector);

// The same error at a place.
inline Error at_place(const Error& error, std::string where) {
  Error::Details details = error.details();
  details.where = std::move(where);
  return Error(error.code(), error.message(), details);
}

}  // namespace cowatch

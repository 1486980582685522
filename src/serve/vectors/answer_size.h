// How much one request may be answered. It is counted before the answer is made: whoever asks for more than the server
// can hold is told so, and takes no memory.
#pragma once

#include <string>

#include "base/error.h"

namespace cowatch::serve {

class AnswerSize {
 public:
  static constexpr size_t most_points = 100'000;      // of all queries of a request
  static constexpr size_t most_bytes = 64u << 20;     // of the answer as text
  static constexpr size_t bytes_of_a_point = 64;      // its id, score and the names of its fields
  static constexpr size_t bytes_of_a_number = 20;     // of a vector

  // A query at `where` wants so many points. Throws too_large.
  void want(size_t points, const std::string& where) {
    points_ += points;
    if (points_ <= most_points) return;
    throw Error(ErrorCode::too_large, "the queries of one request ask for too many points",
                {.where = where,
                 .expected = "limits and offsets of together at most " + std::to_string(most_points),
                 .found = std::to_string(points_) + " up to here",
                 .remedy = "Send several requests."});
  }
  // So much is about to be made. Throws too_large.
  void add(size_t bytes) {
    bytes_ += bytes;
    if (bytes_ <= most_bytes) return;
    throw Error(ErrorCode::too_large, "the answer is too large",
                {.expected = "at most " + std::to_string(most_bytes >> 20) + " MiB",
                 .remedy = "Ask for fewer points at a time, or for less of each (with_vector, with_payload)."});
  }

 private:
  size_t points_ = 0, bytes_ = 0;
};

}  // namespace cowatch::serve

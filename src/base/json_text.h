// JSON from outside: of bounded depth, so that printing and freeing a value never runs out of stack.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_forward.h"

namespace cowatch {

// Throws bad_input, naming `where` and the byte, when the text is not JSON or is nested more than 64 deep; also where it holds a
// number of more than 64 bits beside an object of more than 1,000 keys.
Json parse_json(std::string_view text, const std::string& where);

// The same for the body of a search or of new points, for those who print nothing of its vectors: a list of
// numbers that 32 bits hold, where such a body has a vector, becomes packed numbers. As a list, each would be
// a value to make and free.
Json parse_vectors(std::string_view text, const std::string& where);
// Packed numbers; nothing where `json` is anything else, a list of numbers too.
std::optional<std::vector<float>> packed_vector(const Json& json);

}  // namespace cowatch

// JSON from outside: of bounded depth, so that printing and freeing a value never runs out of stack.
#pragma once

#include <string>
#include <string_view>

#include "base/json_forward.h"

namespace cowatch {

// Throws bad_input, naming `where` and the byte, when the text is not JSON or is nested more than 64 deep.
Json parse_json(std::string_view text, const std::string& where);

}  // namespace cowatch

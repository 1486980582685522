// The body of a request as JSON.
#pragma once

#include <string>

#include "base/json_forward.h"

namespace cowatch::serve {

// Throws bad_input when the text is no JSON or nested deeper than 64 levels.
Json parse_body(const std::string& text);

}  // namespace cowatch::serve

// Json as a name only, for headers.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace cowatch {

using Json = nlohmann::ordered_json;

}  // namespace cowatch

// JSON, by nlohmann/json. The one place that names the library. Headers that only pass Json along include
// "base/json_forward.h" instead. Objects keep the order in which keys were added, so output is stable.
#pragma once

#include <nlohmann/json.hpp>

#include "base/json_forward.h"

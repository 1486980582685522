// The program's version and commit, for artifacts, reports and `cowatch --version`.
#pragma once

#include <string_view>

namespace cowatch {

std::string_view version();  // "0.1.0"
std::string_view commit();   // twelve hex digits, or "unknown"

}  // namespace cowatch

// Log lines to standard error, by spdlog. Callers build the text themselves, so that headers stay free of the
// library.
#pragma once

#include <string_view>

namespace cowatch {

enum class LogLevel { debug, info, warning, error };
void set_log_level(LogLevel level);
void log(LogLevel level, std::string_view text);

}  // namespace cowatch

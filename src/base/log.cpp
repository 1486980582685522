#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace cowatch {
namespace {

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = spdlog::stderr_color_mt("cowatch");
    made->set_pattern("%H:%M:%S %^%l%$ %v");
    return made;
  }();
  return *instance;
}

constexpr spdlog::level::level_enum levels[] = {spdlog::level::debug, spdlog::level::info,
                                                spdlog::level::warn, spdlog::level::err};

}  // namespace

void set_log_level(LogLevel level) {
  logger().set_level(levels[static_cast<int>(level)]);
}
void log(LogLevel level, std::string_view text) {
  logger().log(levels[static_cast<int>(level)], "{}", spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace cowatch

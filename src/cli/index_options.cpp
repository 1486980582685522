#include "cli/index_options.h"

#include <algorithm>

#include "search/compute/option_names.h"

namespace cowatch {

void add_index_options(CLI::App& app, IndexOptions& options) {
  each_option(options, [&](const char* name, auto& option, const char* meaning) {
    std::string flag = "--" + std::string(name);
    std::replace(flag.begin(), flag.end(), '_', '-');
    if constexpr (std::is_enum_v<std::decay_t<decltype(option)>>) {
      app.add_option_function<std::string>(
             flag, [&option](const std::string& text) { read_option(text, option); }, meaning)
          ->default_str(std::string(option_name(option)));
    } else {
      app.add_option(flag, option, meaning)->capture_default_str();
    }
  });
  app.add_option("--codebook", options.codebook,
                 "product codes learned elsewhere: a .safetensors file (docs/formats.md)");
  app.parse_complete_callback([&app, &options] {
    if (app.count("--codes") == 0) options.codes = usual_codes(options.kind);
  });
}

}  // namespace cowatch

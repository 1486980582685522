#include "cli/index_options.h"

#include <algorithm>

#include "search/compute/option_names.h"

namespace cowatch {

void add_index_options(CommandLine app, IndexOptions& options) {
  each_option(options, [&](const char* name, auto& option, const char* meaning) {
    std::string flag = "--" + std::string(name);
    std::replace(flag.begin(), flag.end(), '_', '-');
    if constexpr (std::is_enum_v<std::decay_t<decltype(option)>>) {
      app.add_reader(
             flag, [&option](const std::string& text) { read_option(text, option); }, meaning)
          .default_text(std::string(option_name(option)));
    } else {
      app.add_option(flag, option, meaning).with_default();
    }
  });
  app.add_option("--codebook", options.codebook,
                 "product codes learned elsewhere: a .safetensors file (docs/formats.md)");
  app.on_parsed([app, &options] {
    if (!app.given("--codes")) options.codes = usual_codes(options.kind);
  });
}

}  // namespace cowatch

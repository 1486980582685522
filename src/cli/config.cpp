// `cowatch config`: every setting with its value, where the value came from and what it means.
#include <iostream>
#include <memory>

#include "base/json.h"
#include "cli/verbs.h"

namespace cowatch {
namespace {

struct ConfigArguments {
  Path folder;
  std::string name;
  bool as_json = false;
};

std::string source_text(const Settings::Entry& entry) {
  switch (entry.source) {
    case Settings::Source::fallback:
      return "default";
    case Settings::Source::environment:
      return "environment " + entry.origin;
    default:
      return entry.origin;
  }
}

void print_one(const Setting& declaration, const Settings::Entry& entry) {
  std::cout << declaration.name << " = " << to_text(entry.value) << "   (" << source_text(entry) << ")\n    "
            << declaration.meaning << "; default " << to_text(declaration.fallback);
  if (!declaration.choices.empty()) {
    std::cout << "; one of";
    for (const auto choice : declaration.choices) std::cout << ' ' << choice;
  }
  std::cout << "\n";
}

void run_config(const ConfigArguments& options) {
  Settings settings;
  if (options.folder.empty()) {
    settings.load_environment();
  } else {
    settings = Workspace::open(options.folder, Workspace::Access::read).settings();
  }
  if (!options.name.empty()) setting_declaration(options.name);  // names the nearest when unknown
  Json json = Json::object();
  std::string section;
  for (const Setting& declaration : setting_declarations()) {
    if (!options.name.empty() && declaration.name != options.name) continue;
    const auto& entry = settings.entry(declaration.name);
    if (options.as_json) {
      json[std::string(declaration.name)] = {{"value", to_text(entry.value)},
                                             {"source", source_text(entry)},
                                             {"default", to_text(declaration.fallback)},
                                             {"meaning", declaration.meaning}};
      continue;
    }
    const auto here = declaration.name.substr(0, declaration.name.find('.'));
    if (here != section) std::cout << (section.empty() ? "" : "\n") << "[" << (section = here) << "]\n";
    print_one(declaration, entry);
  }
  if (options.as_json) {
    std::cout << json.dump(2) << "\n";
  } else if (options.name.empty()) {
    std::cout << "\nTo change one for good, write it to " << (options.folder.empty() ? "WS/cowatch.toml" : (options.folder / "cowatch.toml").string())
              << ", as in [graph] and min_people = 3 on two lines;\n"
                 "for one command, give its flag (--min-people 3) or COWATCH_GRAPH_MIN_PEOPLE=3.\n";
  }
}

}  // namespace

Verb config_verb() {
  return {"config", "Workspace", "show every setting, its value and where the value came from",
          "  cowatch config                          all settings and their defaults\n"
          "  cowatch config WS                       as they hold in a workspace\n"
          "  cowatch config WS --name graph.min_people\n"
          "  printf '[graph]\\nmin_people = 3\\n' >> WS/cowatch.toml   change one for good",
          [](CommandLine app) {
            const auto options = std::make_shared<ConfigArguments>();
            app.add_option("WS", options->folder, "a workspace; without it, defaults and environment");
            app.add_option("--name", options->name, "only this setting");
            app.add_flag("--json", options->as_json, "as JSON");
            app.callback([options] { run_config(*options); });
          }};
}

}  // namespace cowatch

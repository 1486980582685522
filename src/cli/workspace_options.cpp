#include <algorithm>

#include "cli/verb.h"

namespace cowatch {
namespace {

// "graph.min_people" → "--min-people"
std::string flag_name(std::string_view setting) {
  std::string flag = "--" + std::string(setting.substr(setting.find('.') + 1));
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

}  // namespace

void WorkspaceOptions::add(CommandLine app, std::vector<std::string_view> sections) {
  app.add_option("WS", folder, "the workspace's folder").required();
  app.add_flag("--json", as_json, "print the result as JSON");
  app.add_assignments(
      "--set", [this](const std::string& name, const std::string& text) { flags_.emplace_back(name, text); },
      "any setting, as NAME=VALUE (`cowatch config` lists them)");
  for (const Setting& declaration : setting_declarations()) {
    const auto section = declaration.name.substr(0, declaration.name.find('.'));
    if (std::find(sections.begin(), sections.end(), section) == sections.end()) continue;
    const std::string name(declaration.name);
    CommandOption option = app.add_reader(
        flag_name(name), [this, name](const std::string& text) { flags_.emplace_back(name, text); },
        std::string(declaration.meaning));
    option.default_text(to_text(declaration.fallback)).group("Settings [" + std::string(section) + "]");
    if (std::holds_alternative<bool>(declaration.fallback)) option.true_when_alone();
  }
}

Settings WorkspaceOptions::settings(const Workspace& workspace) const {
  Settings settings = workspace.settings();
  for (const auto& [name, text] : flags_) settings.set(name, text, Settings::Source::flag, flag_name(name));
  return settings;
}

}  // namespace cowatch

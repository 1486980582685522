// Settings, each declared once: name, type, default, meaning. From the declaration come the TOML keys of a
// workspace's cowatch.toml ([graph] min_people = 2), the flags of the verbs (--min-people), the environment
// overrides (COWATCH_GRAPH_MIN_PEOPLE), `cowatch config` and its help. Order of precedence: flag,
// environment, file, default.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/file.h"

namespace cowatch {

using SettingValue = std::variant<bool, int64_t, double, std::string>;

struct Setting {
  std::string_view name;                       // "graph.min_people"
  SettingValue fallback;                       // its type is the setting's type
  std::string_view meaning;                    // one line, with the unit
  double least = -1e18, most = 1e18;           // for numbers
  std::vector<std::string_view> choices = {};  // for strings; empty: any
};

std::span<const Setting> setting_declarations();            // sorted by name; base/setting_declarations.cpp
const Setting& setting_declaration(std::string_view name);  // throws bad_argument and names the nearest

class Settings {
 public:
  enum class Source { fallback, file, environment, flag };
  struct Entry {
    SettingValue value;
    Source source = Source::fallback;
    std::string origin;  // "cowatch.toml, line 4" or the variable's name
  };

  Settings();  // defaults
  void load_toml(
      const Path& path);    // unknown key, wrong type, out of range: bad_input with line and nearest name
  void load_environment();  // COWATCH_SECTION_NAME
  void set(std::string_view name, std::string_view text, Source source,
           std::string origin);  // parses and checks

  bool get_bool(std::string_view name) const;
  int64_t get_int(std::string_view name) const;
  double get_number(std::string_view name) const;
  const std::string& get_text(std::string_view name) const;
  std::vector<std::string> get_list(std::string_view name) const;  // of a text, its parts between commas
  const Entry& entry(std::string_view name) const;

  // The settings of one section as "name=value" lines: the part of a stage's fingerprint that settings make.
  std::string section(std::string_view section) const;

 private:
  std::map<std::string, Entry, std::less<>> entries_;
};

std::string to_text(const SettingValue& value);
// The closest of `names` to `given` by edit distance, or "" when none is near: for "did you mean".
std::string nearest_name(std::string_view given, std::span<const std::string> names);

}  // namespace cowatch

#include "base/settings.h"

#include <toml++/toml.h>
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <sstream>

#include "base/error.h"

namespace cowatch {
namespace {

std::string type_name(const Setting& declaration) {
  switch (declaration.fallback.index()) {
    case 0:
      return "true or false";
    case 1:
      return "a whole number";
    case 2:
      return "a number";
    default:
      break;
  }
  if (declaration.choices.empty()) return "a text";
  std::string text = "one of";
  for (const auto choice : declaration.choices) text += " " + std::string(choice);
  return text;
}

std::string range_text(const Setting& declaration) {
  std::ostringstream text;
  text << type_name(declaration);
  if (declaration.least > -1e18) text << " of at least " << declaration.least;
  if (declaration.most < 1e18)
    text << (declaration.least > -1e18 ? " and at most " : " of at most ") << declaration.most;
  return text.str();
}

[[noreturn]] void refuse(const Setting& declaration, std::string found, std::string where) {
  throw Error(
      ErrorCode::bad_argument, "setting " + std::string(declaration.name) + " does not take this value",
      {.where = std::move(where),
       .expected = range_text(declaration),
       .found = "'" + found + "'",
       .remedy = "`cowatch config --name " + std::string(declaration.name) + "` says what it means."});
}

template <typename Number>
Number parse_number(const Setting& declaration, std::string_view text, const std::string& where) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) refuse(declaration, std::string(text), where);
  return number;
}

SettingValue parse(const Setting& declaration, std::string_view text, const std::string& where) {
  switch (declaration.fallback.index()) {
    case 0:
      if (text == "true" || text == "1" || text == "on" || text == "yes") return true;
      if (text == "false" || text == "0" || text == "off" || text == "no") return false;
      refuse(declaration, std::string(text), where);
    case 1:
      return parse_number<int64_t>(declaration, text, where);
    case 2:
      return parse_number<double>(declaration, text, where);
    default:
      return std::string(text);
  }
}

void check(const Setting& declaration, const SettingValue& value, const std::string& where) {
  const auto outside = [&](double number) {
    return !(number >= declaration.least && number <= declaration.most);
  };
  if (const auto* whole = std::get_if<int64_t>(&value); whole && outside(static_cast<double>(*whole))) {
    refuse(declaration, to_text(value), where);
  }
  if (const auto* number = std::get_if<double>(&value); number && outside(*number)) {
    refuse(declaration, to_text(value), where);
  }
  const auto* text = std::get_if<std::string>(&value);
  if (text && !declaration.choices.empty() &&
      std::find(declaration.choices.begin(), declaration.choices.end(), *text) == declaration.choices.end()) {
    refuse(declaration, *text, where);
  }
}

// Letters added, left out or changed, and neighbours that changed places.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), row(before), next(before);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        next[j] = std::min(next[j], before[j - 2] + 1);
    }
    before.swap(row);
    row.swap(next);
  }
  return row[b.size()];
}

std::string environment_name(std::string_view name) {
  std::string text = "COWATCH_";
  for (const char c : name)
    text += c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string toml_text(const toml::node& node) {
  if (const auto* whole = node.as_integer()) return std::to_string(whole->get());
  if (const auto* number = node.as_floating_point()) return to_text(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (const auto* text = node.as_string()) return text->get();
  return "(a list, table or date)";
}

}  // namespace

std::string nearest_name(std::string_view given, std::span<const std::string> names) {
  std::string best;
  size_t least = std::max<size_t>(2, given.size() / 3) + 1;
  for (const std::string& name : names) {
    const size_t distance = edit_distance(given, name);
    if (distance < least) least = distance, best = name;
  }
  return best;
}

std::string to_text(const SettingValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* whole = std::get_if<int64_t>(&value)) return std::to_string(*whole);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  std::array<char, 32> buffer;
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), std::get<double>(value));
  return {buffer.data(), result.ptr};
}

const Setting& setting_declaration(std::string_view name) {
  const auto all = setting_declarations();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Setting& s) { return s.name == name; });
  if (found != all.end()) return *found;
  std::vector<std::string> names;
  for (const Setting& declaration : all) names.emplace_back(declaration.name);
  const std::string near = nearest_name(name, names);
  throw Error(ErrorCode::bad_argument, "there is no setting " + std::string(name),
              {.expected = "a setting that `cowatch config` lists",
               .found = "'" + std::string(name) + "'",
               .remedy = near.empty() ? "" : "Did you mean " + near + "?"});
}

Settings::Settings() {
  for (const Setting& declaration : setting_declarations()) {
    entries_[std::string(declaration.name)] = {declaration.fallback, Source::fallback, "default"};
  }
}

void Settings::load_toml(const Path& path) {
  toml::table table;
  try {
    table = toml::parse(read_text(path), path.string());
  } catch (const toml::parse_error& error) {
    throw Error(ErrorCode::bad_input, std::string(error.description()),
                {.where = path.string() + ", line " + std::to_string(error.source().begin.line) +
                          ", column " + std::to_string(error.source().begin.column),
                 .expected = "TOML"});
  }
  const auto place = [&](const toml::node& node) {
    return path.filename().string() + ", line " + std::to_string(node.source().begin.line);
  };
  for (const auto& [section, node] : table) {
    const toml::table* keys = node.as_table();
    if (!keys) {
      throw Error(ErrorCode::bad_input, "a setting stands outside a section",
                  {.where = place(node),
                   .expected = "a section such as [graph] first",
                   .found = std::string(section.str())});
    }
    for (const auto& [key, value] : *keys) {
      const std::string name = std::string(section.str()) + "." + std::string(key.str());
      try {
        set(name, toml_text(value), Source::file, place(value));
      } catch (const Error& error) {
        auto details = error.details();
        details.where = place(value);
        throw Error(ErrorCode::bad_input, error.message(), details);
      }
    }
  }
}

void Settings::load_environment() {
  for (const Setting& declaration : setting_declarations()) {
    const std::string variable = environment_name(declaration.name);
    if (const char* text = std::getenv(variable.c_str()))
      set(declaration.name, text, Source::environment, variable);
  }
}

void Settings::set(std::string_view name, std::string_view text, Source source, std::string origin) {
  const Setting& declaration = setting_declaration(name);
  SettingValue value = parse(declaration, text, origin);
  check(declaration, value, origin);
  entries_[std::string(name)] = {std::move(value), source, std::move(origin)};
}

std::vector<std::string> Settings::get_list(std::string_view name) const {
  const std::string& text = get_text(name);
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    std::string part = text.substr(begin, end - begin);
    part.erase(0, part.find_first_not_of(' '));
    part.erase(part.find_last_not_of(' ') + 1);
    if (!part.empty()) parts.push_back(std::move(part));
    begin = end + 1;
  }
  return parts;
}

const Settings::Entry& Settings::entry(std::string_view name) const {
  setting_declaration(name);
  return entries_.find(name)->second;
}

bool Settings::get_bool(std::string_view name) const {
  return std::get<bool>(entry(name).value);
}
int64_t Settings::get_int(std::string_view name) const {
  return std::get<int64_t>(entry(name).value);
}
double Settings::get_number(std::string_view name) const {
  return std::get<double>(entry(name).value);
}
const std::string& Settings::get_text(std::string_view name) const {
  return std::get<std::string>(entry(name).value);
}

std::string Settings::section(std::string_view section) const {
  const std::string prefix = std::string(section) + ".";
  std::string text;
  for (const auto& [name, entry] : entries_) {
    if (name.starts_with(prefix)) text += name + "=" + to_text(entry.value) + "\n";
  }
  return text;
}

}  // namespace cowatch

#include "search/access/payload.h"

#include "base/error.h"
#include "base/json.h"
#include "store/import/parse.h"

namespace cowatch {
namespace {

// Whether the rest of a key enters an array; what is left of it then.
bool enters_array(std::string_view& rest) {
  if (!rest.starts_with("[]")) return false;
  rest.remove_prefix(rest.substr(2).starts_with('.') ? 3 : 2);
  return true;
}

// Each member that begins the rest of a key, with what is left of the key. Its own name may hold a dot, so
// that there may be several.
void follow(auto& object, std::string_view rest, const auto& step) {
  for (auto& [name, value] : object.items()) {
    if (name.empty() || !rest.starts_with(name)) continue;
    std::string_view left = rest.substr(name.size());
    if (!left.empty() && !left.starts_with('.') && !left.starts_with("[]")) continue;
    if (left.starts_with('.')) left.remove_prefix(1);
    step(name, value, left);
  }
}

void find(const Json& node, std::string_view rest, const std::function<void(const Json&)>& visit) {
  if (rest.empty()) return visit(node);
  if (enters_array(rest)) {
    if (node.is_array())
      for (const Json& element : node) find(element, rest, visit);
  } else if (node.is_object()) {
    follow(node, rest,
           [&](const std::string&, const Json& value, std::string_view left) { find(value, left, visit); });
  }
}

// What the rest of a key names in `from` comes into `to`, beside what other keys put there.
void keep(const Json& from, std::string_view rest, Json& to) {
  if (rest.empty()) {
    to = from;
  } else if (from.is_array() && enters_array(rest)) {
    if (to.is_null()) to = Json::array();
    for (size_t i = 0; i < from.size(); ++i) {
      if (i == to.size()) to.push_back(from[i].is_object() ? Json::object() : from[i]);
      if (from[i].is_object()) keep(from[i], rest, to[i]);
    }
  } else if (from.is_object()) {
    if (to.is_null()) to = Json::object();
    follow(from, rest, [&](const std::string& name, const Json& value, std::string_view left) {
      const bool leads_on = left.starts_with("[]") ? value.is_array() : value.is_object();
      if (left.empty() || leads_on) keep(value, left, to[name]);
    });
  }
}

void drop(Json& node, std::string_view rest) {
  if (node.is_array() && enters_array(rest)) {
    if (rest.empty()) node.clear();
    for (Json& element : node) drop(element, rest);
  } else if (node.is_object()) {
    std::vector<std::string> whole;
    follow(node, rest, [&](const std::string& name, Json& value, std::string_view left) {
      left.empty() ? whole.push_back(name) : drop(value, left);
    });
    for (const std::string& name : whole) node.erase(name);
  }
}

void walk(const Json& node, const std::string& key,
          const std::function<void(const std::string&, const Json&)>& visit) {
  if (!key.empty()) visit(key, node);
  if (node.is_object()) {
    for (const auto& [name, value] : node.items())
      if (!name.empty()) walk(value, key.empty() ? name : key + "." + name, visit);
  } else if (node.is_array()) {
    // Elements that are no objects are values of the array's own key.
    for (const Json& element : node) {
      if (!element.is_object()) continue;
      for (const auto& [name, value] : element.items())
        if (!name.empty()) walk(value, key + "[]." + name, visit);
    }
  }
}

}  // namespace

std::optional<Scalar> scalar_of(const Json& value) {
  if (value.is_boolean()) return Scalar(value.get<bool>());
  if (value.is_string()) return Scalar(value.get<std::string>());
  if (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX) return std::nullopt;
  if (value.is_number_integer()) return Scalar(value.get<int64_t>());
  return std::nullopt;
}

std::optional<Number> number_of(const Json& value) {
  if (!value.is_number()) return std::nullopt;
  if (value.is_number_float() || !scalar_of(value)) return value.get<double>();
  return value.get<int64_t>();
}

std::optional<int64_t> time_of(std::string_view text) {
  // parse_time() also takes plain seconds, which in a payload are a number and no date.
  if (text.size() < 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  return parse_time(text);
}

std::optional<int64_t> time_of(const Json& value) {
  return value.is_string() ? time_of(std::string_view(value.get_ref<const std::string&>())) : std::nullopt;
}

void visit_nodes(const Json& payload, std::string_view key, const std::function<void(const Json&)>& visit) {
  if (payload.is_object()) find(payload, key, visit);
}

void visit_all(const Json& payload, const std::function<void(const std::string&, const Json&)>& visit) {
  if (payload.is_object()) walk(payload, "", visit);
}

void visit_values(const Json& node, const std::function<void(const Json&)>& visit) {
  if (!node.is_array()) return visit(node);
  for (const Json& element : node) visit(element);
}

size_t count_values(const Json& node) {
  if (node.is_null()) return 0;
  return node.is_array() ? node.size() : 1;
}

void check_key(std::string_view key, const std::string& where) {
  const auto refuse = [&](const char* message) {
    throw Error(ErrorCode::bad_input, message,
                {.where = where,
                 .expected = "a key such as city, address.city or visits[].city",
                 .found = std::string(key.substr(0, 80))});
  };
  if (key.find("[][]") != key.npos) refuse("arrays within arrays cannot be reached");
  if (key.find('"') != key.npos) refuse("a key is not written in quotes");
  for (size_t at = 0; (at = key.find_first_of("[]", at)) != key.npos; at += 2)
    if (key.substr(at, 2) != "[]") refuse("the elements of an array have no numbers in a key");
}

Json only_keys(const Json& payload, const std::vector<std::string>& keys) {
  Json only = Json::object();
  for (const std::string& key : keys) keep(payload, key, only);
  return only;
}

void drop_keys(Json& payload, const std::vector<std::string>& keys) {
  for (const std::string& key : keys) drop(payload, key);
}

}  // namespace cowatch

#include "search/access/payload.h"

#include "base/json.h"
#include "store/import/parse.h"

namespace cowatch {
namespace {

void find(const Json& node, std::string_view rest, const std::function<void(const Json&)>& visit) {
  if (rest.empty()) return visit(node);
  if (rest.starts_with("[]")) {
    if (!node.is_array()) return;
    rest.remove_prefix(rest.substr(2).starts_with('.') ? 3 : 2);
    for (const Json& element : node) find(element, rest, visit);
    return;
  }
  if (!node.is_object()) return;
  // A member's own name may hold a dot, so every member that begins the rest is followed.
  for (const auto& [name, value] : node.items()) {
    if (name.empty() || !rest.starts_with(name)) continue;
    const std::string_view left = rest.substr(name.size());
    if (left.empty() || left.starts_with("[]")) {
      find(value, left, visit);
    } else if (left.starts_with('.')) {
      find(value, left.substr(1), visit);
    }
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

}  // namespace cowatch

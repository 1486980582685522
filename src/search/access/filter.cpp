#include "search/access/filter.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/settings.h"

namespace cowatch {
namespace {

using Kind = Condition::Kind;
constexpr int deepest = 32;
constexpr size_t looked_at_once = 64;  // conditions, between looks at who waits

[[noreturn]] void refuse(const std::string& message, const std::string& where, const std::string& expected,
                         const Json& found, const std::string& remedy = "") {
  std::string text = found.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  throw Error(ErrorCode::bad_input, message,
              {.where = where, .expected = expected, .found = text, .remedy = remedy});
}

[[noreturn]] void unknown_key(const std::string& name, const std::string& where,
                              const std::vector<std::string>& known) {
  std::string list;
  for (const std::string& each : known) list += (list.empty() ? "" : ", ") + each;
  const std::string near = nearest_name(name, known);
  throw Error(ErrorCode::bad_input, "a filter has an unknown field",
              {.where = where,
               .expected = "one of " + list,
               .found = "'" + name.substr(0, 60) + "'",
               .remedy = near.empty() ? "" : "Did you mean '" + near + "'?"});
}

Scalar need_scalar(const Json& json, const std::string& where) {
  const auto value = scalar_of(json);
  if (!value) refuse("a match compares with one value", where, "a string, a whole number or a bool", json);
  return *value;
}

std::vector<Scalar> need_scalars(const Json& json, const std::string& where) {
  if (!json.is_array()) refuse("this is not a list", where, "an array of strings or whole numbers", json);
  std::vector<Scalar> values;
  values.reserve(json.size());
  for (const Json& each : json) {
    const auto value = scalar_of(each);
    values.push_back(value ? *value : need_scalar(each, where + "/" + std::to_string(values.size())));
  }
  std::sort(values.begin(), values.end());
  return values;
}

void parse_match(const Json& json, const std::string& where, Condition& condition) {
  static const std::vector<std::string> known = {"value", "any", "except", "text"};
  if (!json.is_object() || json.size() != 1) refuse("this is not a match", where, "{\"value\": …}", json);
  const std::string& name = json.begin().key();
  const Json& value = json.begin().value();
  const std::string place = where + "/" + name;
  condition.kind = Kind::match;
  if (name == "value") {
    condition.values = {need_scalar(value, place)};
  } else if (name == "any" || name == "except") {
    condition.values = need_scalars(value, place);
    if (name == "except") condition.kind = Kind::except;
  } else if (name == "text") {
    if (!value.is_string()) refuse("a text match compares with a string", place, "a string", value);
    condition.values = {value.get<std::string>()};
    condition.kind = Kind::text;
  } else {
    unknown_key(name, where, known);
  }
}

// Bounds are numbers, or, where `dates`, dates in ISO 8601: of one kind in one range.
void parse_range(const Json& json, const std::string& where, bool dates, Condition& condition) {
  static const std::vector<std::string> known = {"gt", "gte", "lt", "lte"};
  if (!json.is_object()) refuse("this is not a range", where, "{\"gte\": 1, \"lt\": 5}", json);
  bool numbers = false;
  for (const auto& [name, value] : json.items()) {
    const std::string place = where + "/" + name;
    if (std::find(known.begin(), known.end(), name) == known.end()) unknown_key(name, where, known);
    if (value.is_null()) continue;
    Number bound = 0;
    if (const auto number = number_of(value)) {
      bound = *number;
      numbers = true;
    } else if (const auto time = time_of(value); time && dates) {
      bound = static_cast<Number>(*time);
      condition.kind = Kind::time_range;
    } else {
      refuse("a bound cannot be read", place,
             dates ? "a number, or a date in ISO 8601 from 1990 to 2100" : "a number", value);
    }
    if (numbers && condition.kind == Kind::time_range)
      refuse("a range mixes numbers and dates", where, "bounds of one kind", json);
    if (name[0] == 'g') {
      condition.range.raise_least(bound, name == "gt");
    } else {
      condition.range.lower_most(bound, name == "lt");
    }
  }
}

std::string need_key(const Json& json, const std::string& where) {
  if (!json.is_string() || json.get_ref<const std::string&>().empty())
    refuse("a condition needs the key of a payload field", where, "a string that is not empty", json);
  std::string key = json.get<std::string>();
  check_key(key, where);
  // "tags[]" and "tags" name the same values.
  if (key.ends_with("[]")) key.resize(key.size() - 2);
  return key;
}

Condition parse_field(const Json& json, const std::string& where) {
  static const std::vector<std::string> known = {"key",      "match",   "range", "values_count",
                                                 "is_empty", "is_null"};
  static const std::vector<std::string> geo = {"geo_bounding_box", "geo_radius", "geo_polygon"};
  Condition condition;
  condition.key = need_key(json["key"], where + "/key");
  size_t tests = 0;
  for (const auto& [name, value] : json.items()) {
    if (name == "key" || value.is_null()) continue;
    const std::string place = where + "/" + name;
    ++tests;
    if (name == "match") {
      parse_match(value, place, condition);
    } else if (name == "range") {
      condition.kind = Kind::range;
      parse_range(value, place, true, condition);
    } else if (name == "values_count") {
      condition.kind = Kind::values_count;
      parse_range(value, place, false, condition);
    } else if (name == "is_empty" || name == "is_null") {
      if (!value.is_boolean()) refuse("this is not a bool", place, "true or false", value);
      condition.kind = name == "is_empty" ? Kind::is_empty : Kind::has_null;
      if (!value.get<bool>()) {
        Condition negated;
        negated.kind = Kind::none;
        negated.children = {condition};
        condition = std::move(negated);
      }
    } else if (std::find(geo.begin(), geo.end(), name) != geo.end()) {
      throw Error(ErrorCode::unsupported, "places on the earth cannot be filtered by",
                  {.where = place, .expected = "match, range, values_count, is_empty or is_null"});
    } else {
      unknown_key(name, where, known);
    }
  }
  if (tests != 1) refuse("a condition has one test", where, "one of match, range, values_count, is_empty, is_null", json);
  return condition;
}

// How far a filter was read: levels down, and conditions in all.
struct Extent {
  int depth;
  size_t& conditions;
  Extent within() const { return {depth + 1, conditions}; }
};

Condition parse_group(const Json& json, const std::string& where, Extent extent);

Condition parse_condition(const Json& json, const std::string& where, Extent extent) {
  if (++extent.conditions > most_conditions)
    throw Error(ErrorCode::too_large, "the filter has too many conditions",
                {.where = where.substr(0, 80),
                 .expected = "at most " + std::to_string(most_conditions),
                 .remedy = "A list of values is one condition: match with any, or has_id."});
  if (!json.is_object()) refuse("a condition is not an object", where, "{\"key\": …} or a filter", json);
  if (json.contains("key")) return parse_field(json, where);
  if (json.contains("nested"))
    throw Error(ErrorCode::unsupported, "nested conditions are not supported",
                {.where = where + "/nested", .remedy = "A key with [] reaches into the elements of an array."});
  if (json.contains("has_vector"))
    throw Error(ErrorCode::unsupported, "every point has the one vector: has_vector is not supported",
                {.where = where + "/has_vector"});
  for (const char* name : {"is_empty", "is_null"}) {
    if (!json.contains(name)) continue;
    const Json& inner = json[name];
    if (json.size() != 1 || !inner.is_object() || inner.size() != 1 || !inner.contains("key"))
      refuse("this is not a condition", where, "{\"" + std::string(name) + "\": {\"key\": …}}", json);
    Condition condition;
    condition.kind = std::string_view(name) == "is_empty" ? Kind::is_empty : Kind::is_null;
    condition.key = need_key(inner["key"], where + "/" + name + "/key");
    return condition;
  }
  if (json.contains("has_id")) {
    const Json& list = json["has_id"];
    if (json.size() != 1 || !list.is_array())
      refuse("this is not a condition", where, "{\"has_id\": [ids]}", json);
    Condition condition;
    condition.kind = Kind::has_id;
    auto& ids = condition.ids;
    ids.reserve(list.size());
    for (const Json& each : list) {
      const auto id = point_id_of(each);
      ids.push_back(id ? *id : parse_point_id(each, where + "/has_id/" + std::to_string(ids.size())));
    }
    std::sort(condition.ids.begin(), condition.ids.end());
    return condition;
  }
  // Taken for a filter it would let everything through: whoever left out what it was to say would delete all.
  if (std::ranges::all_of(json, [](const Json& each) { return each.is_null(); }))
    refuse("a condition says nothing", where, "{\"key\": …}, {\"has_id\": […]}, … or a filter", json);
  return parse_group(json, where, extent.within());
}

std::vector<Condition> parse_conditions(const Json& json, const std::string& where, Extent extent) {
  std::vector<Condition> conditions;
  if (!json.is_array()) return {parse_condition(json, where, extent)};
  for (size_t i = 0; i < json.size(); ++i)
    conditions.push_back(parse_condition(json[i], where + "/" + std::to_string(i), extent));
  return conditions;
}

Condition group(Kind kind, std::vector<Condition> children, size_t least = 0) {
  Condition condition;
  condition.kind = kind;
  condition.children = std::move(children);
  condition.least = least;
  return condition;
}

Condition parse_min_should(const Json& json, const std::string& where, Extent extent) {
  if (!json.is_object() || json.size() != 2 || !json.contains("conditions") || !json.contains("min_count") ||
      !json["min_count"].is_number_unsigned()) {
    refuse("this is not a min_should", where, "{\"conditions\": […], \"min_count\": 1}", json);
  }
  return group(Kind::at_least, parse_conditions(json["conditions"], where + "/conditions", extent),
               json["min_count"].get<size_t>());
}

Condition parse_group(const Json& json, const std::string& where, Extent extent) {
  static const std::vector<std::string> known = {"must",   "should",   "must_not", "min_should", "key",
                                                 "has_id", "is_empty", "is_null"};
  if (extent.depth > deepest)
    throw Error(ErrorCode::bad_input, "the filter is nested too deeply",
                {.where = where.substr(0, 80), .expected = "at most " + std::to_string(deepest) + " levels"});
  if (!json.is_object()) refuse("a filter is not an object", where, "{\"must\": […]}", json);
  Condition all;
  for (const auto& [name, value] : json.items()) {
    const std::string place = where + "/" + name;
    if (value.is_null()) continue;
    if (name == "must") {
      all.children.push_back(group(Kind::all, parse_conditions(value, place, extent)));
    } else if (name == "should") {
      auto children = parse_conditions(value, place, extent);
      // As in Qdrant: an empty list asks for nothing.
      if (!children.empty()) all.children.push_back(group(Kind::any, std::move(children)));
    } else if (name == "must_not") {
      all.children.push_back(group(Kind::none, parse_conditions(value, place, extent)));
    } else if (name == "min_should") {
      all.children.push_back(parse_min_should(value, place, extent));
    } else if (name == "key" || name == "has_id" || name == "is_empty" || name == "is_null") {
      refuse("a condition stands in place of a filter", where, "{\"must\": [condition]}", json,
             "Put the condition under must.");
    } else {
      unknown_key(name, where, known);
    }
  }
  return all;
}

bool any_value(const Json& payload, const std::string& key, const auto& test) {
  bool found = false;
  visit_nodes(payload, key, [&](const Json& node) {
    visit_values(node, [&](const Json& value) { found = found || test(value); });
  });
  return found;
}

bool any_node(const Json& payload, const std::string& key, const auto& test) {
  bool found = false;
  visit_nodes(payload, key, [&](const Json& node) { found = found || test(node); });
  return found;
}

// Whether at least so many children hold; no more of them are looked at than that takes.
bool enough_children(const Condition& condition, size_t least, const PointId& id, const Json& payload,
                     const Patience& patience) {
  const auto& children = condition.children;
  for (size_t i = 0; least > 0; ++i) {
    if (least > children.size() - i) return false;
    if (i % looked_at_once == looked_at_once - 1) patience.check();
    if (matches(children[i], id, payload, patience)) --least;
  }
  return true;
}

}  // namespace

Condition parse_filter(const Json& json, const std::string& where) {
  size_t conditions = 0;
  return parse_group(json, where, {1, conditions});
}

bool matches(const Condition& condition, const PointId& id, const Json& payload, const Patience& patience) {
  const auto& values = condition.values;
  const auto enough = [&](size_t least) { return enough_children(condition, least, id, payload, patience); };
  const auto listed = [&](const Json& value) {
    const auto scalar = scalar_of(value);
    return scalar && std::binary_search(values.begin(), values.end(), *scalar);
  };
  switch (condition.kind) {
    case Kind::all:
      return enough(condition.children.size());
    case Kind::any:
      return enough(1);
    case Kind::none:
      return !enough(1);
    case Kind::at_least:
      return enough(condition.least);
    case Kind::match:
      return any_value(payload, condition.key, [&](const Json& value) { return listed(value); });
    case Kind::except:
      return any_value(payload, condition.key,
                       [&](const Json& value) { return !value.is_null() && !listed(value); });
    case Kind::text:
      return any_value(payload, condition.key, [&](const Json& value) {
        return value.is_string() && value.get_ref<const std::string&>().find(
                                        std::get<std::string>(values[0])) != std::string::npos;
      });
    case Kind::range:
      return any_value(payload, condition.key, [&](const Json& value) {
        const auto number = number_of(value);
        return number && condition.range.holds(*number);
      });
    case Kind::time_range:
      return any_value(payload, condition.key, [&](const Json& value) {
        const auto time = time_of(value);
        return time && condition.range.holds(static_cast<Number>(*time));
      });
    case Kind::values_count: {
      size_t count = 0;
      visit_nodes(payload, condition.key, [&](const Json& node) { count += count_values(node); });
      return condition.range.holds(static_cast<Number>(count));
    }
    case Kind::is_empty:
      return !any_node(payload, condition.key, [](const Json& node) { return count_values(node) > 0; });
    case Kind::is_null:
      return any_node(payload, condition.key, [](const Json& node) { return node.is_null(); });
    case Kind::has_null:
      return any_value(payload, condition.key, [](const Json& value) { return value.is_null(); });
    case Kind::has_id:
      return std::binary_search(condition.ids.begin(), condition.ids.end(), id);
  }
  return false;
}

}  // namespace cowatch

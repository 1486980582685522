#include "serve/vectors/fields.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/json_text.h"
#include "base/settings.h"

namespace cowatch::serve {
namespace {

std::string shortened(const Json& json) {
  std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() > 80 ? text.substr(0, 77) + "..." : text;
}

}  // namespace

Fields::Fields(const Json& object, std::string where, std::span<const std::string_view> known)
    : object_(object), where_(std::move(where)) {
  if (!object.is_object()) {
    throw Error(ErrorCode::bad_input, "this is not an object",
                {.where = where_.empty() ? "the body" : where_, .expected = "a JSON object", .found = shortened(object)});
  }
  for (const auto& [name, value] : object.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    std::vector<std::string> names(known.begin(), known.end());
    std::string list;
    for (const std::string& each : names) list += (list.empty() ? "" : ", ") + each;
    const std::string near = nearest_name(name, names);
    throw Error(ErrorCode::bad_input, "there is no such field",
                {.where = place(name).substr(0, 120),
                 .expected = "one of " + list,
                 .found = "'" + name.substr(0, 60) + "'",
                 .remedy = near.empty() ? "" : "Did you mean '" + near + "'?"});
  }
}

const Json* Fields::find(std::string_view name) const {
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

void Fields::wrong(std::string_view name, std::string_view expected) const {
  const Json* found = find(name);
  throw Error(ErrorCode::bad_input, found ? "a field cannot be read" : "a field is missing",
              {.where = place(name), .expected = std::string(expected), .found = found ? shortened(*found) : "nothing"});
}

const Json& Fields::need(std::string_view name, std::string_view expected) const {
  const Json* found = find(name);
  if (!found) wrong(name, expected);
  return *found;
}

size_t Fields::whole(std::string_view name, size_t fallback, size_t least, size_t most) const {
  const Json* found = find(name);
  if (!found) return fallback;
  if (!found->is_number_unsigned() || found->get<size_t>() < least || found->get<size_t>() > most)
    wrong(name, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return found->get<size_t>();
}

bool Fields::flag(std::string_view name, bool fallback) const {
  const Json* found = find(name);
  if (!found) return fallback;
  if (!found->is_boolean()) wrong(name, "true or false");
  return found->get<bool>();
}

const double* Fields::number(std::string_view name, double& buffer) const {
  const Json* found = find(name);
  if (!found) return nullptr;
  if (!found->is_number()) wrong(name, "a number");
  buffer = found->get<double>();
  return &buffer;
}

std::string Fields::text(std::string_view name, std::string_view fallback) const {
  const Json* found = find(name);
  if (!found) return std::string(fallback);
  if (!found->is_string()) wrong(name, "a string");
  return found->get<std::string>();
}

const Json& Fields::list(std::string_view name) const {
  const Json& found = need(name, "an array");
  if (!found.is_array()) wrong(name, "an array");
  return found;
}

std::vector<PointId> Fields::ids(std::string_view name, size_t most) const {
  return read_ids(list(name), place(name), most);
}

void Fields::refuse(std::initializer_list<std::string_view> names, std::string_view remedy) const {
  for (const std::string_view name : names) {
    if (find(name))
      throw Error(ErrorCode::unsupported, "this field is not supported",
                  {.where = place(name), .found = "'" + std::string(name) + "'", .remedy = std::string(remedy)});
  }
}

void Fields::not_both(std::string_view one, std::string_view other) const {
  if (!find(one) || !find(other)) return;
  throw Error(
      ErrorCode::bad_input, "two fields say the same thing",
      {.where = place(other), .expected = std::string(one) + " or " + std::string(other), .found = "both"});
}

std::vector<PointId> read_ids(const Json& json, const std::string& where, size_t most) {
  if (json.size() > most)
    throw Error(ErrorCode::too_large, "there are too many ids in one request",
                {.where = where,
                 .expected = "at most " + std::to_string(most),
                 .found = std::to_string(json.size()),
                 .remedy = "Send several requests."});
  std::vector<PointId> ids;
  ids.reserve(json.size());
  for (const Json& each : json) {
    const auto id = point_id_of(each);
    ids.push_back(id ? *id : parse_point_id(each, where + "/" + std::to_string(ids.size())));
  }
  return ids;
}

std::vector<float> read_vector(const Json& json, const std::string& where) {
  if (auto packed = packed_vector(json)) return *std::move(packed);
  if (!json.is_array()) {
    const bool named = json.is_object();
    throw Error(named ? ErrorCode::unsupported : ErrorCode::bad_input,
                named ? "a collection has one unnamed dense vector a point" : "a vector cannot be read",
                {.where = where, .expected = "an array of numbers", .found = shortened(json)});
  }
  std::vector<float> vector;
  vector.reserve(json.size());
  for (const Json& value : json.get_ref<const Json::array_t&>()) {
    const double number = value.is_number() ? value.get<double>() : NAN;
    if (!std::isfinite(static_cast<float>(number))) {
      throw Error(value.is_array() ? ErrorCode::unsupported : ErrorCode::bad_input,
                  value.is_array() ? "a point has one vector, not several" : "a number cannot be read",
                  {.where = where + "/" + std::to_string(vector.size()),
                   .expected = "a finite number of 32 bits",
                   .found = shortened(value)});
    }
    vector.push_back(static_cast<float>(number));
  }
  return vector;
}

}  // namespace cowatch::serve

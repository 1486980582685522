#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "base/settings.h"
#include "search/point_files.h"
#include "store/text_input.h"

namespace cowatch {

PointChange parse_point_line(const Json& json, const std::string& where) {
  const auto refuse = [&](const char* what, const char* expected, const std::string& found) {
    throw Error(ErrorCode::bad_input, what, {.where = where, .expected = expected, .found = std::string(cut_text(found, 60))});
  };
  if (!json.is_object() || !json.contains("id") || !json.contains("vector") || !json["vector"].is_array())
    refuse("this is not a point", "{\"id\": …, \"vector\": […], \"payload\": {…}}", json.dump());
  static const std::vector<std::string> known = {"id", "vector", "payload"};
  for (const auto& [name, value] : json.items()) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::string near = nearest_name(name, known);
    throw Error(ErrorCode::bad_input, "a point has an unknown field",
                {.where = where,
                 .expected = "id, vector and payload",
                 .found = "'" + std::string(cut_text(name, 60)) + "'",
                 .remedy = near.empty() ? "" : "Did you mean '" + near + "'?"});
  }
  PointChange change;
  change.id = parse_point_id(json["id"], where);
  for (const Json& value : json["vector"]) {
    if (!value.is_number()) refuse("a vector holds something else than numbers", "an array of numbers", value.dump());
    change.vector.push_back(value.get<float>());
  }
  if (json.contains("payload") && !json["payload"].is_null()) {
    if (!json["payload"].is_object()) refuse("a payload is an object", "{…}", json["payload"].dump());
    change.payload = json["payload"].dump();
  }
  return change;
}

}  // namespace cowatch

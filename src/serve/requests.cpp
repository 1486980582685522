#include "serve/requests.h"

#include <algorithm>

#include "base/error.h"
#include "base/json.h"
#include "serve/present.h"
#include "store/import/parse.h"

namespace cowatch::serve {

ItemRecord need_item(const Call& call, const std::string& id) {
  const auto index = call.catalogue.find_item(id);
  if (!index)
    throw Error(ErrorCode::not_found, "there is no such item", {.found = "'" + id.substr(0, 80) + "'"});
  return *call.catalogue.item(*index);
}

UserRecord need_user(const Call& call, const std::string& id) {
  if (auto user = call.catalogue.user(id)) return std::move(*user);
  throw Error(ErrorCode::not_found, "there is no such user", {.found = "'" + id.substr(0, 80) + "'"});
}

uint32_t cursor_of(const Call& call) {
  return static_cast<uint32_t>(call.request.whole("cursor", 0, 0, UINT32_MAX));
}

size_t count_of(const Call& call, int64_t fallback, int64_t most) {
  return static_cast<size_t>(call.request.whole("n", fallback, 0, most));
}

RelatedQuery related_query(const Call& call, int64_t most_offset) {
  RelatedQuery query;
  query.count = count_of(call, 10);
  query.offset = static_cast<size_t>(call.request.whole("offset", 0, 0, most_offset));
  query.user = call.request.text("user-id");
  std::string list = call.request.text("exclude");
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    if (end > 0) query.exclude.push_back(list.substr(0, end));
    list.erase(0, end + 1);
  }
  return query;
}

Response ranked_response(const Call& call, const std::vector<Ranked>& list) {
  Json json = Json::array();
  for (const Ranked& ranked : list) json.push_back(to_json(ranked, call.catalogue));
  return json_response(json);
}

int64_t time_of(const Json& body) {
  if (!body.contains("Timestamp") || body["Timestamp"].is_null()) return -1;
  const std::string text =
      body["Timestamp"].is_string() ? body["Timestamp"].get<std::string>() : body["Timestamp"].dump();
  const auto time = parse_time(text);
  if (!time)
    throw Error(ErrorCode::bad_input, "the time cannot be read",
                {.where = "/Timestamp",
                 .expected = "ISO 8601 or seconds since 1970, from 1990 to 2100",
                 .found = text.substr(0, 40)});
  return *time;
}

// "" where a field is null.
std::string text_of(const Json& field) {
  return field.is_string() ? field.get<std::string>() : std::string();
}

std::string labels_of(const Json& body) {
  const auto found = body.find("Labels");
  return found != body.end() && found->is_structured() ? found->dump() : std::string();
}

std::vector<Json> each_of(const Json& body) {
  if (!body.is_array()) return {body};
  return {body.begin(), body.end()};
}

}  // namespace cowatch::serve

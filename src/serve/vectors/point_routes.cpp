// Points: writing, reading by id and in order, counting.
#include <algorithm>
#include <map>
#include <unordered_set>

#include "base/error.h"
#include "search/row_errors.h"
#include "serve/vectors/fields.h"
#include "serve/vectors/vector_routes.h"

namespace cowatch::serve {
namespace {

Json written(uint64_t sequence) {
  return {{"operation_id", sequence}, {"status", "completed"}};
}

std::string read_payload(const Json* payload, const std::string& where) {
  if (!payload) return "{}";
  if (!payload->is_object())
    throw Error(ErrorCode::bad_input, "a payload is an object", {.where = where, .expected = "{…}", .found = payload->type_name()});
  try {
    return payload->dump();
  } catch (const Json::exception&) {
    throw Error(ErrorCode::bad_input, "a payload holds text that is not UTF-8", {.where = where});
  }
}

// {"points": [{id, vector, payload}]}
std::vector<PointChange> read_points(const Fields& fields) {
  std::vector<PointChange> changes;
  const Json& list = fields.list("points");
  if (list.size() > most_points)
    throw Error(ErrorCode::too_large, "there are too many points in one request",
                {.where = fields.place("points"), .expected = "at most " + std::to_string(most_points), .found = std::to_string(list.size())});
  RowErrors errors;
  for (size_t row = 0; row < list.size(); ++row) {
    errors.attempt([&] {
      const Fields one(list[row], fields.place("points") + "/" + std::to_string(row), {"id", "vector", "payload"});
      PointChange change;
      change.id = parse_point_id(one.need("id", "a point id"), one.place("id"));
      change.vector = read_vector(one.need("vector", "an array of numbers"), one.place("vector"));
      change.payload = read_payload(one.find("payload"), one.place("payload"));
      changes.push_back(std::move(change));
    });
  }
  errors.throw_if_any();
  return changes;
}

// {"batch": {ids, vectors, payloads}}
std::vector<PointChange> read_columns(const Json& json) {
  const Fields fields(json, "/batch", {"ids", "vectors", "payloads"});
  const auto ids = fields.ids("ids", most_points);
  const Json& vectors = fields.list("vectors");
  const Json* payloads = fields.find("payloads");
  if (vectors.size() != ids.size() || (payloads && payloads->size() != ids.size()))
    throw Error(ErrorCode::bad_input, "the columns of a batch have one length",
                {.where = "/batch", .expected = std::to_string(ids.size()) + " vectors and payloads"});
  std::vector<PointChange> changes;
  for (size_t i = 0; i < ids.size(); ++i) {
    const std::string at = "/" + std::to_string(i);
    const Json* payload = payloads && !(*payloads)[i].is_null() ? &(*payloads)[i] : nullptr;
    changes.push_back({ids[i], false, read_vector(vectors[i], "/batch/vectors" + at), read_payload(payload, "/batch/payloads" + at)});
  }
  return changes;
}

// The points that a body with `points` or `filter` names. Points that are not there are left out.
std::vector<PointPlace> chosen(const CollectionView& view, const std::vector<PointId>* ids, const Condition* condition) {
  std::vector<PointPlace> places;
  if (ids) {
    std::vector<PointId> sorted = *ids;
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    for (const PointId& id : sorted)
      if (const auto at = view.find(id)) places.push_back(*at);
    return places;
  }
  const auto allowed = view.select(condition);
  for (uint32_t t = 0; t < allowed.size(); ++t)
    allowed[t]->for_each([&](uint32_t slot) { places.push_back({t, slot}); });
  return places;
}

struct Selector {
  std::optional<std::vector<PointId>> ids;
  std::optional<Condition> condition;
  std::vector<PointPlace> in(const CollectionView& view) const {
    return chosen(view, ids ? &*ids : nullptr, condition ? &*condition : nullptr);
  }
};

Selector read_selector(const Fields& fields) {
  Selector selector;
  fields.refuse({"shard_key"});
  if (fields.find("points")) {
    selector.ids = fields.ids("points", most_points);
  } else {
    selector.condition = read_filter(fields);
    if (!selector.condition) fields.wrong("points", "an array of ids, or a filter");
  }
  return selector;
}

PointChange change_of(const CollectionView& view, PointPlace at) {
  const PointTable& table = *view.tables[at.table].table;
  const auto vector = table.vector_of(at.slot);
  return {table.id_of(at.slot), false, {vector.begin(), vector.end()}, std::string(table.payload_text(at.slot))};
}

// Changes the payload of each chosen point.
Json edit_payloads(Collection& collection, const Selector& selector, const std::function<void(Json&)>& edit) {
  return written(collection.write([&](const CollectionView& view) {
    std::vector<PointChange> changes;
    for (const PointPlace at : selector.in(view)) {
      Json payload = view.tables[at.table].table->payload_of(at.slot);
      edit(payload);
      changes.push_back(change_of(view, at));
      changes.back().payload = payload.dump();
    }
    return changes;
  }));
}

const Json& need_payload(const Fields& fields) {
  fields.refuse({"key"}, "Give the whole path in the payload.");
  read_payload(&fields.need("payload", "an object"), fields.place("payload"));
  return *fields.find("payload");
}

// The writing operations, as bodies of their own and as members of a batch.
Json write_points(Collection& collection, const Json& body, const std::string& where) {
  return written(collection.write(read_upsert(body, where)));
}

Json erase_points(Collection& collection, const Json& body, const std::string& where) {
  const Fields fields(body, where, {"points", "filter", "shard_key"});
  const Selector selector = read_selector(fields);
  return written(collection.write([&](const CollectionView& view) {
    std::vector<PointChange> changes;
    for (const PointPlace at : selector.in(view)) changes.push_back({view.id_of(at), true, {}, ""});
    return changes;
  }));
}

Json write_payload(Collection& collection, const Json& body, const std::string& where, bool overwrite) {
  const Fields fields(body, where, {"payload", "points", "filter", "shard_key", "key"});
  const Json& payload = need_payload(fields);
  return edit_payloads(collection, read_selector(fields), [&](Json& edited) {
    if (overwrite) edited = Json::object();
    for (const auto& [name, value] : payload.items()) edited[name] = value;
  });
}

Json erase_payload(Collection& collection, const Json& body, const std::string& where) {
  const Fields fields(body, where, {"keys", "points", "filter", "shard_key"});
  std::vector<std::string> keys;
  for (const Json& key : fields.list("keys")) {
    if (!key.is_string()) fields.wrong("keys", "an array of strings");
    keys.push_back(key.get<std::string>());
  }
  return edit_payloads(collection, read_selector(fields), [&](Json& edited) {
    for (const std::string& key : keys) edited.erase(key);
  });
}

Json empty_payload(Collection& collection, const Json& body, const std::string& where) {
  const Fields fields(body, where, {"points", "filter", "shard_key"});
  return edit_payloads(collection, read_selector(fields), [](Json& edited) { edited = Json::object(); });
}

Json write_vectors(Collection& collection, const Json& body, const std::string& where) {
  auto rows = read_vector_rows(body, where);
  return written(collection.write([&](const CollectionView& view) {
    std::vector<PointChange> changes;
    for (PointChange& row : rows) {
      const auto at = view.find(row.id);
      if (!at)
        throw Error(ErrorCode::not_found, "there is no such point", {.where = where + "/points", .found = to_text(row.id)});
      changes.push_back(change_of(view, *at));
      changes.back().vector = std::move(row.vector);
    }
    return changes;
  }));
}

// Keeps, or leaves out, the members of a payload that keys name; a key may reach in by dots.
Json trimmed(const Json& payload, const std::vector<std::string>& keys, bool keep) {
  Json kept = keep ? Json::object() : payload;
  for (const std::string& key : keys) {
    const size_t dot = key.find('.');
    const std::string first = key.substr(0, dot);
    const auto found = payload.find(payload.contains(key) ? key : first);
    if (found == payload.end()) continue;
    if (payload.contains(key) || dot == key.npos) {
      if (keep) kept[key] = *found;
      else kept.erase(key);
    } else if (found->is_object()) {
      const Json inner = trimmed(*found, {key.substr(dot + 1)}, keep);
      if (keep) kept[first].update(inner);
      else kept[first] = inner;
    }
  }
  return kept;
}

}  // namespace

std::vector<PointChange> read_upsert(const Json& body, const std::string& where) {
  const Fields fields(body, where, {"points", "batch", "shard_key", "update_filter", "update_mode"});
  fields.refuse({"shard_key", "update_filter", "update_mode"});
  const Json* columns = fields.find("batch");
  return columns ? read_columns(*columns) : read_points(fields);
}

std::vector<PointChange> read_vector_rows(const Json& body, const std::string& where) {
  const Fields fields(body, where, {"points", "shard_key", "update_filter"});
  fields.refuse({"shard_key", "update_filter"});
  std::vector<PointChange> rows;
  for (const Json& point : fields.list("points")) {
    const Fields one(point, fields.place("points") + "/" + std::to_string(rows.size()), {"id", "vector"});
    PointChange row;
    row.id = parse_point_id(one.need("id", "a point id"), one.place("id"));
    row.vector = read_vector(one.need("vector", "an array of numbers"), one.place("vector"));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::optional<Condition> read_filter(const Fields& fields, std::string_view name) {
  const Json* filter = fields.find(name);
  if (!filter) return std::nullopt;
  return parse_filter(*filter, fields.place(name));
}

Shown read_shown(const Fields& fields, bool payload_by_default) {
  Shown shown;
  const auto strings = [&](const Json& list, const std::string& place) {
    for (const Json& key : list) {
      if (!key.is_string()) throw Error(ErrorCode::bad_input, "a payload key is a string", {.where = place});
      shown.keys.push_back(key.get<std::string>());
    }
  };
  const Json* payload = fields.find("with_payload");
  if (!payload) {
    if (payload_by_default) shown.payload = Shown::Payload::all;
  } else if (payload->is_boolean()) {
    if (payload->get<bool>()) shown.payload = Shown::Payload::all;
  } else if (payload->is_array()) {
    shown.payload = Shown::Payload::include;
    strings(*payload, fields.place("with_payload"));
  } else {
    const Fields inner(*payload, fields.place("with_payload"), {"include", "exclude"});
    const char* which = inner.find("include") ? "include" : "exclude";
    shown.payload = inner.find("include") ? Shown::Payload::include : Shown::Payload::exclude;
    strings(inner.list(which), inner.place(which));
  }
  const Json* vector = fields.find("with_vector");
  if (!vector) vector = fields.find("with_vectors");
  if (vector && vector->is_array())
    throw Error(ErrorCode::unsupported, "there are no named vectors", {.where = fields.place("with_vector"), .expected = "true or false"});
  if (vector && !vector->is_boolean()) fields.wrong("with_vector", "true or false");
  shown.vector = vector && vector->get<bool>();
  return shown;
}

Json point_json(const CollectionView& view, PointPlace at, const Shown& shown, AnswerSize& size) {
  const PointTable& table = *view.tables[at.table].table;
  size.add(AnswerSize::bytes_of_a_point);
  Json point = {{"id", to_json(table.id_of(at.slot))}};
  if (shown.payload == Shown::Payload::all) {
    size.add(table.payload_text(at.slot).size());
    point["payload"] = table.payload_of(at.slot);
  } else if (shown.payload != Shown::Payload::none) {
    Json payload =
        trimmed(table.payload_of(at.slot), shown.keys, shown.payload == Shown::Payload::include);
    size.add(payload.dump().size());
    point["payload"] = std::move(payload);
  }
  if (shown.vector) {
    const auto vector = table.vector_of(at.slot);
    size.add(vector.size() * AnswerSize::bytes_of_a_number);
    point["vector"] = std::vector<float>(vector.begin(), vector.end());
  }
  return point;
}

Json upsert_points(VectorCall& call) {
  return write_points(*call.collection, call.body, "");
}
Json delete_points(VectorCall& call) {
  return erase_points(*call.collection, call.body, "");
}
Json update_vectors(VectorCall& call) {
  return write_vectors(*call.collection, call.body, "");
}
Json set_payload(VectorCall& call) {
  return write_payload(*call.collection, call.body, "", false);
}
Json overwrite_payload(VectorCall& call) {
  return write_payload(*call.collection, call.body, "", true);
}
Json delete_payload(VectorCall& call) {
  return erase_payload(*call.collection, call.body, "");
}
Json clear_payload(VectorCall& call) {
  return empty_payload(*call.collection, call.body, "");
}

const Json& read_operations(const Json& body) {
  const Fields fields(body, "", {"operations"});
  const Json& operations = fields.list("operations");
  static const std::vector<std::string_view> known = {"upsert",         "delete",        "set_payload", "overwrite_payload",
                                                      "delete_payload", "clear_payload", "update_vectors"};
  for (size_t i = 0; i < operations.size(); ++i) {
    if (!operations[i].is_object() || operations[i].size() != 1 ||
        std::find(known.begin(), known.end(), operations[i].begin().key()) == known.end())
      throw Error(ErrorCode::bad_input, "this is not a known operation",
                  {.where = "/operations/" + std::to_string(i),
                   .expected = "one of upsert, delete, set_payload, overwrite_payload, delete_payload, clear_payload, update_vectors"});
  }
  return operations;
}

Json batch_update(VectorCall& call) {
  const Json& operations = read_operations(call.body);
  Json results = Json::array();
  for (const Json& operation : operations) {
    const std::string name = operation.begin().key();
    const Json& body = operation.begin().value();
    const std::string where = "/operations/" + std::to_string(results.size()) + "/" + name;
    Collection& collection = *call.collection;
    if (name == "upsert") {
      results.push_back(write_points(collection, body, where));
    } else if (name == "delete") {
      results.push_back(erase_points(collection, body, where));
    } else if (name == "set_payload" || name == "overwrite_payload") {
      results.push_back(write_payload(collection, body, where, name == "overwrite_payload"));
    } else if (name == "delete_payload") {
      results.push_back(erase_payload(collection, body, where));
    } else if (name == "clear_payload") {
      results.push_back(empty_payload(collection, body, where));
    } else {
      results.push_back(write_vectors(collection, body, where));
    }
  }
  return results;
}

std::vector<PointId> read_wanted_ids(const Fields& fields) {
  std::vector<PointId> ids = fields.ids("ids", most_answers);
  std::unordered_set<PointId> seen;
  std::erase_if(ids, [&](const PointId& id) { return !seen.insert(id).second; });
  return ids;
}

Json retrieve_points(VectorCall& call) {
  const Fields fields(call.body, "", {"ids", "with_payload", "with_vector", "with_vectors", "shard_key"});
  fields.refuse({"shard_key"});
  const Shown shown = read_shown(fields, true);
  const auto view = call.collection->view();
  Json list = Json::array();
  for (const PointId& id : read_wanted_ids(fields))
    if (const auto at = view->find(id)) list.push_back(point_json(*view, *at, shown, call.size));
  return list;
}

Json get_point(VectorCall& call) {
  const PointId id = parse_point_id(std::string_view(call.path[1]), "the address");
  const auto view = call.collection->view();
  const auto at = view->find(id);
  if (!at) throw Error(ErrorCode::not_found, "there is no such point", {.found = to_text(id)});
  return point_json(*view, *at, {Shown::Payload::all, {}, true}, call.size);
}

Json scroll_points(VectorCall& call) {
  const Fields fields(call.body, "", {"offset", "limit", "filter", "with_payload", "with_vector", "with_vectors", "order_by", "shard_key"});
  fields.refuse({"order_by", "shard_key"});
  const size_t limit = fields.whole("limit", 10, 1, most_answers);
  const Shown shown = read_shown(fields, true);
  const auto condition = read_filter(fields);
  PointId from;
  if (const Json* offset = fields.find("offset")) from = parse_point_id(*offset, fields.place("offset"));
  const auto view = call.collection->view();
  const auto places = view->in_order(from, limit + 1, view->select(condition ? &*condition : nullptr));
  Json list = Json::array();
  for (size_t i = 0; i < std::min(limit, places.size()); ++i) list.push_back(point_json(*view, places[i], shown, call.size));
  return {{"points", list}, {"next_page_offset", places.size() > limit ? to_json(view->id_of(places[limit])) : Json()}};
}

Json count_points(VectorCall& call) {
  const Fields fields(call.body, "", {"filter", "exact", "shard_key"});
  fields.refuse({"shard_key"});
  fields.flag("exact", true);
  const auto condition = read_filter(fields);
  const auto view = call.collection->view();
  size_t count = 0;
  for (const auto& allowed : view->select(condition ? &*condition : nullptr)) count += allowed->count();
  return {{"count", count}};
}

Json facet_json(const std::map<Scalar, size_t>& counts, size_t limit) {
  std::vector<std::pair<Scalar, size_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  Json hits = Json::array();
  for (size_t i = 0; i < std::min(limit, sorted.size()); ++i) {
    Json value = std::visit([](const auto& each) { return Json(each); }, sorted[i].first);
    hits.push_back({{"value", value}, {"count", sorted[i].second}});
  }
  return {{"hits", hits}};
}

Json facet_points(VectorCall& call) {
  const Fields fields(call.body, "", {"key", "limit", "filter", "exact", "shard_key"});
  fields.refuse({"shard_key"});
  fields.flag("exact", true);
  const std::string key = fields.need("key", "a string").is_string() ? fields.text("key") : "";
  if (key.empty()) fields.wrong("key", "the key of a payload field");
  const size_t limit = fields.whole("limit", 10, 1, most_answers);
  const auto condition = read_filter(fields);
  const auto view = call.collection->view();
  const auto allowed = view->select(condition ? &*condition : nullptr);
  std::map<Scalar, size_t> counts;
  for (size_t t = 0; t < view->tables.size(); ++t)
    for (auto& [value, count] : view->tables[t].table->facet(key, *allowed[t])) counts[value] += count;
  return facet_json(counts, limit);
}

}  // namespace cowatch::serve

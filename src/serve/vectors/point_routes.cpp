// Points: writing, reading by id and in order, counting.
#include <algorithm>
#include <map>
#include <unordered_set>

#include "base/error.h"
#include "search/row_errors.h"
#include "search/vector_fault.h"
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

// Rows of a body, each checked as it is read: all that is wrong with any of them becomes one error.
class Rows {
 public:
  explicit Rows(const VectorKind& kind) : kind_(kind) {}

  // `read` makes the change of a row; at these places the body has its id and its vector.
  template <class Read>
  void add(const std::string& id_place, const std::string& vector_place, const Read& read) {
    errors_.attempt([&] {
      PointChange change = read();
      if (!ids_.insert(change.id).second)
        throw Error(ErrorCode::bad_input, "a point occurs twice in one batch",
                    {.where = id_place, .expected = "each id once", .found = to_text(change.id)});
      if (const auto fault = vector_fault(kind_.metric, kind_.dimension, change.vector))
        throw at_place(*fault, vector_place);
      changes_.push_back(std::move(change));
    });
  }
  std::vector<PointChange> take() {
    errors_.throw_if_any();
    return std::move(changes_);
  }

 private:
  VectorKind kind_;
  RowErrors errors_;
  std::unordered_set<PointId> ids_;
  std::vector<PointChange> changes_;
};

const Json& list_of_points(const Fields& fields) {
  const Json& list = fields.list("points");
  if (list.size() > most_points)
    throw Error(ErrorCode::too_large, "there are too many points in one request",
                {.where = fields.place("points"), .expected = "at most " + std::to_string(most_points), .found = std::to_string(list.size())});
  return list;
}

// {"points": [{id, vector, payload}]}; the last only where `payloads` are taken.
std::vector<PointChange> read_points(const Fields& fields, const VectorKind& kind, bool payloads) {
  static constexpr std::string_view known[] = {"id", "vector", "payload"};
  Rows rows(kind);
  size_t row = 0;
  for (const Json& point : list_of_points(fields)) {
    const std::string place = fields.place("points") + "/" + std::to_string(row++);
    rows.add(place + "/id", place + "/vector", [&] {
      const Fields one(point, place, std::span(known, payloads ? 3 : 2));
      PointChange change;
      change.id = parse_point_id(one.need("id", "a point id"), one.place("id"));
      change.vector = read_vector(one.need("vector", "an array of numbers"), one.place("vector"));
      if (payloads) change.payload = read_payload(one.find("payload"), one.place("payload"));
      return change;
    });
  }
  return rows.take();
}

// {"batch": {ids, vectors, payloads}}
std::vector<PointChange> read_columns(const Json& json, const std::string& where, const VectorKind& kind) {
  const Fields fields(json, where, {"ids", "vectors", "payloads"});
  const Json &ids = fields.list("ids"), &vectors = fields.list("vectors");
  const Json* payloads = fields.find("payloads") ? &fields.list("payloads") : nullptr;
  if (ids.size() > most_points)
    throw Error(ErrorCode::too_large, "there are too many points in one request",
                {.where = fields.place("ids"), .expected = "at most " + std::to_string(most_points), .found = std::to_string(ids.size())});
  if (vectors.size() != ids.size() || (payloads && payloads->size() != ids.size()))
    throw Error(ErrorCode::bad_input, "the columns of a batch have one length",
                {.where = where, .expected = std::to_string(ids.size()) + " vectors and payloads"});
  Rows rows(kind);
  for (size_t i = 0; i < ids.size(); ++i) {
    const std::string at = "/" + std::to_string(i);
    const std::string id = fields.place("ids") + at, vector = fields.place("vectors") + at;
    rows.add(id, vector, [&] {
      const Json* payload = payloads && !(*payloads)[i].is_null() ? &(*payloads)[i] : nullptr;
      return PointChange{parse_point_id(ids[i], id), false, read_vector(vectors[i], vector),
                         read_payload(payload, fields.place("payloads") + at)};
    });
  }
  return rows.take();
}

// The points that a body with `points` or `filter` names.
struct Selector {
  std::vector<PointId> ids;  // each once
  std::optional<Condition> condition;

  std::vector<PointId> ids_in(const CollectionView& view, const Patience& patience) const {
    if (!condition) return ids;
    std::vector<PointId> chosen;
    const auto allowed = view.select(&*condition, patience);
    for (uint32_t t = 0; t < allowed.size(); ++t)
      allowed[t]->for_each([&](uint32_t slot) { chosen.push_back(view.id_of({t, slot})); });
    return chosen;
  }
  bool takes(const PointTable& table, uint32_t slot) const {
    return !condition || matches(*condition, table.id_of(slot), table.payload_of(slot));
  }
};

Selector read_selector(const Fields& fields) {
  Selector selector;
  fields.refuse({"shard_key"});
  fields.not_both("points", "filter");
  if (fields.find("points")) {
    auto& ids = selector.ids = fields.ids("points", most_points);
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
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

// Keys of payload fields, in an array.
std::vector<std::string> read_keys(const Json& list, const std::string& where) {
  std::vector<std::string> keys;
  for (const Json& key : list) {
    const std::string place = where + "/" + std::to_string(keys.size());
    if (!key.is_string()) throw Error(ErrorCode::bad_input, "a payload key is a string", {.where = place});
    check_key(key.get_ref<const std::string&>(), place);
    keys.push_back(key.get<std::string>());
  }
  return keys;
}

// A writing operation whose body was read and checked: it can fail only by what the collection holds when it
// is applied, or because whoever sent it does not wait until its points are chosen: what has begun to be
// written is written. Called once; returns the sequence number of what it wrote.
using Write = std::function<uint64_t(Collection&, const Patience&)>;

Write upsert(const VectorKind& kind, const Json& body, const std::string& where) {
  return [changes = read_upsert(body, where, kind)](Collection& collection, const Patience&) mutable {
    return collection.write(std::move(changes));
  };
}

// Changes each chosen point. However many there are, no more of them are held than a batch takes: more become
// several batches, and what is no longer chosen when its turn comes is left as it is.
Write change_chosen(Selector selector, std::function<PointChange(const CollectionView&, PointPlace)> change) {
  constexpr size_t batch_bytes = 16u << 20;
  return [selector = std::move(selector), change = std::move(change)](Collection& collection,
                                                                      const Patience& patience) {
    const auto ids = selector.ids_in(*collection.view(), patience);
    uint64_t sequence = collection.view()->sequence;
    for (size_t next = 0; next < ids.size();) {
      sequence = collection.write([&](const CollectionView& view) {
        std::vector<PointChange> changes;
        for (size_t bytes = 0; next < ids.size() && bytes < batch_bytes; ++next) {
          const auto at = view.find(ids[next]);
          if (!at || !selector.takes(*view.tables[at->table].table, at->slot)) continue;
          changes.push_back(change(view, *at));
          const PointChange& made = changes.back();
          bytes += sizeof made + made.vector.size() * sizeof(float) + made.payload.size();
        }
        return changes;
      });
    }
    return sequence;
  };
}

Write erase(const VectorKind&, const Json& body, const std::string& where) {
  const Fields fields(body, where, {"points", "filter", "shard_key"});
  return change_chosen(read_selector(fields), [](const CollectionView& view, PointPlace at) {
    return PointChange{view.id_of(at), true, {}, ""};
  });
}

Write edit_payloads(Selector selector, std::function<void(Json&)> edit) {
  return change_chosen(std::move(selector), [edit = std::move(edit)](const CollectionView& view, PointPlace at) {
    PointChange changed = change_of(view, at);
    Json payload = Json::parse(changed.payload);
    edit(payload);
    changed.payload = payload.dump();
    return changed;
  });
}

Write write_payload(const Json& body, const std::string& where, bool overwrite) {
  const Fields fields(body, where, {"payload", "points", "filter", "shard_key", "key"});
  fields.refuse({"key"}, "Give the whole path in the payload.");
  read_payload(&fields.need("payload", "an object"), fields.place("payload"));
  return edit_payloads(read_selector(fields), [overwrite, payload = *fields.find("payload")](Json& edited) {
    if (overwrite) edited = Json::object();
    for (const auto& [name, value] : payload.items()) edited[name] = value;
  });
}
Write add_payload(const VectorKind&, const Json& body, const std::string& where) {
  return write_payload(body, where, false);
}
Write replace_payload(const VectorKind&, const Json& body, const std::string& where) {
  return write_payload(body, where, true);
}

Write erase_payload(const VectorKind&, const Json& body, const std::string& where) {
  const Fields fields(body, where, {"keys", "points", "filter", "shard_key"});
  const auto keys = read_keys(fields.list("keys"), fields.place("keys"));
  return edit_payloads(read_selector(fields), [keys](Json& edited) { drop_keys(edited, keys); });
}

Write empty_payload(const VectorKind&, const Json& body, const std::string& where) {
  const Fields fields(body, where, {"points", "filter", "shard_key"});
  return edit_payloads(read_selector(fields), [](Json& edited) { edited = Json::object(); });
}

Write write_vectors(const VectorKind& kind, const Json& body, const std::string& where) {
  return [rows = read_vector_rows(body, where, kind), where](Collection& collection, const Patience&) {
    return collection.write([&](const CollectionView& view) {
      std::vector<std::optional<PointPlace>> places;
      for (const PointChange& row : rows) places.push_back(view.find(row.id));
      need_points(rows, [&](size_t i) { return places[i].has_value(); }, where);
      std::vector<PointChange> changes;
      for (size_t i = 0; i < rows.size(); ++i) {
        changes.push_back(change_of(view, *places[i]));
        changes.back().vector = rows[i].vector;
      }
      return changes;
    });
  };
}

// By their names in a batch.
const std::map<std::string, Write (*)(const VectorKind&, const Json&, const std::string&)>& writes() {
  static const std::map<std::string, Write (*)(const VectorKind&, const Json&, const std::string&)> all = {
      {"upsert", upsert},
      {"delete", erase},
      {"set_payload", add_payload},
      {"overwrite_payload", replace_payload},
      {"delete_payload", erase_payload},
      {"clear_payload", empty_payload},
      {"update_vectors", write_vectors}};
  return all;
}

VectorKind kind_of(const Collection& collection) {
  const CollectionConfig config = collection.config();
  return {config.index.metric, config.dimension};
}

Json write_one(VectorCall& call, const char* name) {
  const Write write = writes().at(name)(kind_of(*call.collection), call.body, "");
  return written(write(*call.collection, call.patience));
}

}  // namespace

std::vector<PointChange> read_upsert(const Json& body, const std::string& where, const VectorKind& kind) {
  const Fields fields(body, where, {"points", "batch", "shard_key", "update_filter", "update_mode"});
  fields.refuse({"shard_key", "update_filter", "update_mode"});
  fields.not_both("points", "batch");
  const Json* columns = fields.find("batch");
  return columns ? read_columns(*columns, fields.place("batch"), kind) : read_points(fields, kind, true);
}

std::vector<PointChange> read_vector_rows(const Json& body, const std::string& where, const VectorKind& kind) {
  const Fields fields(body, where, {"points", "shard_key", "update_filter"});
  fields.refuse({"shard_key", "update_filter"});
  return read_points(fields, kind, false);
}

void need_points(const std::vector<PointChange>& rows, const std::function<bool(size_t)>& there,
                 const std::string& where) {
  RowErrors errors;
  for (size_t i = 0; i < rows.size(); ++i)
    errors.attempt([&] {
      if (!there(i))
        throw Error(ErrorCode::not_found, "there is no such point",
                    {.where = where + "/points/" + std::to_string(i) + "/id", .found = to_text(rows[i].id)});
    });
  errors.throw_if_any();
}

std::optional<Condition> read_filter(const Fields& fields, std::string_view name) {
  const Json* filter = fields.find(name);
  if (!filter) return std::nullopt;
  return parse_filter(*filter, fields.place(name));
}

Shown read_shown(const Fields& fields, bool payload_by_default) {
  Shown shown;
  const Json* payload = fields.find("with_payload");
  if (!payload) {
    if (payload_by_default) shown.payload = Shown::Payload::all;
  } else if (payload->is_boolean()) {
    if (payload->get<bool>()) shown.payload = Shown::Payload::all;
  } else if (payload->is_array()) {
    shown.payload = Shown::Payload::include;
    shown.keys = read_keys(*payload, fields.place("with_payload"));
  } else {
    const Fields inner(*payload, fields.place("with_payload"), {"include", "exclude"});
    inner.not_both("include", "exclude");
    const char* which = inner.find("include") ? "include" : "exclude";
    shown.payload = inner.find("include") ? Shown::Payload::include : Shown::Payload::exclude;
    shown.keys = read_keys(inner.list(which), inner.place(which));
  }
  fields.not_both("with_vector", "with_vectors");
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
    Json payload = table.payload_of(at.slot);
    if (shown.payload == Shown::Payload::include) payload = only_keys(payload, shown.keys);
    else drop_keys(payload, shown.keys);
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
  return write_one(call, "upsert");
}
Json delete_points(VectorCall& call) {
  return write_one(call, "delete");
}
Json update_vectors(VectorCall& call) {
  return write_one(call, "update_vectors");
}
Json set_payload(VectorCall& call) {
  return write_one(call, "set_payload");
}
Json overwrite_payload(VectorCall& call) {
  return write_one(call, "overwrite_payload");
}
Json delete_payload(VectorCall& call) {
  return write_one(call, "delete_payload");
}
Json clear_payload(VectorCall& call) {
  return write_one(call, "clear_payload");
}

namespace {

std::vector<Write> read_writes(const Json& body, const VectorKind& kind) {
  const Fields fields(body, "", {"operations"});
  std::vector<Write> read;
  for (const Json& operation : fields.list("operations")) {
    const std::string place = fields.place("operations") + "/" + std::to_string(read.size());
    const auto write = operation.is_object() && operation.size() == 1 ? writes().find(operation.begin().key())
                                                                      : writes().end();
    if (write == writes().end())
      throw Error(ErrorCode::bad_input, "this is not a known operation",
                  {.where = place,
                   .expected = "one of upsert, delete, set_payload, overwrite_payload, delete_payload, clear_payload, update_vectors"});
    read.push_back(write->second(kind, operation.begin().value(), place + "/" + write->first));
  }
  return read;
}

}  // namespace

const Json& read_operations(const Json& body, const VectorKind& kind) {
  read_writes(body, kind);
  return body["operations"];
}

// All are read before the first is applied: one that is malformed keeps out the others.
Json batch_update(VectorCall& call) {
  Json results = Json::array();
  for (const Write& write : read_writes(call.body, kind_of(*call.collection)))
    results.push_back(written(write(*call.collection, call.patience)));
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
  const auto places =
      view->in_order(from, limit + 1, view->select(condition ? &*condition : nullptr, call.patience));
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
  for (const auto& allowed : view->select(condition ? &*condition : nullptr, call.patience))
    count += allowed->count();
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
  check_key(key, fields.place("key"));
  const size_t limit = fields.whole("limit", 10, 1, most_answers);
  const auto condition = read_filter(fields);
  const auto view = call.collection->view();
  const auto allowed = view->select(condition ? &*condition : nullptr, call.patience);
  std::map<Scalar, size_t> counts;
  for (size_t t = 0; t < view->tables.size(); ++t)
    for (auto& [value, count] : view->tables[t].table->facet(key, *allowed[t], call.patience))
      counts[value] += count;
  return facet_json(counts, limit);
}

}  // namespace cowatch::serve

// Operations on a collection that lies on other servers. What concerns points by id goes to the shards that
// these ids name, everything else to all; their answers are put together as one collection's would be. The
// shards read and check what they are asked, but for what has to be known before it is cut up: ids, rows,
// limits, examples.
#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/json_text.h"
#include "search/access/payload.h"
#include "search/distance.h"
#include "serve/vectors/fields.h"
#include "serve/vectors/query_reading.h"
#include "serve/vectors/vector_routes.h"

namespace cowatch::serve {
namespace {

using Questions = std::vector<ShardQuestion>;

std::vector<Json> ask(VectorCall& call, const Questions& questions) {
  return call.service.links().results(*call.sharded, questions, call.patience,
                                      std::string(call.request.header("x-priority")));
}

Questions to_all(const VectorCall& call, const std::string& method, const std::string& path, const Json& body,
                 bool changes = false) {
  Questions questions;
  const std::string text = body.is_null() ? "" : body.dump();
  for (size_t s = 0; s < call.sharded->shards.size(); ++s)
    questions.push_back({s, method, path, text, changes});
  return questions;
}

// The items of a list, each to the shard of its id: the body with a part of the list, for each shard that has
// some.
Questions by_id(const VectorCall& call, const std::string& method, const std::string& path, Json body,
                const char* list, Json items, std::span<const PointId> ids, bool changes) {
  std::vector<Json> parts(call.sharded->shards.size(), Json::array());
  for (size_t i = 0; i < ids.size(); ++i)
    parts[call.sharded->shard_of(ids[i])].push_back(std::move(items[i]));
  Questions questions;
  for (size_t s = 0; s < parts.size(); ++s) {
    // Where nothing is named the rest is to be checked all the same.
    if (parts[s].empty() && !(ids.empty() && s == 0)) continue;
    body[list] = std::move(parts[s]);
    questions.push_back({s, method, path, body.dump(), changes});
  }
  return questions;
}

// Points by id, those that are there.
std::map<PointId, Json> retrieve(VectorCall& call, Json body, std::span<const PointId> ids) {
  Json items = Json::array();
  for (const PointId& id : ids) items.push_back(to_json(id));
  std::map<PointId, Json> found;
  for (Json& points :
       ask(call, by_id(call, "POST", "/points", std::move(body), "ids", std::move(items), ids, false)))
    for (Json& point : points) {
      const PointId id = parse_point_id(point["id"], "id");
      found[id] = std::move(point);
    }
  return found;
}

// As many as there are, in parts that shards answer, without payloads.
std::map<PointId, Json> retrieve_all(VectorCall& call, bool vectors, std::span<const PointId> ids) {
  const size_t bytes = AnswerSize::bytes_of_a_point +
                       (vectors ? call.sharded->dimension * AnswerSize::bytes_of_a_number : 0);
  const size_t part = std::min(most_answers, AnswerSize::most_bytes / bytes);
  std::map<PointId, Json> found;
  for (; !ids.empty(); ids = ids.subspan(std::min(part, ids.size())))
    found.merge(retrieve(call, {{"with_payload", false}, {"with_vector", vectors}},
                         ids.first(std::min(part, ids.size()))));
  return found;
}

// The writing operations: their names in a batch, and their addresses.
struct Change {
  std::string_view name;
  const char *method, *path;
};
constexpr Change changes[] = {
    {"upsert", "PUT", "/points"},
    {"update_vectors", "PUT", "/points/vectors"},
    {"delete", "POST", "/points/delete"},
    {"set_payload", "POST", "/points/payload"},
    {"overwrite_payload", "PUT", "/points/payload"},
    {"delete_payload", "POST", "/points/payload/delete"},
    {"clear_payload", "POST", "/points/payload/clear"},
};

VectorKind kind_of(const ShardedCollection& collection) {
  return {collection.metric, collection.dimension};
}

// The rows of an upsert or of new vectors, as objects with an id, and their ids. All were checked: a shard
// has no reason to refuse what the others take.
std::vector<PointId> checked_rows(VectorCall& call, const Change& change, Json& body,
                                  const std::string& where) {
  const bool upsert = change.name == "upsert";
  const VectorKind kind = kind_of(*call.sharded);
  const auto rows = upsert ? read_upsert(body, where, kind) : read_vector_rows(body, where, kind);
  if (upsert && body.contains("batch") && body["batch"].is_object()) {
    const Json columns = std::move(body["batch"]);
    body = {{"points", Json::array()}};
    for (size_t i = 0; i < rows.size(); ++i) {
      body["points"].push_back({{"id", columns["ids"][i]}, {"vector", columns["vectors"][i]}});
      if (columns.contains("payloads") && columns["payloads"].is_array())
        body["points"].back()["payload"] = columns["payloads"][i];
    }
  }
  std::vector<PointId> ids;
  for (const PointChange& row : rows) ids.push_back(row.id);
  if (upsert) return ids;
  const auto there = retrieve_all(call, false, ids);
  need_points(rows, [&](size_t i) { return there.contains(ids[i]); }, where);
  return ids;
}

Json apply(VectorCall& call, const Change& change, Json body, const std::string& where) {
  const bool rows = change.name == "upsert" || change.name == "update_vectors";
  std::vector<PointId> ids;
  if (rows) ids = checked_rows(call, change, body, where);
  const bool named = body.is_object() && body.contains("points") && body["points"].is_array();
  Json items = named ? std::move(body["points"]) : Json();
  if (named && !rows) ids = read_ids(items, where + "/points", most_points);
  const auto questions =
      named ? by_id(call, change.method, change.path, std::move(body), "points", std::move(items), ids, true)
            : to_all(call, change.method, change.path, body, true);
  uint64_t last = 0;
  for (const Json& result : ask(call, questions))
    last = std::max(last, result["operation_id"].get<uint64_t>());
  return {{"operation_id", last}, {"status", "completed"}};
}

// What a query looks for by the id of a point is looked for by its vector: only one shard has it. These
// points are no answers.
void visit_examples(Json& body, const std::string& where,
                    const std::function<void(Json&, const std::string&)>& visit) {
  for (const char* list : {"positive", "negative"}) {
    if (!body.contains(list) || !body[list].is_array()) continue;
    size_t place = 0;
    for (Json& example : body[list]) visit(example, where + "/" + list + "/" + std::to_string(place++));
  }
  if (!body.contains("query")) return;
  Json& query = body["query"];
  if (!query.is_object()) return visit(query, where + "/query");
  if (query.contains("nearest")) visit(query["nearest"], where + "/query/nearest");
  if (query.contains("recommend") && query["recommend"].is_object())
    visit_examples(query["recommend"], where + "/query/recommend", visit);
}

void leave_out(Json& body, const Json& ids) {
  if (body.contains("filter") && !body["filter"].is_null() && !body["filter"].is_object())
    return;  // refused there
  Json& none = body["filter"]["must_not"];
  if (none.is_object()) none = Json::array({none});
  if (none.is_null() || none.is_array()) none.push_back({{"has_id", ids}});
}

void resolve_examples(VectorCall& call, std::vector<Json>& bodies, const std::vector<std::string>& places) {
  std::vector<PointId> ids;
  const auto visit_ids = [&](Json& body, const std::string& where, const auto& visit) {
    visit_examples(body, where, [&](Json& example, const std::string& place) {
      if (example.is_number() || example.is_string()) visit(example, parse_point_id(example, place), place);
    });
  };
  for (size_t b = 0; b < bodies.size(); ++b)
    visit_ids(bodies[b], places[b], [&](Json&, const PointId& id, const std::string&) { ids.push_back(id); });
  if (ids.empty()) return;
  std::ranges::sort(ids);
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  const auto points = retrieve_all(call, true, ids);
  for (size_t b = 0; b < bodies.size(); ++b) {
    Json used = Json::array();
    visit_ids(bodies[b], places[b], [&](Json& example, const PointId& id, const std::string& place) {
      const auto found = points.find(id);
      if (found == points.end())
        throw Error(ErrorCode::not_found, "there is no such point", {.where = place, .found = to_text(id)});
      used.push_back(to_json(id));
      example = found->second.at("vector");
    });
    if (!used.empty()) leave_out(bodies[b], used);
  }
}

struct Page {
  size_t limit = 10, offset = 0;
  bool smaller_is_better = false;
};

// The shards are asked for all up to the end of the page.
Page widen(const VectorCall& call, Json& body, const std::string& where, const QueryKind& kind) {
  const Fields fields(body, where, kind.known);
  Page page;
  page.limit = fields.whole("limit", 10, 1, most_answers);
  page.offset = fields.whole("offset", 0, 0, most_answers);
  if (page.limit + page.offset > most_answers)
    throw Error(ErrorCode::bad_input, "the page lies too deep for a collection on shards",
                {.where = fields.place("offset"),
                 .expected = "limit and offset of together at most " + std::to_string(most_answers)});
  body["limit"] = page.limit + page.offset;
  body.erase("offset");
  // Scores by examples are no distances.
  const Json* examples = &body;
  if (body.contains("query") && body["query"].is_object() && body["query"].contains("recommend"))
    examples = &body["query"]["recommend"];
  const bool by_examples = examples->is_object() && examples->contains("strategy") &&
                           (*examples)["strategy"] != "average_vector" && !(*examples)["strategy"].is_null();
  page.smaller_is_better = call.sharded->metric == Metric::l2 && !by_examples;
  return page;
}

Json merge(const Page& page, std::vector<Json*> lists) {
  std::vector<Json*> points;
  for (Json* list : lists)
    for (Json& point : *list) points.push_back(&point);
  std::ranges::stable_sort(points, [&](const Json* a, const Json* b) {
    const double x = a->at("score").get<double>(), y = b->at("score").get<double>();
    if (x != y) return page.smaller_is_better ? x < y : x > y;
    return parse_point_id(a->at("id"), "id") < parse_point_id(b->at("id"), "id");
  });
  Json merged = Json::array();
  for (size_t i = page.offset; i < std::min(points.size(), page.offset + page.limit); ++i)
    merged.push_back(std::move(*points[i]));
  return merged;
}

// The answers to one query, or to those of a batch; `places` are theirs in the request.
Json answer(VectorCall& call, std::vector<Json> bodies, const std::vector<std::string>& places,
            const QueryKind& kind, const std::string& path, bool batch) {
  std::vector<Page> pages;
  for (size_t b = 0; b < bodies.size(); ++b) pages.push_back(widen(call, bodies[b], places[b], kind));
  resolve_examples(call, bodies, places);
  auto results = ask(call, to_all(call, "POST", path, batch ? Json{{"searches", bodies}} : bodies[0]));
  Json answers = Json::array();
  for (size_t b = 0; b < bodies.size(); ++b) {
    std::vector<Json*> lists;
    for (Json& result : results) {
      Json& one = batch ? result[b] : result;
      lists.push_back(kind.legacy ? &one : &one["points"]);
    }
    Json list = merge(pages[b], lists);
    answers.push_back(kind.legacy ? std::move(list) : Json{{"points", std::move(list)}});
  }
  return batch ? answers : std::move(answers[0]);
}

Json answer_one(VectorCall& call, const QueryKind& kind, const std::string& path) {
  return answer(call, {call.body}, {""}, kind, path, false);
}

Json answer_several(VectorCall& call, const QueryKind& kind, const std::string& path) {
  const Json& searches = read_searches(call.body);
  std::vector<std::string> places;
  for (size_t b = 0; b < searches.size(); ++b) places.push_back("/searches/" + std::to_string(b));
  return answer(call, {searches.begin(), searches.end()}, places, kind, path, true);
}

}  // namespace

Json shard_info(VectorCall& call) {
  const auto& shards = call.sharded->shards;
  const auto replies =
      call.service.links().replies(*call.sharded, to_all(call, "GET", "", Json()), call.patience);
  Json info, list = Json::array(), schema = Json::object();
  Json troubles = Json::array(), damage = Json::array();
  std::map<std::string, uint64_t> sums;
  std::string status = "green";
  for (size_t s = 0; s < replies.size(); ++s) {
    Json one = {{"address", shards[s].address}};
    if (replies[s].status != 200) {
      status = "red";
      one["status"] = "red";
      troubles.push_back(shards[s].address + ": " + replies[s].body);
      list.push_back(std::move(one));
      continue;
    }
    Json part = parse_json(replies[s].body, shards[s].address);
    if (status == "green") status = part["status"];
    for (const char* each : {"status", "points_count"}) one[each] = part[each];
    for (const char* count : {"points_count", "indexed_vectors_count", "segments_count"})
      sums[count] += part[count].get<uint64_t>();
    for (const Json& each : part["troubles"]) troubles.push_back(shards[s].address + ": " + each.get<std::string>());
    for (const Json& each : part["damage"]) damage.push_back(shards[s].address + ": " + each.get<std::string>());
    for (const auto& [key, field] : part["payload_schema"].items()) {
      if (!schema.contains(key)) schema[key] = {{"data_type", field["data_type"]}, {"points", 0}};
      schema[key]["points"] = schema[key]["points"].get<uint64_t>() + field["points"].get<uint64_t>();
    }
    if (info.is_null()) info["config"] = std::move(part["config"]);
    list.push_back(std::move(one));
  }
  auto& params = info["config"]["params"];
  params["vectors"] = {{"size", call.sharded->dimension}, {"distance", shown_name(call.sharded->metric)}};
  params["shard_number"] = shards.size();
  info["status"] = status;
  info["optimizer_status"] = troubles.empty() ? Json("ok") : Json{{"error", troubles.back()}};
  for (const auto& [name, sum] : sums) info[name] = sum;
  info["payload_schema"] = std::move(schema);
  info["troubles"] = std::move(troubles);
  info["damage"] = std::move(damage);
  info["shards"] = std::move(list);
  return info;
}

Json shard_update(VectorCall& call) {
  return ask(call, to_all(call, "PATCH", "", call.body, true))[0];
}

Json shard_delete(VectorCall& call) {
  if (call.path[0] != call.sharded->name) return false;  // an alias
  ask(call, to_all(call, "DELETE", "", Json(), true));
  return call.collections.remove(call.sharded->name);
}

Json shard_change(VectorCall& call) {
  const std::string path = call.request.path.substr(std::string("/collections/" + call.path[0]).size());
  const auto change = std::ranges::find_if(
      changes, [&](const Change& each) { return call.request.method == each.method && path == each.path; });
  return apply(call, *change, std::move(call.body), "");
}

Json shard_batch(VectorCall& call) {
  Json results = Json::array();
  for (const Json& operation : read_operations(call.body, kind_of(*call.sharded))) {
    const std::string name = operation.begin().key();
    const auto change = std::ranges::find(changes, std::string_view(name), &Change::name);
    results.push_back(apply(call, *change, operation.begin().value(),
                            "/operations/" + std::to_string(results.size()) + "/" + name));
  }
  return results;
}

Json shard_retrieve(VectorCall& call) {
  const Fields fields(call.body, "", {"ids", "with_payload", "with_vector", "with_vectors", "shard_key"});
  fields.refuse({"shard_key"});
  const auto ids = read_wanted_ids(fields);
  const auto found = retrieve(call, call.body, ids);
  Json list = Json::array();
  for (const PointId& id : ids)
    if (const auto point = found.find(id); point != found.end()) list.push_back(point->second);
  return list;
}

Json shard_get(VectorCall& call) {
  const PointId id = parse_point_id(std::string_view(call.path[1]), "the address");
  auto found = retrieve(call, {{"with_payload", true}, {"with_vector", true}}, std::span(&id, 1));
  if (found.empty()) throw Error(ErrorCode::not_found, "there is no such point", {.found = to_text(id)});
  return std::move(found.begin()->second);
}

// The next page begins where the next point of any shard is.
Json shard_scroll(VectorCall& call) {
  const size_t limit = Fields(call.body, "",
                              {"offset", "limit", "filter", "with_payload", "with_vector", "with_vectors",
                               "order_by", "shard_key"})
                           .whole("limit", 10, 1, most_answers);
  std::map<PointId, Json> points;
  std::optional<PointId> next;
  const auto may_be_next = [&](const PointId& id) { next = next ? std::min(*next, id) : id; };
  for (Json& page : ask(call, to_all(call, "POST", "/points/scroll", call.body))) {
    for (Json& point : page["points"]) {
      const PointId id = parse_point_id(point["id"], "id");
      points[id] = std::move(point);
    }
    if (!page["next_page_offset"].is_null())
      may_be_next(parse_point_id(page["next_page_offset"], "next_page_offset"));
  }
  Json list = Json::array();
  for (auto& [id, point] : points) {
    if (list.size() == limit) {
      may_be_next(id);
      break;
    }
    list.push_back(std::move(point));
  }
  return {{"points", list}, {"next_page_offset", next ? to_json(*next) : Json()}};
}

Json shard_count(VectorCall& call) {
  uint64_t count = 0;
  for (const Json& each : ask(call, to_all(call, "POST", "/points/count", call.body)))
    count += each["count"].get<uint64_t>();
  return {{"count", count}};
}

// A value that is rare on each shard may be frequent in all: they are asked for all values.
Json shard_facet(VectorCall& call) {
  const size_t limit = Fields(call.body, "", {"key", "limit", "filter", "exact", "shard_key"})
                           .whole("limit", 10, 1, most_answers);
  Json body = call.body;
  body["limit"] = most_answers;
  std::map<Scalar, size_t> counts;
  for (const Json& each : ask(call, to_all(call, "POST", "/facet", body))) {
    if (each["hits"].size() == most_answers)
      throw Error(ErrorCode::unsupported, "a field of so many values is not counted over shards",
                  {.where = "/key",
                   .expected = "fewer than " + std::to_string(most_answers) + " values on each shard"});
    for (const Json& hit : each["hits"]) counts[*scalar_of(hit["value"])] += hit["count"].get<size_t>();
  }
  return facet_json(counts, limit);
}

Json shard_search(VectorCall& call) {
  return answer_one(call, query_kinds::search, "/points/search");
}
Json shard_search_batch(VectorCall& call) {
  return answer_several(call, query_kinds::search, "/points/search/batch");
}
Json shard_recommend(VectorCall& call) {
  return answer_one(call, query_kinds::recommend, "/points/recommend");
}
Json shard_recommend_batch(VectorCall& call) {
  return answer_several(call, query_kinds::recommend, "/points/recommend/batch");
}
Json shard_query(VectorCall& call) {
  return answer_one(call, query_kinds::query, "/points/query");
}
Json shard_query_batch(VectorCall& call) {
  return answer_several(call, query_kinds::query, "/points/query/batch");
}

}  // namespace cowatch::serve

// Collections, aliases and snapshots.
#include <algorithm>
#include <set>

#include "base/version.h"
#include "search/compute/option_names.h"
#include "search/distance.h"
#include "search/vector_fault.h"
#include "serve/vectors/fields.h"
#include "serve/vectors/vector_routes.h"

namespace cowatch::serve {
namespace {

Metric read_distance(const Fields& fields) {
  const std::string name = fields.text("distance");
  for (const Metric metric : {Metric::cosine, Metric::inner_product, Metric::l2})
    if (name == shown_name(metric)) return metric;
  if (name == "Manhattan") throw Error(ErrorCode::unsupported, "this distance is not supported",
                                       {.where = fields.place("distance"), .expected = "Cosine, Dot or Euclid", .found = "Manhattan"});
  fields.wrong("distance", "Cosine, Dot or Euclid");
}

// Fields that Qdrant's clients send and that have no effect here (docs/vector-search.md): of the right type all the same.
void check_numbers(const Fields& fields, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) fields.whole(name, 0, 0, SIZE_MAX);
}
void check_flags(const Fields& fields, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) fields.flag(name, false);
}

// What a collection may change after it was made.
void read_tuning(const Fields& fields, CollectionConfig& config) {
  if (const Json* found = fields.find("hnsw_config")) {
    const Fields graph(*found, fields.place("hnsw_config"),
                       {"m", "ef_construct", "full_scan_threshold", "max_indexing_threads", "on_disk", "payload_m",
                        "inline_storage"});
    config.index.degree =
        2 * graph.whole("m", config.index.degree / 2, 2, 128);  // Qdrant's lowest layer has 2 m links
    config.index.build_effort = graph.whole("ef_construct", config.index.build_effort, 8, 4096);
    check_numbers(graph, {"full_scan_threshold", "max_indexing_threads", "payload_m"});
    check_flags(graph, {"on_disk", "inline_storage"});
  }
  if (const Json* found = fields.find("optimizers_config")) {
    const Fields optimizers(*found, fields.place("optimizers_config"),
                            {"indexing_threshold", "deleted_threshold", "vacuum_min_vector_number",
                             "default_segment_number", "max_segment_size", "memmap_threshold", "flush_interval_sec",
                             "max_optimization_threads", "prevent_unoptimized"});
    check_numbers(optimizers, {"vacuum_min_vector_number", "default_segment_number", "max_segment_size",
                               "memmap_threshold", "flush_interval_sec"});
    check_flags(optimizers, {"prevent_unoptimized"});
    double share = 0;
    optimizers.number("deleted_threshold", share);
    const Json* threads = optimizers.find("max_optimization_threads");
    if (threads && *threads != "auto") check_numbers(optimizers, {"max_optimization_threads"});
    // Qdrant counts kilobytes of vectors; 0 turns indexing off.
    const size_t kilobytes = optimizers.whole("indexing_threshold", SIZE_MAX, 0, 1u << 30);
    if (kilobytes == 0) config.index_threshold = SIZE_MAX;
    if (kilobytes > 0 && kilobytes != SIZE_MAX)
      config.index_threshold = std::max<size_t>(1, kilobytes * 1024 / (config.dimension * sizeof(float)));
  }
}

// How segments are indexed: the names of the command line, index_memory in MiB.
void read_index(const Fields& fields, CollectionConfig& config) {
  const Json* found = fields.find("index_config");
  if (!found) return;
  std::vector<std::string_view> names = {"index_memory"};
  each_option(config.index, [&](const char* name, auto&, const char*) { names.push_back(name); });
  const Fields chosen(*found, fields.place("index_config"), names);
  each_option(config.index, [&](const char* name, auto& option, const char*) {
    using Option = std::decay_t<decltype(option)>;
    if (!chosen.find(name)) return;
    if constexpr (std::is_enum_v<Option>) {
      try {
        read_option(chosen.text(name), option);
      } catch (const Error& error) {
        throw at_place(error, chosen.place(name));
      }
    } else if constexpr (std::is_floating_point_v<Option>) {
      double number = 0;
      option = static_cast<float>(*chosen.number(name, number));
    } else {
      option = chosen.whole(name, option, 0, UINT32_MAX);
    }
  });
  if (!chosen.find("codes")) config.index.codes = usual_codes(config.index.kind);
  config.index.memory_cap = chosen.whole("index_memory", 0, 0, 1u << 30) << 20;
}

// What a collection is to be made with; `shards`: how many it lies on.
CollectionConfig read_new_config(const Json& body, size_t shards) {
  const Fields fields(
      body, "",
      {"vectors", "hnsw_config", "optimizers_config", "on_disk_payload", "shard_number", "replication_factor",
       "write_consistency_factor", "sharding_method", "wal_config", "quantization_config", "sparse_vectors",
       "strict_mode_config", "init_from", "most_points", "table_points", "metadata", "index_config", "shards"});
  fields.refuse({"sharding_method", "sparse_vectors", "init_from", "strict_mode_config", "metadata"});
  fields.refuse({"quantization_config"}, "Choose codes in index_config.");
  fields.whole("shard_number", shards, shards, shards);
  for (const char* name : {"replication_factor", "write_consistency_factor"}) fields.whole(name, 1, 1, 1);
  const Json& found = fields.need("vectors", "{\"size\": …, \"distance\": …}");
  if (found.is_object() && !found.contains("size") && !found.empty() && found.begin()->is_object())
    throw Error(ErrorCode::unsupported, "named vectors are not supported: a collection has one unnamed vector",
                {.where = "/vectors", .expected = "{\"size\": …, \"distance\": …}"});
  const Fields vectors(found, "/vectors",
                       {"size", "distance", "on_disk", "hnsw_config", "quantization_config", "datatype",
                        "multivector_config"});
  vectors.refuse({"quantization_config", "multivector_config"});
  if (vectors.text("datatype", "float32") != "float32")
    throw Error(ErrorCode::unsupported, "vectors are kept as float32", {.where = "/vectors/datatype"});
  check_flags(vectors, {"on_disk"});
  check_flags(fields, {"on_disk_payload"});
  if (const Json* log = fields.find("wal_config")) {
    const std::initializer_list<std::string_view> names = {"wal_capacity_mb", "wal_segments_ahead", "wal_retain_closed"};
    check_numbers(Fields(*log, fields.place("wal_config"), names), names);
  }
  vectors.need("size", "a whole number");
  CollectionConfig config;
  config.dimension = vectors.whole("size", 0, 1, CollectionConfig::largest_dimension);
  config.index.metric = read_distance(vectors);
  config.most_points = fields.whole("most_points", 0, 1, SIZE_MAX);
  config.table_points = fields.whole("table_points", 0, 16, 1u << 20);
  read_tuning(fields, config);
  read_tuning(vectors, config);  // its own hnsw_config says more than the collection's
  read_index(fields, config);
  return config;
}

// {"shards": [{"address": "10.0.0.2:8081", "token": "…"}]}
std::vector<Shard> read_shards(const Json& body) {
  std::vector<Shard> shards;
  std::set<std::string> addresses;
  const Json& list = body["shards"];
  const bool some = list.is_array() && !list.empty() && list.size() <= ShardedCollection::most_shards;
  if (!some)
    throw Error(ErrorCode::bad_input, "these are no shards",
                {.where = "/shards", .expected = "1 to 64 of {\"address\": \"10.0.0.2:8081\"}"});
  for (const Json& one : list) {
    const Fields fields(one, "/shards/" + std::to_string(shards.size()), {"address", "token"});
    const std::string address = fields.text("address");
    const size_t colon = address.rfind(':');
    const bool plain = colon != address.npos && colon > 0 && address.size() < 256 &&
                       address.find_first_of("/ \t\n") == address.npos && colon + 1 < address.size() &&
                       address.find_first_not_of("0123456789", colon + 1) == address.npos;
    if (!plain) fields.wrong("address", "host:port of another server's gRPC (--grpc-port)");
    if (!addresses.insert(address).second) fields.wrong("address", "each server once");
    shards.push_back({address, fields.text("token")});
  }
  return shards;
}

// A shard has the collection already: it is taken when nothing is in it yet.
void check_alike(const ShardedCollection& made, const Shard& shard, const Json& info) {
  const Json& vectors = info.at("config").at("params").at("vectors");
  const bool alike = vectors.at("size") == made.dimension && vectors.at("distance") == shown_name(made.metric);
  if (alike && info.at("points_count") == 0) return;
  throw Error(ErrorCode::conflict, "a shard has another collection of this name",
              {.where = shard.address,
               .expected = "none, or an empty one of the same size and distance",
               .found = info.at("points_count").dump() + " points of " + vectors.dump()});
}

// Options that do not go together are named as the request names them.
void check_options(const CollectionConfig& config) {
  try {
    check_config(config);
  } catch (const Error& error) {
    throw at_place(error, "/index_config/" + error.details().where);
  }
}

Json index_json(const CollectionConfig& config) {
  Json json = to_json(config.index);
  json["index_memory"] = config.index.memory_cap >> 20;
  return json;
}

Json info_json(const Collection& collection) {
  const auto status = collection.status();
  const CollectionConfig config = collection.config();
  Json schema = Json::object();
  const auto view = collection.view();
  for (const TableView& table : view->tables) {
    if (!table.segment) continue;
    for (const auto& [key, field] : table.segment->payload_index().summary()) {
      const size_t most = std::max({field.texts, field.integers, field.floats, field.bools});
      if (most == 0) continue;
      Json& entry = schema[key];
      entry["data_type"] = field.times == most     ? "datetime"
                           : field.texts == most   ? "keyword"
                           : field.floats == most  ? "float"
                           : field.integers == most ? "integer"
                                                    : "bool";
      entry["points"] = entry.value("points", size_t{0}) + field.points;
    }
  }
  Json optimizer = "ok";
  if (!status.trouble.empty()) optimizer = {{"error", status.trouble.back()}};
  Json answer = {
      {"status", status.working ? "yellow" : "green"},
      {"optimizer_status", optimizer},
      {"indexed_vectors_count", status.indexed},
      {"points_count", status.points},
      {"segments_count", status.segments},
      {"config",
       {{"params",
         {{"vectors", {{"size", config.dimension}, {"distance", shown_name(config.index.metric)}}},
          {"shard_number", 1},
          {"replication_factor", 1},
          {"write_consistency_factor", 1},
          {"on_disk_payload", true}}},
        {"hnsw_config",
         {{"m", config.index.degree / 2},
          {"ef_construct", config.index.build_effort},
          {"full_scan_threshold", 0}}},
        {"optimizer_config",
         {{"default_segment_number", 0},
          {"indexing_threshold", config.index_threshold == SIZE_MAX
                                     ? 0
                                     : config.index_threshold * config.dimension * sizeof(float) / 1024},
          {"flush_interval_sec", 0}}},
        {"index_config", index_json(config)},
        {"wal_config", nullptr},
        {"quantization_config", nullptr}}},
      {"payload_schema", schema}};
  answer["troubles"] = status.trouble;
  answer["damage"] = status.damage;
  answer["bytes"] = {{"segments", status.vector_bytes},
                     {"indexes", status.index_bytes},
                     {"memory", status.memory_bytes},
                     {"records", status.record_bytes}};
  return answer;
}

Json snapshot_json(const CollectionSet::Snapshot& snapshot) {
  return {{"name", snapshot.name},
          {"creation_time", iso_time(snapshot.made_ms).substr(0, 19)},
          {"size", snapshot.bytes}};
}

Json aliases_json(const CollectionSet& collections, const std::string* of) {
  Json list = Json::array();
  for (const auto& [alias, name] : collections.aliases())
    if (!of || name == *of) list.push_back({{"alias_name", alias}, {"collection_name", name}});
  return {{"aliases", list}};
}

}  // namespace

void root_version(VectorCall&, Response& response) {
  // The version is that of the interface which is spoken; the program's own stands beside it.
  response = json_response({{"title", "cowatch, Qdrant's interface"}, {"version", "1.18.0"}, {"cowatch", version()}});
}

void ready(VectorCall& call, Response& response) {
  response.content_type = "text/plain";
  response.body = "ok\n";
  const auto failed = call.collections.failed();
  if (failed.empty() || call.request.path != "/readyz") return;
  response.status = 503;
  response.body.clear();
  for (const auto& [name, reason] : failed) response.body += name + ": " + reason + "\n";
}

Json list_collections(VectorCall& call) {
  Json list = Json::array();
  for (const std::string& name : call.collections.names()) list.push_back({{"name", name}});
  for (const std::string& name : call.collections.sharded_names()) list.push_back({{"name", name}});
  return {{"collections", list}};
}

Json collection_info(VectorCall& call) {
  return info_json(*call.collections.find(call.path[0]));
}

Json collection_exists(VectorCall& call) {
  return {{"exists", call.collections.contains(call.path[0])}};
}

void create_on_shards(CollectionSet& collections, ShardLinks& links, const std::string& name, Json body,
                      Job::Clock::time_point deadline) {
  const auto shards = read_shards(body);
  const CollectionConfig config = read_new_config(body, shards.size());
  const ShardedCollection made{name, config.dimension, config.index.metric, shards};
  collections.check_free(name);
  if (config.most_points > 0)
    throw Error(ErrorCode::unsupported, "a quota is one of a shard",
                {.where = "/most_points", .remedy = "Make the collection there first, with its own quota."});
  for (const char* own : {"shards", "shard_number"}) body.erase(own);
  std::vector<ShardQuestion> make, look;
  for (size_t s = 0; s < shards.size(); ++s) {
    make.push_back({s, "PUT", "", body.dump(), true});
    look.push_back({s, "GET", ""});
  }
  const auto replies = links.replies(made, make, {nullptr, deadline});
  for (size_t s = 0; s < shards.size(); ++s) {
    const bool there = replies[s].status == 409;
    if (there) check_alike(made, shards[s], links.results(made, {look[s]}, {nullptr, deadline})[0]);
    if (replies[s].status == 200 || there) continue;
    throw Error(ErrorCode::conflict, "a shard did not make its part of the collection",
                {.where = shards[s].address,
                 .found = replies[s].body,
                 .remedy = "Parts that others made are empty, and are taken when this is tried again."});
  }
  collections.declare(made);
}

Json create_collection(VectorCall& call) {
  if (call.body.is_object() && call.body.contains("shards")) {
    create_on_shards(call.collections, call.service.links(), call.path[0], std::move(call.body), call.patience.deadline);
    return true;
  }
  const CollectionConfig config = read_new_config(call.body, 1);
  call.collections.check_free(call.path[0]);
  check_options(config);
  call.collections.create(call.path[0], config);
  return true;
}

Json update_collection(VectorCall& call) {
  const auto collection = call.collections.find(call.path[0]);
  const Fields fields(call.body, "",
                      {"vectors", "optimizers_config", "params", "hnsw_config", "quantization_config",
                       "sparse_vectors", "strict_mode_config", "metadata", "most_points", "index_config"});
  fields.refuse({"vectors", "params", "quantization_config", "sparse_vectors", "strict_mode_config", "metadata"});
  CollectionConfig config = collection->config();
  read_tuning(fields, config);
  config.most_points = fields.whole("most_points", config.most_points, 0, SIZE_MAX);
  if (const Json* found = fields.find("index_config")) {
    const Fields index(*found, fields.place("index_config"), {"index_memory"});  // the rest stays as it was made
    config.index.memory_cap = index.whole("index_memory", 0, 0, 1u << 30) << 20;
  }
  check_options(config);
  collection->configure(config);
  return true;
}

Json delete_collection(VectorCall& call) {
  const bool removed = call.collections.remove(call.path[0]);
  if (removed) call.service.recall().forget(call.path[0]);
  return removed;
}

Json change_aliases(VectorCall& call) {
  using Kind = CollectionSet::AliasChange::Kind;
  const Fields fields(call.body, "", {"actions"});
  std::vector<CollectionSet::AliasChange> changes;
  for (const Json& action : fields.list("actions")) {
    const std::string place = "/actions/" + std::to_string(changes.size());
    const Fields one(action, place, {"create_alias", "delete_alias", "rename_alias"});
    if (action.size() != 1) throw Error(ErrorCode::bad_input, "an action is one of three", {.where = place, .expected = "create_alias, delete_alias or rename_alias"});
    const std::string kind = action.begin().key();
    const Fields inner(action.begin().value(), place + "/" + kind,
                       kind == "create_alias"   ? std::initializer_list<std::string_view>{"collection_name", "alias_name"}
                       : kind == "delete_alias" ? std::initializer_list<std::string_view>{"alias_name"}
                                                : std::initializer_list<std::string_view>{"old_alias_name", "new_alias_name"});
    const auto name = [&](const char* field) {
      inner.need(field, "a name");
      return inner.text(field);
    };
    if (kind == "create_alias") {
      changes.push_back({Kind::create, name("alias_name"), name("collection_name")});
    } else if (kind == "delete_alias") {
      changes.push_back({Kind::remove, name("alias_name"), ""});
    } else {
      changes.push_back({Kind::rename, name("old_alias_name"), name("new_alias_name")});
    }
  }
  call.collections.change_aliases(changes);
  return true;
}

Json collection_aliases(VectorCall& call) {
  const std::string name = call.sharded ? call.sharded->name : call.collection->folder().filename().string();
  return aliases_json(call.collections, &name);
}

Json all_aliases(VectorCall& call) {
  return aliases_json(call.collections, nullptr);
}

Json put_payload_index(VectorCall& call) {
  const Fields fields(call.body, "", {"field_name", "field_schema"});
  if (fields.text("field_name").empty()) fields.wrong("field_name", "the key of a payload field");
  const Json* schema = fields.find("field_schema");
  const bool object = schema && schema->is_object();
  const Json* named = object && schema->contains("type") ? &(*schema)["type"] : nullptr;
  if (object && !(named && named->is_string()))
    throw Error(ErrorCode::bad_input, "a field cannot be read",
                {.where = "/field_schema/type", .expected = "a string", .found = named ? named->type_name() : "nothing"});
  const std::string type = object ? named->get<std::string>() : fields.text("field_schema", "keyword");
  static const std::vector<std::string> known = {"keyword", "integer", "float", "bool", "datetime", "uuid"};
  if (std::find(known.begin(), known.end(), type) == known.end())
    throw Error(ErrorCode::unsupported, "there is no such index",
                {.where = "/field_schema", .expected = "keyword, integer, float, bool, datetime or uuid", .found = "'" + type.substr(0, 40) + "'"});
  const std::initializer_list<std::string_view> flags = {"is_tenant", "is_principal", "on_disk", "lookup", "range", "enable_hnsw"};
  if (object) {
    std::vector<std::string_view> names(flags);
    names.push_back("type");
    check_flags(Fields(*schema, fields.place("field_schema"), names), flags);
  }
  return delete_payload_index(call);
}

Json delete_payload_index(VectorCall& call) {
  return {{"operation_id", call.sharded ? 0 : call.collection->view()->sequence}, {"status", "completed"}};
}

Json list_snapshots(VectorCall& call) {
  Json list = Json::array();
  for (const auto& snapshot : call.collections.snapshots(call.path[0])) list.push_back(snapshot_json(snapshot));
  return list;
}

Json make_snapshot(VectorCall& call) {
  return snapshot_json(call.collections.make_snapshot(call.path[0]));
}

Json delete_snapshot(VectorCall& call) {
  call.collections.remove_snapshot(call.path[0], call.path[1]);
  return true;
}

void send_snapshot(VectorCall& call, Response& response) {
  response.file = call.collections.snapshot_file(call.path[0], call.path[1]);
  response.content_type = "application/octet-stream";
}

Json recover_snapshot(VectorCall& call) {
  const Fields fields(call.body, "", {"location", "priority", "checksum", "api_key"});
  fields.refuse({"checksum", "api_key"});
  static const std::vector<std::string> priorities = {"no_sync", "snapshot", "replica"};
  if (std::ranges::find(priorities, fields.text("priority", "replica")) == priorities.end())
    fields.wrong("priority", "no_sync, snapshot or replica");
  std::string location = fields.text("location");
  if (location.starts_with("file://")) location.erase(0, 7);
  // A name of one of the server's own snapshots: other files of the machine are no business of a client.
  const std::string name = Path(location).filename().string();
  if (location.find("://") != location.npos || name.empty()) fields.wrong("location", "the name of a snapshot of this collection");
  call.collections.restore(call.path[0], call.collections.snapshot_file(call.path[0], name));
  return true;
}

}  // namespace cowatch::serve

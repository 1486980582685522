#include "serve/vectors/vector_routes.h"

namespace cowatch::serve {

const std::vector<VectorRoute>& vector_routes() {
  using Kind = VectorRoute::Kind;
  // clang-format off
  static const std::vector<VectorRoute> all = {
      {"GET", "/", "The version, for Qdrant's clients.", Scope::open, Kind::at_once, nullptr, root_version},
      {"GET", "/healthz", "Whether the process answers.", Scope::open, Kind::at_once, nullptr, ready},
      {"GET", "/livez", "Whether the process answers.", Scope::open, Kind::at_once, nullptr, ready},
      {"GET", "/readyz", "Whether every collection could be opened.", Scope::open, Kind::at_once, nullptr, ready},
      {"GET", "/collections", "The collections' names.", Scope::read, Kind::read, list_collections},
      {"POST", "/collections/aliases", "Create, delete and rename aliases, all at once.", Scope::manage, Kind::write, change_aliases},
      {"GET", "/aliases", "All aliases.", Scope::read, Kind::read, all_aliases},
      {"GET", "/collections/{name}", "Points, state and configuration of a collection.", Scope::read, Kind::read, collection_info, nullptr, nullptr, shard_info},
      {"PUT", "/collections/{name}", "Create a collection.", Scope::manage, Kind::write, create_collection, nullptr, nullptr, create_collection},
      {"PATCH", "/collections/{name}", "Change a collection's parameters.", Scope::manage, Kind::write, update_collection, nullptr, nullptr, shard_update},
      {"DELETE", "/collections/{name}", "Delete a collection.", Scope::manage, Kind::write, delete_collection, nullptr, nullptr, shard_delete},
      {"GET", "/collections/{name}/exists", "Whether there is such a collection.", Scope::read, Kind::read, collection_exists, nullptr, nullptr, collection_exists},
      {"GET", "/collections/{name}/aliases", "A collection's aliases.", Scope::read, Kind::read, collection_aliases, nullptr, nullptr, collection_aliases},
      {"PUT", "/collections/{name}/index", "Accepted: every payload field is indexed anyway.", Scope::write, Kind::write, put_payload_index, nullptr, nullptr, put_payload_index},
      {"DELETE", "/collections/{name}/index/{field}", "Accepted: every payload field stays indexed.", Scope::write, Kind::write, delete_payload_index, nullptr, nullptr, delete_payload_index},
      {"PUT", "/collections/{name}/points", "Insert or replace points.", Scope::write, Kind::write, upsert_points, nullptr, nullptr, shard_change},
      {"POST", "/collections/{name}/points", "Points by id.", Scope::read, Kind::read, retrieve_points, nullptr, nullptr, shard_retrieve},
      {"GET", "/collections/{name}/points/{id}", "One point.", Scope::read, Kind::read, get_point, nullptr, nullptr, shard_get},
      {"POST", "/collections/{name}/points/delete", "Delete points by id or filter.", Scope::write, Kind::write, delete_points, nullptr, nullptr, shard_change},
      {"PUT", "/collections/{name}/points/vectors", "Replace vectors of points.", Scope::write, Kind::write, update_vectors, nullptr, nullptr, shard_change},
      {"POST", "/collections/{name}/points/payload", "Set payload fields.", Scope::write, Kind::write, set_payload, nullptr, nullptr, shard_change},
      {"PUT", "/collections/{name}/points/payload", "Replace payloads.", Scope::write, Kind::write, overwrite_payload, nullptr, nullptr, shard_change},
      {"POST", "/collections/{name}/points/payload/delete", "Delete payload fields.", Scope::write, Kind::write, delete_payload, nullptr, nullptr, shard_change},
      {"POST", "/collections/{name}/points/payload/clear", "Empty payloads.", Scope::write, Kind::write, clear_payload, nullptr, nullptr, shard_change},
      {"POST", "/collections/{name}/points/batch", "Several of the writing operations, in order.", Scope::write, Kind::write, batch_update, nullptr, nullptr, shard_batch},
      {"POST", "/collections/{name}/points/scroll", "Points page by page, by id.", Scope::read, Kind::read, scroll_points, nullptr, nullptr, shard_scroll},
      {"POST", "/collections/{name}/points/count", "How many points a filter lets through.", Scope::read, Kind::read, count_points, nullptr, nullptr, shard_count},
      {"POST", "/collections/{name}/facet", "Values of a payload field, most frequent first.", Scope::read, Kind::read, facet_points, nullptr, nullptr, shard_facet},
      {"POST", "/collections/{name}/points/search", "The nearest points.", Scope::read, Kind::search, search_points, nullptr, search_together, shard_search},
      {"POST", "/collections/{name}/points/search/batch", "Several searches.", Scope::read, Kind::search, search_batch, nullptr, nullptr, shard_search_batch},
      {"POST", "/collections/{name}/points/search/groups", "The nearest points of each value of a field.", Scope::read, Kind::search, search_groups},
      {"POST", "/collections/{name}/points/recommend", "Points like some and unlike others.", Scope::read, Kind::search, recommend_points, nullptr, nullptr, shard_recommend},
      {"POST", "/collections/{name}/points/recommend/batch", "Several recommendations.", Scope::read, Kind::search, recommend_batch, nullptr, nullptr, shard_recommend_batch},
      {"POST", "/collections/{name}/points/recommend/groups", "Points like some and unlike others, the best of each value of a field.", Scope::read, Kind::search, recommend_groups},
      {"POST", "/collections/{name}/points/query", "The nearest points to a vector, a point, or examples.", Scope::read, Kind::search, query_points, nullptr, query_together, shard_query},
      {"POST", "/collections/{name}/points/query/batch", "Several queries.", Scope::read, Kind::search, query_batch, nullptr, nullptr, shard_query_batch},
      {"POST", "/collections/{name}/points/query/groups", "A query's best points of each value of a field.", Scope::read, Kind::search, query_groups},
      {"GET", "/collections/{name}/snapshots", "Snapshots of a collection.", Scope::read, Kind::read, list_snapshots},
      {"POST", "/collections/{name}/snapshots", "Make a snapshot.", Scope::manage, Kind::write, make_snapshot},
      {"GET", "/collections/{name}/snapshots/{snapshot}", "Download a snapshot.", Scope::manage, Kind::write, nullptr, send_snapshot},
      {"DELETE", "/collections/{name}/snapshots/{snapshot}", "Delete a snapshot.", Scope::manage, Kind::write, delete_snapshot},
      {"PUT", "/collections/{name}/snapshots/recover", "Replace a collection by one of the server's snapshots.", Scope::manage, Kind::write, recover_snapshot},
  };
  // clang-format on
  return all;
}

const std::vector<RefusedRoute>& refused_routes() {
  static const std::string one_node = "shards are servers of their own, named when a collection is made";
  static const std::string one_vector = "a point has one unnamed vector, which goes with the point";
  static const std::string by_collection =
      "snapshots are made collection by collection: POST /collections/{name}/snapshots";
  static const std::vector<RefusedRoute> all = {
      {"GET", "/cluster", one_node},
      {"GET", "/cluster/telemetry", one_node},
      {"GET", "/collections/{name}/cluster", one_node},
      {"POST", "/collections/{name}/cluster", one_node},
      {"GET", "/collections/{name}/shards", one_node},
      {"PUT", "/collections/{name}/shards", one_node},
      {"POST", "/collections/{name}/shards/delete", one_node},
      {"GET", "/collections/{name}/shards/{shard}/snapshots", one_node},
      {"POST", "/collections/{name}/shards/{shard}/snapshots", one_node},
      {"PUT", "/collections/{name}/shards/{shard}/snapshots/recover", one_node},
      {"DELETE", "/collections/{name}/shards/{shard}/snapshots/{snapshot}", one_node},
      {"GET", "/snapshots", by_collection},
      {"POST", "/snapshots", by_collection},
      {"DELETE", "/snapshots/{snapshot}", by_collection},
      {"POST", "/collections/{name}/points/vectors/delete", one_vector},
      {"POST", "/collections/{name}/points/discover",
       "search by pairs of examples is not there; recommend takes positive and negative ones"},
      {"POST", "/collections/{name}/points/discover/batch",
       "search by pairs of examples is not there; recommend takes positive and negative ones"},
      {"POST", "/collections/{name}/points/search/matrix/pairs", "distances of all pairs are not made"},
      {"POST", "/collections/{name}/points/search/matrix/offsets", "distances of all pairs are not made"},
      {"GET", "/collections/{name}/optimizations",
       "the status of GET /collections/{name} says whether indexing goes on"},
  };
  return all;
}

}  // namespace cowatch::serve

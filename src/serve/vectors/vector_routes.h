// The operations of the vector interface, by file. Each takes a checked call and gives Qdrant's `result`.
#pragma once

#include "serve/vectors/vector_service.h"

namespace cowatch::serve {

// collection_routes.cpp
void root_version(VectorCall& call, Response& response);
void ready(VectorCall& call, Response& response);
Json list_collections(VectorCall& call);
Json collection_info(VectorCall& call);
Json collection_exists(VectorCall& call);
Json create_collection(VectorCall& call);
Json update_collection(VectorCall& call);
Json delete_collection(VectorCall& call);
Json change_aliases(VectorCall& call);
Json collection_aliases(VectorCall& call);
Json all_aliases(VectorCall& call);
Json put_payload_index(VectorCall& call);
Json delete_payload_index(VectorCall& call);
Json list_snapshots(VectorCall& call);
Json make_snapshot(VectorCall& call);
Json delete_snapshot(VectorCall& call);
void send_snapshot(VectorCall& call, Response& response);
Json recover_snapshot(VectorCall& call);

// point_routes.cpp
Json upsert_points(VectorCall& call);
Json retrieve_points(VectorCall& call);
Json get_point(VectorCall& call);
Json delete_points(VectorCall& call);
Json update_vectors(VectorCall& call);
Json set_payload(VectorCall& call);
Json overwrite_payload(VectorCall& call);
Json delete_payload(VectorCall& call);
Json clear_payload(VectorCall& call);
Json batch_update(VectorCall& call);
Json scroll_points(VectorCall& call);
Json count_points(VectorCall& call);
Json facet_points(VectorCall& call);

// query_routes.cpp
Json search_points(VectorCall& call);
Json search_batch(VectorCall& call);
Json search_groups(VectorCall& call);
Json recommend_points(VectorCall& call);
Json recommend_batch(VectorCall& call);
Json recommend_groups(VectorCall& call);
Json query_points(VectorCall& call);
Json query_batch(VectorCall& call);
Json query_groups(VectorCall& call);
void search_together(std::span<Attempt> attempts);
void query_together(std::span<Attempt> attempts);

// shard_routes.cpp: the same where the points lie on other servers
Json shard_info(VectorCall& call);
Json shard_update(VectorCall& call);
Json shard_delete(VectorCall& call);
Json shard_change(VectorCall& call);  // each of the writing operations
Json shard_batch(VectorCall& call);
Json shard_retrieve(VectorCall& call);
Json shard_get(VectorCall& call);
Json shard_scroll(VectorCall& call);
Json shard_count(VectorCall& call);
Json shard_facet(VectorCall& call);
Json shard_search(VectorCall& call);
Json shard_search_batch(VectorCall& call);
Json shard_recommend(VectorCall& call);
Json shard_recommend_batch(VectorCall& call);
Json shard_query(VectorCall& call);
Json shard_query_batch(VectorCall& call);

// Lets each of body["shards"] make its part of a new collection, and keeps where they are. conflict, naming the
// shard, when one does not: what others made is empty, and is taken when it is tried again.
void create_on_shards(CollectionSet& collections, ShardLinks& links, const std::string& name, Json body,
                      Job::Clock::time_point deadline);

inline constexpr size_t most_answers = 10'000;
inline constexpr size_t most_points = 100'000;  // that one request writes or deletes by id

// What the vectors of a collection are.
struct VectorKind {
  Metric metric;
  size_t dimension;
};
// Bodies that write. Throw bad_input at the places below `where` of all bad rows.
std::vector<PointChange> read_upsert(const Json& body, const std::string& where, const VectorKind& kind);
std::vector<PointChange> read_vector_rows(const Json& body, const std::string& where, const VectorKind& kind);
// Throws not_found at the places of those rows, of a body at `where`, whose points are not there.
void need_points(const std::vector<PointChange>& rows, const std::function<bool(size_t)>& there,
                 const std::string& where);
// Of a batch: each an object with one member, the operation's name. Throws what is wrong with any of them.
const Json& read_operations(const Json& body, const VectorKind& kind);
Json facet_json(const std::map<Scalar, size_t>& counts, size_t limit);

// What the answers show of points.
struct Shown {
  enum class Payload { none, all, include, exclude } payload = Payload::none;
  std::vector<std::string> keys;
  bool vector = false;
};
class Fields;
Shown read_shown(const Fields& fields, bool payload_by_default);
// A point as it is answered, counted in `size` before it is made.
Json point_json(const CollectionView& view, PointPlace at, const Shown& shown, AnswerSize& size);
// Each once, in the order in which they were asked for.
std::vector<PointId> read_wanted_ids(const Fields& fields);
std::optional<Condition> read_filter(const Fields& fields, std::string_view name = "filter");

}  // namespace cowatch::serve

#include "search/sharded_collection.h"

#include "base/error.h"
#include "base/json.h"

namespace cowatch {

void write_sharded(const Path& file, const ShardedCollection& collection) {
  Json shards = Json::array();
  for (const Shard& shard : collection.shards)
    shards.push_back({{"address", shard.address}, {"token", shard.token}});
  const Json json = {
      {"dimension", collection.dimension}, {"metric", metric_name(collection.metric)}, {"shards", shards}};
  using std::filesystem::perms;
  std::filesystem::permissions(file.parent_path(), perms::owner_all);  // before there is anything to read
  write_atomically(file, json.dump(1));
  std::filesystem::permissions(file, perms::owner_read | perms::owner_write);
}

ShardedCollection read_sharded(const Path& file, const std::string& name) {
  try {
    const Json json = Json::parse(read_text(file));
    ShardedCollection collection{
        name, json.at("dimension").get<size_t>(), metric_of(json.at("metric").get<std::string>()), {}};
    for (const Json& shard : json.at("shards"))
      collection.shards.push_back(
          {shard.at("address").get<std::string>(), shard.at("token").get<std::string>()});
    if (!collection.shards.empty()) return collection;
  } catch (const Json::exception&) {
  }
  throw Error(ErrorCode::damaged, "where the shards of a collection are cannot be read",
              {.where = file.string(),
               .expected = "dimension, metric and shards, each with address and token",
               .remedy = "Put a copy of the file back; the points lie on the shards as they were."});
}

}  // namespace cowatch

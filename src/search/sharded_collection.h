// A collection whose points lie on several other servers, its shards: what is known of it here. Each shard
// has a collection of the same name; a point lies on the one that its id says. Who asks them is the server's
// matter (serve/vectors/shard_links.h).
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "search/access/point_id.h"
#include "search/compute/vector_index.h"

namespace cowatch {

struct Shard {
  std::string address;  // host:port, of gRPC
  std::string token;    // a bearer token of that server; empty: none
};

struct ShardedCollection {
  static constexpr size_t most_shards = 64;

  std::string name;
  size_t dimension = 0;
  Metric metric = Metric::cosine;
  std::vector<Shard> shards;  // their order and number say where points lie

  size_t shard_of(const PointId& id) const { return hash_of(id) % shards.size(); }
};

// {"dimension", "metric", "shards": [{"address", "token"}]}, file and folder for the owner alone: it holds tokens.
void write_sharded(const Path& file, const ShardedCollection& collection);
// Throws damaged.
ShardedCollection read_sharded(const Path& file, const std::string& name);

}  // namespace cowatch

// How this server asks others that hold shards of its collections. Over which protocol is the matter of who
// opens the links (rpc/shard_link.h: gRPC).
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/json_forward.h"
#include "search/compute/patience.h"
#include "search/sharded_collection.h"

namespace cowatch::serve {

// An operation as over HTTP. `path` with its query, encoded.
struct ShardRequest {
  std::string method, path, body, priority;
};
struct ShardReply {
  int status = 0;    // HTTP's; 0: no answer came
  std::string body;  // the result as JSON; the words of a refusal; why no answer came
};

class ShardLink {
 public:
  using Clock = std::chrono::steady_clock;
  virtual ~ShardLink() = default;
  // Calls `done` once, from any thread, soon after the deadline at the latest. What is returned gives it up:
  // `done` is called soon then.
  virtual std::function<void()> ask(const ShardRequest& request, Clock::time_point deadline,
                                    std::function<void(ShardReply)> done) = 0;
};
using OpenShardLink = std::function<std::unique_ptr<ShardLink>(const Shard&)>;

// What one shard of a collection is asked.
struct ShardQuestion {
  size_t shard;              // place in the collection's list
  std::string method, path;  // below /collections/NAME: "/points/search"
  std::string body = {};
  bool changes = false;  // something, when it is answered
};

// The links of a server, opened when they are first needed. Any thread.
class ShardLinks {
 public:
  using Clock = ShardLink::Clock;

  void open_by(OpenShardLink open);

  // Asks all at once, and waits for all answers, to the deadline. Throws interrupted when who asks goes away,
  // unless something is changed.
  std::vector<ShardReply> replies(const ShardedCollection& collection,
                                  const std::vector<ShardQuestion>& questions, const Patience& patience,
                                  const std::string& priority = "");
  // The results, in the order of the questions. Throws what a shard says is wrong with the request, in its
  // words; overloaded, naming each shard that did not answer: no answer is ever made of some of them.
  std::vector<Json> results(const ShardedCollection& collection, const std::vector<ShardQuestion>& questions,
                            const Patience& patience, const std::string& priority = "");

 private:
  std::shared_ptr<ShardLink> link(const Shard& shard);

  std::mutex mutex_;
  OpenShardLink open_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<ShardLink>> links_;
};

}  // namespace cowatch::serve

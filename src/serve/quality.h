// How well the server searches, for the quality page: recall against exact search over time, latency, the queue,
// memory by part, and notices, each with the command or request that mends what it found.
#pragma once

#include "base/json_forward.h"
#include "search/collection.h"
#include "serve/service.h"

namespace cowatch::serve {

// What notices are made of, for one collection.
struct CollectionFacts {
  std::string name;
  Collection::Status status;
  CollectionConfig config;
  std::string failure;            // why it cannot be opened; empty: it is open
  std::string snapshot;           // the newest; empty: none
  RecallSampler::Count recall;    // of late
};
// And for the videos of the platform.
struct VideoFacts {
  uint64_t videos = 0, embedded = 0;
  bool stale = false;  // newer embeddings are there, not in use
  IndexKind kind = IndexKind::exact;
  RecallSampler::Count recall;
};

// {"Kind", "Text", "Command"}, worst first. `address` is where the server was asked, as in "http://127.0.0.1:8080".
Json notices(const VideoFacts& videos, const std::vector<CollectionFacts>& collections, const Scheduler::Status& searches,
             const std::string& address);

// The name under which the recall of related videos is sampled; no collection can have it.
inline constexpr const char* related_recall = "related videos";

Response quality(Call& call);

}  // namespace cowatch::serve

// Collections of vectors over HTTP, in the shapes of Qdrant's REST interface, so that its clients work unchanged:
// answers are {"result", "status": "ok", "time"}, errors {"status": {"error"}, "time"}.
//
// Reading the request, answering and the disk do not share threads: searches go to a scheduler that refuses in
// time (search/schedule/scheduler.h), everything else to another.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/settings.h"
#include "search/collection_set.h"
#include "search/schedule/scheduler.h"
#include "serve/message.h"
#include "serve/vectors/access_tokens.h"
#include "serve/vectors/recall_sampler.h"
#include "serve/vectors/vector_metrics.h"

namespace cowatch::serve {

class VectorService;

struct VectorCall {
  VectorService& service;
  const Request& request;
  CollectionSet& collections;
  std::vector<std::string> path;         // values of the {…} parts
  std::shared_ptr<Collection> collection;  // where the path names one and it must exist
  Json body;
  const std::atomic<bool>* cancel = nullptr;
};

// One operation, declared once: dispatch, scopes, OpenAPI and the metrics' labels come from this.
struct VectorRoute {
  std::string method, path;  // "POST", "/collections/{name}/points/search"
  std::string summary;
  Scope scope;
  enum class Kind { search, other } kind;
  Json (*answer)(VectorCall&);  // the result; null where a file or text was answered through `respond`
  void (*respond)(VectorCall&, Response&) = nullptr;  // instead of `answer`
};
const std::vector<VectorRoute>& vector_routes();

class VectorService {
 public:
  VectorService(const Path& folder, const Settings& settings);

  // Whether a path is one of ours.
  static bool owns(const Request& request);
  // Calls `done` once, from any thread, now or later. `cancel` may be set by the caller when nobody waits.
  void answer(std::shared_ptr<const Request> request, std::shared_ptr<std::atomic<bool>> cancel,
              std::function<void(Response)> done);
  std::string metrics() const;
  CollectionSet& collections() { return collections_; }
  VectorMetrics& measures() { return metrics_; }
  RecallSampler& recall_sampler() { return sampler_; }

 private:
  class RequestJob;
  Response run(const VectorRoute& route, const Request& request, const std::vector<std::string>& values,
               const std::atomic<bool>* cancel);

  CollectionSet collections_;
  AccessTokens tokens_;
  double search_seconds_, other_seconds_;
  mutable VectorMetrics metrics_;
  RecallSampler sampler_{metrics_};
  Scheduler searches_, others_;  // last: their workers use all of the above
  bool search_here_;             // in the thread that read the request
};

}  // namespace cowatch::serve

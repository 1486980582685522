// Collections of vectors over HTTP, in the shapes of Qdrant's REST interface, so that its clients work
// unchanged: answers are {"result", "status": "ok", "time"}, errors {"status": {"error"}, "time"}.
//
// Searches go to a scheduler that refuses in time (search/schedule/scheduler.h); what else may wait for the disk
// goes to others with threads of their own, reading and writing apart, and so does what waits for other servers.
// Whether the process lives is answered at once.
#pragma once

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/settings.h"
#include "search/collection_set.h"
#include "search/schedule/scheduler.h"
#include "serve/message.h"
#include "serve/vectors/access_tokens.h"
#include "serve/vectors/answer_size.h"
#include "serve/vectors/recall_sampler.h"
#include "serve/vectors/shard_links.h"
#include "serve/vectors/vector_metrics.h"

namespace cowatch::serve {

class VectorService;

struct VectorCall {
  VectorService& service;
  const Request& request;
  CollectionSet& collections;
  std::vector<std::string> path;           // values of the {…} parts
  std::shared_ptr<Collection> collection;  // where the path names one and it must exist
  std::shared_ptr<const ShardedCollection> sharded;  // instead, where it lies on other servers
  Json body;
  Patience patience = {};  // of who asks
  PieceLoop loop = {};  // of searches: shares work with processors that have none
  AnswerSize size = {};
};

// One of several requests that are answered together: its result, or why there is none.
struct Attempt {
  std::optional<VectorCall> call;
  Json result;
  std::exception_ptr failure;

  // Does a part of the work unless a part before it failed.
  template <class Work>
  void of(const Work& work) {
    if (failure) return;
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
  }
};

// One operation, declared once: dispatch, scopes, OpenAPI and the metrics' labels come from this.
struct VectorRoute {
  std::string method, path;  // "POST", "/collections/{name}/points/search"
  std::string summary;
  Scope scope;
  enum class Kind { at_once, search, read, write } kind;  // what it waits behind; at_once: nothing
  Json (*answer)(VectorCall&);  // the result; null where a file or text was answered through `respond`
  void (*respond)(VectorCall&, Response&) = nullptr;  // instead of `answer`
  // Several requests of one collection, each answered as by `answer`; null where that saves nothing.
  void (*answer_together)(std::span<Attempt>) = nullptr;
  // For a collection that lies on shards; null: not supported there.
  Json (*answer_sharded)(VectorCall&) = nullptr;
};
const std::vector<VectorRoute>& vector_routes();

// An operation of Qdrant's that is answered with 501 and the reason.
struct RefusedRoute {
  std::string method, path, reason;
};
const std::vector<RefusedRoute>& refused_routes();

// What a request came to, before it is dressed for HTTP or gRPC.
struct Outcome {
  int status = 200;                  // HTTP's
  Json result;                       // of a success
  std::string error;                 // the words of a refusal
  std::optional<Response> response;  // a file or a text, of routes that respond()
};

class VectorService {
 public:
  VectorService(const Path& folder, const Settings& settings);

  // Whether a path is one of ours.
  static bool owns(const Request& request);
  // Calls `done` once, from any thread, now or later; when `cancel` was set meanwhile because nobody waits,
  // perhaps never. `deadline` is the search's, before the request's own `timeout` and the setting.
  void ask(std::shared_ptr<const Request> request, std::shared_ptr<std::atomic<bool>> cancel,
           std::optional<Job::Clock::time_point> deadline, std::function<void(Outcome)> done);
  // The same over HTTP.
  void answer(std::shared_ptr<const Request> request, std::shared_ptr<std::atomic<bool>> cancel,
              std::function<void(Response)> done);
  // An error in the words and the shape of these addresses.
  static Response refused(const Error& error);
  // Whether searches wait, so that it is worth asking turns_away(). Costs next to nothing.
  bool busy() const { return searches_.busy(); }
  // Whether the search whose head this is, all but its body, is refused now for want of time: it is counted as
  // answered then, and the answer is too_busy(). False for all else; answer() knows what becomes of it.
  bool turns_away(const Request& head);
  static Response too_busy();
  // Searches run in turns of the executor, threads that read requests; in threads of their own when it is
  // empty.
  void search_in(Scheduler::Executor executor) { searches_.run_in(std::move(executor)); }
  // Collections may lie on other servers, which are asked by such links.
  void reach_shards_by(OpenShardLink open) { links_.open_by(std::move(open)); }
  ShardLinks& links() { return links_; }
  // Refuses what waits, and returns when nothing is under way: no `done` is called after that.
  void drain();
  // Whether a request may read every collection: without tokens anyone may.
  bool may_read_all(const Request& request);
  // `named`: those of each collection too.
  std::string metrics(bool named) const;
  CollectionSet& collections() { return collections_; }
  VectorMetrics& measures() { return metrics_; }
  RecallSampler& recall() { return recall_; }
  Scheduler::Status searches() const { return searches_.status(); }
  Scheduler::Status reads() const { return reads_.status(); }
  Scheduler::Status writes() const { return writes_.status(); }
  Scheduler::Status sharded() const { return sharded_.status(); }

 private:
  class RequestJob;
  VectorCall open(RequestJob& job);
  Outcome run(RequestJob& job);
  std::vector<Outcome> run_together(std::span<RequestJob* const> jobs);
  Scheduler& scheduler_of(VectorRoute::Kind kind);
  uint64_t batch_of(const VectorRoute& route, const std::string& collection) const;

  CollectionSet collections_;
  AccessTokens tokens_;
  double search_seconds_, other_seconds_;
  mutable VectorMetrics metrics_;
  RecallSampler recall_;
  ShardLinks links_;
  Scheduler searches_, reads_, writes_, sharded_;  // last: their workers use all of the above
};

}  // namespace cowatch::serve

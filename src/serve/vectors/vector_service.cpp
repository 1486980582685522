#include "serve/vectors/vector_service.h"

#include <algorithm>
#include <cmath>
#include <thread>

#include "base/hash.h"
#include "base/json_text.h"
#include "base/log.h"
#include "base/threads.h"
#include "serve/vectors/vector_routes.h"

namespace cowatch::serve {
namespace {

using Clock = Job::Clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Outcome refusal(const std::exception& caught) {
  const Error error = error_of(caught);
  Outcome outcome;
  // Here unsupported means that the request is well formed, and not a matter of media types.
  outcome.status = error.code() == ErrorCode::unsupported ? 501 : error_kind(error.code()).http_status;
  if (const auto* access = dynamic_cast<const AccessError*>(&caught)) outcome.status = access->status();
  outcome.error = error.what();
  return outcome;
}

Response qdrant_response(Outcome outcome, Clock::time_point start) {
  if (outcome.response) return std::move(*outcome.response);
  if (outcome.status == 200)
    return json_response(
        {{"result", std::move(outcome.result)}, {"status", "ok"}, {"time", seconds_since(start)}});
  Response response =
      json_response({{"status", {{"error", outcome.error}}}, {"time", seconds_since(start)}}, outcome.status);
  if (outcome.status == 503 || outcome.status == 429) response.headers.emplace_back("Retry-After", "1");
  return response;
}

Outcome too_busy_outcome() {
  return refusal(Error(ErrorCode::overloaded, "the server is busier than it can answer in time"));
}

std::string label_of(const VectorRoute& route) {
  return route.method + " " + route.path;
}

Priority priority_of(const Request& request) {
  const std::string_view name = request.header("x-priority");
  if (name.empty() || name == "normal") return Priority::normal;
  if (name == "high") return Priority::high;
  if (name == "low") return Priority::low;
  throw Error(
      ErrorCode::bad_argument, "there is no such priority",
      {.where = "X-Priority", .expected = "high, normal or low", .found = std::string(name.substr(0, 40))});
}

// How long a request says that it waits; 0: it does not say.
double patience_of(const Request& request) {
  return static_cast<double>(request.whole("timeout", 0, 0, 3600));
}

// Deadlines after which a search that has begun ends unfinished, when its sender named none: whoever asks much of an idle
// server is answered, and others need not wait long to be refused.
constexpr double longest_search = 20;

// Requests that wait for other servers at a time.
constexpr size_t most_fanned_out = 32;

Clock::time_point deadline_after(Clock::time_point start, double seconds) {
  return start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

// A request on its way through a scheduler.
class VectorService::RequestJob : public Job {
 public:
  RequestJob(VectorService& service, const VectorRoute& to, std::vector<std::string> path,
             std::shared_ptr<const Request> asked, std::shared_ptr<std::atomic<bool>> dropped,
             std::function<void(Outcome)> done, Clock::time_point start)
      : route(to),
        request(std::move(asked)),
        values(std::move(path)),
        cancel(std::move(dropped)),
        service_(service),
        done_(std::move(done)),
        start_(start) {}

  void run() override { finish(service_.run(*this)); }
  void run_with(const std::vector<std::unique_ptr<Job>>& others) override {
    if (others.empty()) return run();
    std::vector<RequestJob*> all = {this};
    for (const auto& other : others) all.push_back(static_cast<RequestJob*>(other.get()));
    std::vector<Outcome> outcomes;
    try {
      outcomes = service_.run_together(all);
    } catch (const std::exception& error) {
      outcomes.assign(all.size(), refusal(error));
    }
    for (size_t i = 0; i < all.size(); ++i) all[i]->finish(std::move(outcomes[i]));
  }
  void refuse() override { finish(too_busy_outcome()); }
  bool cancelled() const override { return cancel && cancel->load(); }

  const VectorRoute& route;
  const std::shared_ptr<const Request> request;
  const std::vector<std::string> values;  // of the path
  const std::shared_ptr<std::atomic<bool>> cancel;
  Clock::time_point until = Clock::time_point::max();  // its work ends then, done or not

 private:
  void finish(Outcome outcome) {
    try {
      service_.metrics_.answered(label_of(route), outcome.status, seconds_since(start_));
      done_(std::move(outcome));
    } catch (const std::exception& error) {
      log(LogLevel::error, route.path + ": an answer was lost: " + error.what());
    }
  }
  VectorService& service_;
  std::function<void(Outcome)> done_;
  Clock::time_point start_;
};

VectorService::VectorService(const Path& folder, const Settings& settings)
    : collections_(folder),
      tokens_(folder / "tokens.json", settings.get_text("serve.key")),
      search_seconds_(settings.get_number("vectors.deadline_ms") / 1000),
      other_seconds_(60),
      recall_(static_cast<uint64_t>(settings.get_int("vectors.recall_every"))),
      searches_(std::max<size_t>(1, threads()), static_cast<size_t>(settings.get_int("vectors.queue")),
                static_cast<size_t>(settings.get_int("vectors.batch"))),
      reads_(2, 1000, 1),
      writes_(2, 1000, 1),
      sharded_(most_fanned_out, static_cast<size_t>(settings.get_int("vectors.queue")), 1) {}

bool VectorService::owns(const Request& request) {
  const std::string& path = request.path;
  return path == "/collections" || path.starts_with("/collections/") || path == "/aliases" ||
         path == "/readyz" || path == "/healthz" || path == "/livez" || path == "/cluster" ||
         path.starts_with("/cluster/") || path == "/snapshots" || path.starts_with("/snapshots/") ||
         // Qdrant's clients ask the root for the version; a browser gets the page there.
         (path == "/" && request.header("user-agent").starts_with("qdrant"));
}

namespace {

// What `work` makes of a request; its errors become refusals.
template <class Work>
Outcome outcome_of(const VectorRoute& route, const Work& work) {
  try {
    Outcome outcome;
    work(outcome);
    return outcome;
  } catch (const std::exception& caught) {
    const Error error = error_of(caught);
    const bool busy = error.code() == ErrorCode::overloaded;  // no fault of anyone's
    if (error_kind(error.code()).exit_status == 1 && !busy) log(LogLevel::error, route.path + ": " + error.what());
    return refusal(caught);
  }
}

// Whether packed vectors suit a route: none of its answers and refusals prints one. Shards are sent what was read.
bool has_vectors(const VectorRoute& route) {
  return route.kind == VectorRoute::Kind::search || route.answer == upsert_points ||
         route.answer == update_vectors;
}

}  // namespace

VectorCall VectorService::open(RequestJob& job) {
  const Request& request = *job.request;
  VectorCall call{*this, request, collections_, job.values, nullptr, nullptr, {}, {job.cancel.get(), job.until}};
  const std::string& path = job.route.path;
  if (!job.values.empty()) call.sharded = collections_.sharded(job.values[0]);
  // Snapshots are there without their collection.
  const bool of_collection = path.starts_with("/collections/{name}/") && !path.ends_with("/exists") &&
                             !path.starts_with("/collections/{name}/snapshots");
  if (!call.sharded && of_collection) call.collection = collections_.find(job.values[0]);
  if (job.route.kind == VectorRoute::Kind::search && !call.sharded)
    call.loop = [&](size_t pieces, const auto& body) { searches_.share(job, pieces, body); };
  if (request.parsed) {
    call.body = *request.parsed;
  } else if (!request.body.empty()) {
    const bool packs = !call.sharded && has_vectors(job.route);
    call.body = packs ? parse_vectors(request.body, "the body") : parse_json(request.body, "the body");
  }
  return call;
}

Outcome VectorService::run(RequestJob& job) {
  return outcome_of(job.route, [&](Outcome& outcome) {
    VectorCall call = open(job);
    if (call.sharded) {
      if (!job.route.answer_sharded)
        throw Error(ErrorCode::unsupported, "this is not supported for a collection on shards",
                    {.found = job.route.method + " " + job.route.path,
                     .remedy = "GET /collections/" + call.sharded->name + " names the servers that hold its parts."});
      outcome.result = job.route.answer_sharded(call);
      return;
    }
    if (!job.route.respond) {
      outcome.result = job.route.answer(call);
      return;
    }
    job.route.respond(call, outcome.response.emplace());
    outcome.status = outcome.response->status;
  });
}

std::vector<Outcome> VectorService::run_together(std::span<RequestJob* const> jobs) {
  const VectorRoute& route = jobs[0]->route;
  std::vector<Attempt> attempts(jobs.size());
  for (size_t i = 0; i < jobs.size(); ++i) attempts[i].of([&] { attempts[i].call.emplace(open(*jobs[i])); });
  route.answer_together(attempts);
  std::vector<Outcome> outcomes;
  for (Attempt& attempt : attempts) {
    outcomes.push_back(outcome_of(route, [&](Outcome& outcome) {
      if (attempt.failure) std::rethrow_exception(attempt.failure);
      outcome.result = std::move(attempt.result);
    }));
  }
  return outcomes;
}

Scheduler& VectorService::scheduler_of(VectorRoute::Kind kind) {
  if (kind == VectorRoute::Kind::search) return searches_;
  return kind == VectorRoute::Kind::read ? reads_ : writes_;
}

// Searches of a collection that is mostly scanned share the pass over it; one that walks a graph gains
// nothing, and runs beside others instead.
uint64_t VectorService::batch_of(const VectorRoute& route, const std::string& name) const {
  constexpr size_t least_bytes = 1u << 20;
  if (!route.answer_together) return 0;
  const auto collection = collections_.find(name);
  const auto view = collection->view();
  const size_t scanned = view->scanned();
  const bool worthwhile =
      2 * scanned > view->count() && scanned * collection->config().dimension * sizeof(float) >= least_bytes;
  return worthwhile ? hash64(route.path + name) | 1 : 0;
}

void VectorService::answer(std::shared_ptr<const Request> request, std::shared_ptr<std::atomic<bool>> cancel,
                           std::function<void(Response)> done) {
  const auto start = Clock::now();
  ask(std::move(request), std::move(cancel), std::nullopt,
      [start, done = std::move(done)](Outcome outcome) {
        Response response;
        try {
          response = qdrant_response(std::move(outcome), start);
        } catch (const std::exception& error) {  // as text an answer may take more memory than there is
          response = qdrant_response(refusal(error), start);
        }
        done(std::move(response));
      });
}

Response VectorService::refused(const Error& error) {
  return qdrant_response(refusal(error), Clock::now());
}

Response VectorService::too_busy() {
  return qdrant_response(too_busy_outcome(), Clock::now());
}

namespace {

// The route of a request and the values of its path; `allowed` are the methods of the address, where it is
// one.
const VectorRoute* route_of(const Request& request, std::vector<std::string>& values, std::string& allowed) {
  for (const VectorRoute& each : vector_routes()) {
    if (!request.matches(each.path, false, values)) continue;
    if (each.method == request.method) return &each;
    allowed += (allowed.empty() ? "" : ", ") + each.method;
  }
  return nullptr;
}

Outcome no_route(const Request& request, const std::string& allowed) {
  std::vector<std::string> values;
  for (const RefusedRoute& each : refused_routes()) {
    if (each.method == request.method && request.matches(each.path, false, values))
      return refusal(Error(ErrorCode::unsupported,
                           "this operation of Qdrant's is not supported: " + each.reason,
                           {.found = request.method + " " + each.path}));
  }
  if (allowed.empty()) {
    return refusal(Error(
        ErrorCode::not_found, "there is no such operation",
        {.found = request.method + " " + request.path.substr(0, 80), .remedy = "/apidocs lists them."}));
  }
  Outcome outcome = refusal(
      Error(ErrorCode::not_allowed, "this address does not take " + request.method, {.expected = allowed}));
  outcome.response = qdrant_response(outcome, Clock::now());
  outcome.response->headers.emplace_back("Allow", allowed);
  return outcome;
}

}  // namespace

void VectorService::ask(std::shared_ptr<const Request> request, std::shared_ptr<std::atomic<bool>> cancel,
                        std::optional<Clock::time_point> deadline, std::function<void(Outcome)> done) {
  const auto start = Clock::now();
  std::string label = "unknown";
  std::optional<Outcome> refused;
  try {
    std::vector<std::string> values;
    std::string allowed;
    if (const VectorRoute* route = route_of(*request, values, allowed)) {
      label = label_of(*route);
      tokens_.check(*request, route->scope, values.empty() ? "" : values[0]);
      using Kind = VectorRoute::Kind;
      const bool search = route->kind == Kind::search;
      const double patience = patience_of(*request);
      const bool elsewhere = !values.empty() && collections_.sharded(values[0]);
      auto job = std::make_unique<RequestJob>(*this, *route, values, request, std::move(cancel), done, start);
      job->priority = priority_of(*request);
      job->deadline = deadline ? *deadline
                               : deadline_after(start, patience > 0 ? patience
                                                       : search     ? search_seconds_
                                                                    : other_seconds_);
      const bool strict = deadline || patience > 0 || !search || elsewhere;
      job->until = strict ? job->deadline : deadline_after(start, longest_search * search_seconds_);
      if (!elsewhere) job->batch = batch_of(*route, values.empty() ? "" : values[0]);
      if (route->kind == Kind::at_once) {
        job->run();
        return;
      }
      std::unique_ptr<Job> queued = std::move(job);
      if (!(elsewhere ? sharded_ : scheduler_of(route->kind)).submit(queued)) queued->refuse();
      return;
    }
    refused = no_route(*request, allowed);
  } catch (const std::exception& error) {
    refused = refusal(error);
  }
  metrics_.answered(label, refused->status, seconds_since(start));
  done(std::move(*refused));
}

namespace {

struct SearchRoute {
  const VectorRoute& route;
  std::string label;
};

// The route of a search and the values of its path; null for all else.
const SearchRoute* search_route_of(const Request& request, std::vector<std::string>& values) {
  static const std::vector<SearchRoute> searches = [] {
    std::vector<SearchRoute> all;
    for (const VectorRoute& each : vector_routes())
      if (each.kind == VectorRoute::Kind::search) all.push_back({each, label_of(each)});
    return all;
  }();
  for (const SearchRoute& each : searches) {
    if (each.route.method == request.method && request.matches(each.route.path, false, values))
      return &each;
  }
  return nullptr;
}

}  // namespace

bool VectorService::turns_away(const Request& head) {
  const auto start = Clock::now();
  std::vector<std::string> values;
  const SearchRoute* search = search_route_of(head, values);
  if (!search) return false;
  try {
    collections_.find(values[0]);  // those that lie elsewhere have a queue of their own
    const double patience = patience_of(head);
    const auto deadline = deadline_after(start, patience > 0 ? patience : search_seconds_);
    if (!searches_.refuses(priority_of(head), deadline)) return false;
    tokens_.check(head, search->route.scope, values[0]);
  } catch (const Error&) {
    return false;  // there is more to say
  }
  searches_.count_refusal();
  metrics_.answered(search->label, 503, seconds_since(start));
  return true;
}

void VectorService::drain() {
  searches_.drain();
  reads_.drain();
  writes_.drain();
  sharded_.drain();
}

bool VectorService::may_read_all(const Request& request) {
  try {
    tokens_.check(request, Scope::read, "");
    return true;
  } catch (const Error&) {
    return false;
  }
}

std::string VectorService::metrics(bool named) const {
  auto recalls = recall_.totals();
  if (!named) std::erase_if(recalls, [&](const auto& each) { return collections_.contains(each.first); });
  const VectorMetrics::Queues queues = {{"search", searches_.status()},
                                        {"read", reads_.status()},
                                        {"write", writes_.status()},
                                        {"sharded", sharded_.status()}};
  return metrics_.text(named ? &collections_ : nullptr, queues, recalls);
}

}  // namespace cowatch::serve

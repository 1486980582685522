// `cowatch bench vectors`: the server's collections under load over loopback, the load generator on the same
// cores. Requests arrive at a fixed rate whatever the answers take (open loop), and latency counts from the
// moment at which a request was due. Every phase of load ends; recall is that of the served answers against
// exact search, while points are written that of the answers which the server samples.
#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <numeric>
#include <thread>

#include "base/error.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/temporary_folder.h"
#include "base/threads.h"
#include "bench/benchmarks.h"
#include "bench/http_load.h"
#include "bench/server_process.h"
#include "math/vectors.h"
#include "search/collection_set.h"
#include "store/catalogue.h"
#include "store/workspace.h"

namespace cowatch::bench {
namespace {

struct VectorsArguments {
  size_t points = 1'000'000, dim = 128, effort = 0, connections = 256, queries = 2000;
  size_t batch = 32;
  std::string index = "graph";
  double rate = 1000, seconds = 10, writing_seconds = 120, overload = 3, writes = 5000, recall = 0.95, deadline_ms = 8;
  Path folder;  // kept between runs
};

// Points around centres that lie in a subspace: clusters of several sizes and some 24 intrinsic dimensions,
// with a little noise in all.
class Cloud {
 public:
  explicit Cloud(size_t dim) : dim_(dim), basis_(dim * inner_dim) {
    const Random random(13, 0);
    for (uint32_t row = 0; row < dim; ++row)
      for (uint32_t column = 0; column < inner_dim; ++column)
        basis_[row * inner_dim + column] = static_cast<float>(random.normal(row, column));
  }
  void row(uint64_t i, uint32_t stream, std::span<float> values) const {
    const Random random(11, stream);
    const auto cluster = static_cast<uint64_t>(std::pow(random.uniform(i, 0), 2) * 1000);
    std::array<float, inner_dim> inner;
    const Random centres(12, 0);
    for (uint32_t d = 0; d < inner.size(); ++d)
      inner[d] = static_cast<float>(centres.normal(cluster, d) + 0.6 * random.normal(i, d + 1));
    for (uint32_t d = 0; d < dim_; ++d) {
      const float sum = dot(inner, std::span(basis_).subspan(d * inner_dim, inner_dim));
      values[d] = sum + static_cast<float>(0.1 * random.normal(i, 100 + d));
    }
    normalise(values);
  }

 private:
  static constexpr uint32_t inner_dim = 24;
  size_t dim_;
  std::vector<float> basis_;
};

CollectionConfig config_of(const VectorsArguments& options) {
  return {.dimension = options.dim, .index = {.kind = index_kind_of(options.index), .metric = Metric::cosine}};
}

void prepare(const VectorsArguments& options, const Workspace& workspace) {
  CollectionSet set(workspace.file("vectors"));
  if (set.contains("bench")) return set.find("bench")->settle();
  const auto collection = set.create("bench", config_of(options));
  const Cloud cloud(options.dim);
  Progress progress("writing", "points", options.points);
  constexpr size_t batch = 10'000;
  for (size_t begin = 0; begin < options.points; begin += batch) {
    std::vector<PointChange> changes(std::min(batch, options.points - begin));
    parallel_for(changes.size(), 256, [&](size_t from, size_t to) {
      for (size_t i = from; i < to; ++i) {
        changes[i].id = PointId(begin + i);
        changes[i].vector.resize(options.dim);
        cloud.row(begin + i, 1, changes[i].vector);
        changes[i].payload = "{\"shelf\":" + std::to_string((begin + i) % 100) + "}";
      }
    });
    progress.add(changes.size());
    collection->write(std::move(changes));
  }
  collection->settle();
}

// `patient`: answered however long it waits, for what is asked and not timed.
std::string search_request(std::span<const float> vector, size_t effort, bool exact, bool patient) {
  Json body = {{"vector", std::vector<float>(vector.begin(), vector.end())}, {"limit", 10}};
  if (exact) body["params"] = {{"exact", true}};
  if (!exact && effort > 0) body["params"] = {{"hnsw_ef", effort}};
  return http_request("POST", "/collections/bench/points/search" + std::string(patient ? "?timeout=60" : ""),
                      body.dump());
}

std::vector<uint64_t> ids_of(const std::string& body) {
  std::vector<uint64_t> ids;
  const Json answer = Json::parse(body);
  for (const Json& hit : answer["result"]) ids.push_back(hit["id"].get<uint64_t>());
  return ids;
}

double at_share(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())))];
}

// The searches: those of even number choose the effort, the others are measured.
class Queries {
 public:
  explicit Queries(const VectorsArguments& options) : dim_(options.dim), cloud_(options.dim) {
    std::vector<float> vector(dim_);
    for (size_t q = 0; q < options.queries; ++q) {
      cloud_.row(q, 2, vector);
      vectors_.push_back(vector);
    }
  }
  std::vector<std::string> requests(size_t effort) const {
    std::vector<std::string> all;
    for (size_t q = 1; q < vectors_.size(); q += 2) all.push_back(search_request(vectors_[q], effort, false, false));
    return all;
  }
  // The share of the ten nearest that the search finds, over 200 of the even or odd queries.
  double recall(HttpLoad& load, size_t effort, size_t parity) {
    size_t found = 0, wanted = 0;
    std::string body;
    for (size_t q = parity; q < std::min<size_t>(400, vectors_.size()); q += 2) {
      auto& truth = truths_[q];
      if (truth.empty()) truth = answer(load, search_request(vectors_[q], 0, true, true));
      const auto got = answer(load, search_request(vectors_[q], effort, false, true));
      wanted += truth.size();
      for (const uint64_t id : truth) found += std::find(got.begin(), got.end(), id) != got.end();
    }
    return static_cast<double>(found) / static_cast<double>(wanted);
  }

 private:
  static std::vector<uint64_t> answer(HttpLoad& load, const std::string& request) {
    std::string body;
    if (load.ask(request, body).status != 200)
      throw Error(ErrorCode::system, "a search failed", {.found = body});
    return ids_of(body);
  }
  size_t dim_;
  Cloud cloud_;
  std::vector<std::vector<float>> vectors_;
  std::map<size_t, std::vector<uint64_t>> truths_;
};

// Points are replaced at a steady rate, in batches, over a connection of its own: those of even number, one after another
// in an order that jumps about, so that no segment is spared and half of them are in the end.
class Writer {
 public:
  Writer(const VectorsArguments& options, uint16_t port)
      : half_(std::max<size_t>(1, options.points / 2)), cloud_(options.dim), vector_(options.dim), load_(port, 1) {
    while (std::gcd(step_, half_) != 1) ++step_;
    thread_ = std::jthread([this, every = batch / options.writes](const std::stop_token& stop) {
      const double start = seconds_now();
      std::string body;
      for (size_t b = 0; !stop.stop_requested(); ++b) {
        const std::string request = batch_request(b);
        const double due = start + static_cast<double>(b) * every;
        if (const double early = due - seconds_now(); early > 0)
          std::this_thread::sleep_for(std::chrono::duration<double>(early));
        written_ += load_.ask(request, body).status == 200 ? batch : 0;
      }
    });
  }
  size_t stop() {
    thread_.request_stop();
    thread_.join();
    return written_;
  }

 private:
  static constexpr size_t batch = 100;
  // Written without a JSON library, which would take more of the cores than the server does.
  std::string batch_request(size_t b) {
    std::string points;
    for (uint64_t i = b * batch; i < (b + 1) * batch; ++i) {
      cloud_.row(i, 3, vector_);
      points += (points.empty() ? "{\"id\":" : ",{\"id\":") + std::to_string(i * step_ % half_ * 2) + ",\"vector\":[";
      for (const float number : vector_) {
        char text[24];
        points.append(text, std::to_chars(text, text + sizeof text, number).ptr) += ',';
      }
      points.back() = ']';
      points += ",\"payload\":{\"shelf\":" + std::to_string(i % 100) + "}}";
    }
    return http_request("PUT", "/collections/bench/points", "{\"points\":[" + points + "]}");
  }
  size_t half_, step_ = 7919;
  Cloud cloud_;
  std::vector<float> vector_;
  HttpLoad load_;
  size_t written_ = 0;
  std::jthread thread_;
};

// What the server counted of the collection until now.
struct Counted {
  double found = 0, wanted = 0;                // neighbours, of the searches whose recall it sampled
  double written = 0, merged = 0, indexed = 0, grown = 0;  // segments
};

Counted counted(HttpLoad& load) {
  std::string text;
  if (load.ask(http_request("GET", "/metrics", ""), text).status != 200)
    throw Error(ErrorCode::system, "the server does not say what it counted", {.found = text});
  const auto value = [&](const std::string& name, const std::string& more = "") {
    const std::string begin = "\ncowatch_vectors_" + name + "{collection=\"bench\"" + more + "} ";
    const size_t at = text.find(begin);
    return at == text.npos ? 0.0 : std::strtod(text.c_str() + at + begin.size(), nullptr);
  };
  return {value("recall_found_total"), value("recall_wanted_total"), value("segments_total", ",work=\"written\""),
          value("segments_total", ",work=\"merged\""), value("segments_total", ",work=\"indexed\""),
          value("segments_total", ",work=\"grown\"")};
}

struct Phase {
  const char* name;
  double rate, seconds, recall, capacity;
  size_t effort, written = 0;
  Counted work = {};  // in the background, meanwhile
};

void add_row(Report& report, const Phase& phase, const std::vector<LoadSample>& samples,
             const VectorsArguments& options) {
  std::vector<double> served, refused, lag;
  size_t failed = 0;
  for (const LoadSample& sample : samples) {
    lag.push_back(sample.lag * 1000);
    if (sample.status == 200)
      served.push_back(sample.seconds * 1000);
    else if (sample.status == 503)
      refused.push_back(sample.seconds * 1000);
    else
      ++failed;
  }
  report.add_row({{"phase", phase.name},
                  {"points", options.points},
                  {"dim", options.dim},
                  {"effort", phase.effort},
                  {"recall@10", phase.recall},
                  {"capacity_qps", phase.capacity},
                  {"offered_qps", phase.rate},
                  {"served_qps", static_cast<double>(served.size()) / phase.seconds},
                  {"refused_qps", static_cast<double>(refused.size()) / phase.seconds},
                  {"failed", failed},
                  {"served_p50_ms", at_share(served, 0.5)},
                  {"served_p99_ms", at_share(served, 0.99)},
                  {"refused_p50_ms", at_share(refused, 0.5)},
                  {"refused_p99_ms", at_share(refused, 0.99)},
                  {"lag_p50_ms", at_share(lag, 0.5)},
                  {"lag_p99_ms", at_share(lag, 0.99)},
                  {"written_per_second", static_cast<double>(phase.written) / phase.seconds},
                  {"segments_written", phase.work.written},
                  {"segments_merged", phase.work.merged},
                  {"segments_indexed", phase.work.indexed},
                  {"segments_grown", phase.work.grown}});
}

size_t choose_effort(const VectorsArguments& options, Queries& queries, HttpLoad& load) {
  if (options.effort > 0) return options.effort;
  for (const size_t effort : {8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512}) {
    const double recall = queries.recall(load, effort, 0);
    std::fprintf(stderr, "effort %zu: recall %.4f\n", effort, recall);
    if (recall >= options.recall) return effort;
  }
  throw Error(ErrorCode::system, "no effort reaches the recall",
              {.expected = std::to_string(options.recall)});
}

// The first answer after the process's start, and what it holds then: memory that maps files counts as far as
// it was read.
void measure_start(const Workspace& workspace, const VectorsArguments& options, Report& report) {
  const ServerProcess server(workspace.folder());
  std::string body;
  VectorsArguments few = options;
  few.queries = 2;
  Queries queries(few);
  HttpLoad load(server.port(), 1);
  const auto first = load.ask(queries.requests(0)[0], body);
  const double answered = seconds_now() - server.started_at();
  const CollectionBytes bytes = predict_bytes(config_of(options), options.points);
  const double foreseen = static_cast<double>(bytes.indexes + bytes.segments + bytes.tables) / (1 << 20);
  std::printf(
      "listening after %.3f s, first answer (status %d) %.3f s after the process's start; resident %.0f MiB, of it "
      "%.0f MiB of its own; foreseen %.0f MiB\n",
      server.start_seconds(), first.status, answered, server.mib("Rss"), server.mib("Anonymous"), foreseen);
  report.settings["foreseen_mib"] = foreseen;
  report.settings["listening_s"] = server.start_seconds();
  report.settings["first_answer_s"] = answered;
  report.settings["start_rss_mib"] = server.mib("Rss");
  report.settings["start_anonymous_mib"] = server.mib("Anonymous");
}

void run_vectors(const VectorsArguments& options, Report& report) {
  report.settings = {{"points", options.points},
                     {"deadline_ms", options.deadline_ms},
                     {"dim", options.dim},
                     {"connections", options.connections},
                     {"seconds", options.seconds}};
  const TemporaryFolder temporary;
  const Workspace workspace =
      Workspace::open_or_create(options.folder.empty() ? temporary.path() / "ws" : options.folder);
  Catalogue(workspace.catalogue(), Catalogue::Mode::write);
  prepare(options, workspace);
  measure_start(workspace, options, report);
  const ServerProcess server(workspace.folder(),
                             {"--set", "vectors.deadline_ms=" + std::to_string(options.deadline_ms), "--set",
                              "vectors.batch=" + std::to_string(options.batch)});
  Queries queries(options);
  HttpLoad load(server.port(), options.connections);
  const size_t effort = choose_effort(options, queries, load);
  const double recall = queries.recall(load, effort, 1);
  const auto requests = queries.requests(effort);
  load.at_rate(requests, 200, 1);
  const double capacity = load.capacity(requests, 16, std::min(options.seconds, 5.0));
  const auto phase = [&](const char* name, double rate) {
    return Phase{name, rate, options.seconds, recall, capacity, effort};
  };
  add_row(report, phase("quiet", options.rate), load.at_rate(requests, options.rate, options.seconds),
          options);
  const double high = options.overload * capacity;
  add_row(report, phase("overload", high), load.at_rate(requests, high, options.seconds), options);
  if (options.writes > 0) {
    Phase writing = phase("writing", options.rate);
    writing.seconds = options.writing_seconds;
    const Counted before = counted(load);
    Writer writer(options, server.port());
    const auto samples = load.at_rate(requests, writing.rate, writing.seconds);
    writing.written = writer.stop();
    const Counted after = counted(load);
    writing.recall = (after.found - before.found) / std::max(1.0, after.wanted - before.wanted);
    writing.work = {0, 0, after.written - before.written, after.merged - before.merged, after.indexed - before.indexed,
                    after.grown - before.grown};
    add_row(report, writing, samples, options);
  }
}

std::function<void(Report&)> configure_vectors(CommandLine app) {
  auto options = std::make_shared<VectorsArguments>();
  const Flags add(app);
  add("--points", options->points, "points of the collection");
  add("--dim", options->dim, "numbers of a vector");
  add("--effort", options->effort, "candidates kept while searching; 0: the least that reaches --recall");
  add("--index", options->index, "graph, ivf or exact; of a collection that is made now");
  add("--batch", options->batch, "the server's: most searches that share a pass where no index is");
  add("--connections", options->connections, "of the load generator");
  add("--rate", options->rate, "requests a second in the quiet phase");
  add("--seconds", options->seconds, "length of a phase");
  add("--writing-seconds", options->writing_seconds, "length of the phase of writing; recall is what the server samples in it");
  add("--overload", options->overload, "times the capacity in the phase of overload");
  add("--writes", options->writes, "points replaced a second in the phase of writing; 0: no such phase");
  add("--deadline-ms", options->deadline_ms, "the server's: what would wait longer is refused");
  add("--recall", options->recall, "what the effort is chosen for, on other queries than are measured");
  app.add_option("--folder", options->folder, "keep the workspace here, and use the one that is there");
  return [options](Report& report) { run_vectors(*options, report); };
}

}  // namespace

Benchmark vectors_benchmark() {
  return {"vectors", "the server's collections under load over loopback", "--points 1000000", configure_vectors};
}

}  // namespace cowatch::bench

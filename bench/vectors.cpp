// `cowatch bench vectors`: the server's collections under load over loopback, the load generator on the same
// cores. Requests arrive at a fixed rate whatever the answers take (open loop), and latency counts from the moment
// at which a request was due. Every phase of load ends; recall is that of the served answers against exact search.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/threads.h"
#include "bench/benchmarks.h"
#include "bench/temporary_folder.h"
#include "math/vectors.h"
#include "search/collection_set.h"
#include "store/catalogue.h"
#include "store/workspace.h"

namespace cowatch::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Options {
  size_t points = 1'000'000, dim = 128, effort = 0, connections = 64, queries = 2000;
  double rate = 1000, seconds = 10, overload = 3;
  Path folder;  // kept between runs
};

// Points around centres that lie in a subspace: clusters of several sizes and some 24 intrinsic dimensions, with
// a little noise in all.
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

void prepare(const Options& options, const Workspace& workspace) {
  CollectionSet set(workspace.file("vectors"));
  if (set.contains("bench")) return;
  const auto collection = set.create("bench", {.dimension = options.dim, .metric = Metric::cosine, .table_points = 65536});
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

class ServerProcess {
 public:
  explicit ServerProcess(const Path& workspace) {
    int ends[2];
    if (pipe(ends) != 0) throw_system_error("make", "a pipe");
    const std::string program = (program_folder() / "cowatch").string(), folder = workspace.string();
    const double start = seconds_now();
    child_ = fork();
    if (child_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      execl(program.c_str(), "cowatch", "serve", folder.c_str(), "--port", "0", nullptr);
      _exit(127);
    }
    close(ends[1]);
    std::string line;
    for (char c = 0; read(ends[0], &c, 1) == 1 && line.find("127.0.0.1:") == line.npos;) line += c;
    std::string digits;
    for (char c = 0; read(ends[0], &c, 1) == 1 && std::isdigit(static_cast<unsigned char>(c));) digits += c;
    close(ends[0]);
    start_seconds_ = seconds_now() - start;
    const std::string text = line.substr(std::min(line.size(), line.rfind(':') + 1)) + digits;
    if (text.empty()) throw Error(ErrorCode::system, "the server did not start");
    port_ = static_cast<uint16_t>(std::stoi(text));
  }
  ~ServerProcess() {
    kill(child_, SIGTERM);
    waitpid(child_, nullptr, 0);
  }
  uint16_t port() const { return port_; }
  double start_seconds() const { return start_seconds_; }

 private:
  pid_t child_;
  uint16_t port_ = 0;
  double start_seconds_ = 0;
};

class Connection {
 public:
  explicit Connection(uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    const int one = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) throw_system_error("connect", "loopback");
  }
  Connection(const Connection&) = delete;
  ~Connection() { close(socket_); }
  // The status; the body is left in `body`.
  int ask(const std::string& request, std::string& body) {
    for (size_t at = 0; at < request.size();) {
      const ssize_t sent = send(socket_, request.data() + at, request.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return 0;
      at += static_cast<size_t>(sent);
    }
    std::string text;
    char bytes[16384];
    size_t head = text.npos, whole = text.npos;
    while (text.size() < whole) {
      const ssize_t got = recv(socket_, bytes, sizeof bytes, 0);
      if (got <= 0) return 0;
      text.append(bytes, static_cast<size_t>(got));
      if (head != text.npos || (head = text.find("\r\n\r\n")) == text.npos) continue;
      whole = head + 4 + std::stoul(text.substr(text.find("Content-Length: ") + 16));
    }
    body = text.substr(head + 4);
    return std::stoi(text.substr(9, 3));
  }

 private:
  int socket_;
};

std::string search_request(std::span<const float> vector, size_t effort, bool exact) {
  Json body = {{"vector", std::vector<float>(vector.begin(), vector.end())}, {"limit", 10}};
  if (exact) body["params"] = {{"exact", true}};
  if (!exact && effort > 0) body["params"] = {{"hnsw_ef", effort}};
  const std::string text = body.dump();
  return "POST /collections/bench/points/search" + std::string(exact ? "?timeout=60" : "") +
         " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(text.size()) + "\r\n\r\n" + text;
}

std::vector<uint64_t> ids_of(const std::string& body) {
  std::vector<uint64_t> ids;
  for (const Json& hit : Json::parse(body)["result"]) ids.push_back(hit["id"].get<uint64_t>());
  return ids;
}

struct Sample {
  double seconds = 0;
  int status = 0;
};

double at_share(std::vector<double>& values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())))];
}

class Load {
 public:
  Load(const Options& options, uint16_t port) : options_(options), port_(port) {
    const Cloud cloud(options.dim);
    std::vector<float> vector(options.dim);
    for (size_t q = 0; q < options.queries; ++q) {
      cloud.row(q, 2, vector);
      requests_.push_back(search_request(vector, options.effort, false));
      if (q < 100) exact_.push_back(search_request(vector, 0, true));
    }
  }

  double recall() const {
    Connection connection(port_);
    size_t found = 0, wanted = 0;
    std::string body;
    for (size_t q = 0; q < exact_.size(); ++q) {
      if (connection.ask(exact_[q], body) != 200) throw Error(ErrorCode::system, "an exact search failed: " + body);
      const auto truth = ids_of(body);
      if (connection.ask(requests_[q], body) != 200) throw Error(ErrorCode::system, "a search failed: " + body);
      const auto answer = ids_of(body);
      wanted += truth.size();
      for (const uint64_t id : truth) found += std::find(answer.begin(), answer.end(), id) != answer.end();
    }
    return static_cast<double>(found) / static_cast<double>(wanted);
  }

  // Requests at `rate`; each connection takes the next one due. What is behind by more than all connections can
  // carry shows as latency, since it counts from when it was due.
  std::vector<Sample> run(double rate, double seconds) const {
    const auto count = static_cast<size_t>(rate * seconds);
    std::vector<Sample> samples(count);
    std::atomic<size_t> next{0};
    const auto start = Clock::now() + std::chrono::milliseconds(20);
    std::vector<std::jthread> threads;
    for (size_t c = 0; c < options_.connections; ++c) {
      threads.emplace_back([&] {
        Connection connection(port_);
        std::string body;
        for (size_t i; (i = next++) < count;) {
          const auto due = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(static_cast<double>(i) / rate));
          std::this_thread::sleep_until(due);
          samples[i].status = connection.ask(requests_[i % requests_.size()], body);
          samples[i].seconds = std::chrono::duration<double>(Clock::now() - due).count();
        }
      });
    }
    threads.clear();
    return samples;
  }

  // As many as the connections can have under way, one after the other: what the machine can do.
  double capacity(double seconds) const {
    std::atomic<size_t> served{0};
    const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
    std::vector<std::jthread> threads;
    for (size_t c = 0; c < 8; ++c) {
      threads.emplace_back([&, c] {
        Connection connection(port_);
        std::string body;
        for (size_t i = c; Clock::now() < end; i += 8) served += connection.ask(requests_[i % requests_.size()], body) == 200;
      });
    }
    threads.clear();
    return static_cast<double>(served) / seconds;
  }

 private:
  Options options_;
  uint16_t port_;
  std::vector<std::string> requests_, exact_;
};

void add_row(Report& report, const char* phase, double rate, double seconds, const std::vector<Sample>& samples, double recall,
             const Options& options, double capacity) {
  std::vector<double> served, refused;
  size_t failed = 0;
  for (const Sample& sample : samples) {
    if (sample.status == 200) served.push_back(sample.seconds * 1000);
    else if (sample.status == 503) refused.push_back(sample.seconds * 1000);
    else ++failed;
  }
  report.add_row({{"phase", phase},
                  {"points", options.points},
                  {"dim", options.dim},
                  {"offered_qps", rate},
                  {"served_qps", static_cast<double>(served.size()) / seconds},
                  {"refused_qps", static_cast<double>(refused.size()) / seconds},
                  {"failed", failed},
                  {"served_p50_ms", at_share(served, 0.5)},
                  {"served_p99_ms", at_share(served, 0.99)},
                  {"refused_p50_ms", at_share(refused, 0.5)},
                  {"recall@10", recall},
                  {"capacity_qps", capacity}});
}

void run(const Options& options, Report& report) {
  report.settings = {{"points", options.points}, {"dim", options.dim}, {"effort", options.effort},
                     {"connections", options.connections}, {"seconds", options.seconds}};
  const TemporaryFolder temporary;
  const Workspace workspace = Workspace::open_or_create(options.folder.empty() ? temporary.path() / "ws" : options.folder);
  Catalogue(workspace.catalogue(), Catalogue::Mode::write);
  prepare(options, workspace);
  const ServerProcess server(workspace.folder());
  const Load load(options, server.port());
  std::string body;
  const double start = seconds_now();
  load.run(10, 0.1);
  std::printf("the server listened after %.2f s, first answers %.2f s later\n", server.start_seconds(), seconds_now() - start);
  const double recall = load.recall();
  const double capacity = load.capacity(std::min(options.seconds, 5.0));
  add_row(report, "quiet", options.rate, options.seconds, load.run(options.rate, options.seconds), recall, options, capacity);
  const double high = options.overload * capacity;
  add_row(report, "overload", high, options.seconds, load.run(high, options.seconds), recall, options, capacity);
}

std::function<void(Report&)> configure(CLI::App& app) {
  auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, auto& value, const char* meaning) {
    app.add_option(name, value, meaning)->capture_default_str();
  };
  add("--points", options->points, "points of the collection");
  add("--dim", options->dim, "numbers of a vector");
  add("--effort", options->effort, "candidates kept while searching; 0: the index's default");
  add("--connections", options->connections, "of the load generator");
  add("--rate", options->rate, "requests a second in the quiet phase");
  add("--seconds", options->seconds, "length of a phase");
  add("--overload", options->overload, "times the capacity in the phase of overload");
  app.add_option("--folder", options->folder, "keep the workspace here, and use the one that is there");
  return [options](Report& report) { run(*options, report); };
}

}  // namespace

Benchmark vectors_benchmark() {
  return {"vectors", "the server's collections under load over loopback", configure};
}

}  // namespace cowatch::bench

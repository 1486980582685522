// `cowatch bench serve`: starts the server on a workspace and asks it over loopback, as a page does. Each
// question is asked by one and by several connections at once; `live`, which only says that the process
// lives, is what HTTP alone costs.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "base/random.h"
#include "base/threads.h"
#include "bench/benchmarks.h"
#include "bench/connection.h"
#include "bench/server_process.h"
#include "store/catalogue.h"
#include "store/workspace.h"

namespace cowatch::bench {
namespace {

struct ServeArguments {
  Path workspace;
  int connections = 4;
  double seconds = 5;
  std::vector<std::string> questions = {"live", "item", "wall", "popular", "latest", "words", "related"};
};

// Anything but 200 is an error.
void get(Connection& connection, const std::string& target) {
  const std::string answer = connection.ask(target);
  if (status_of(answer) != 200)
    throw Error(ErrorCode::internal, "the server refused", {.where = target, .found = answer.substr(0, 200)});
}

std::string encoded(const std::string& id) {
  std::string text;
  char hex[4];
  for (const char c : id) {
    std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned char>(c));
    text += std::isalnum(static_cast<unsigned char>(c)) ? std::string(1, c) : hex;
  }
  return text;
}

// Addresses of one kind of question, about videos drawn at random.
std::vector<std::string> questions(const std::string& what, const Catalogue& catalogue) {
  const Random random(1, 0x73727665);
  const auto videos = catalogue.item_count();
  std::vector<std::string> targets;
  for (uint32_t i = 0; i < 2000; ++i) {
    const auto index = static_cast<uint32_t>(random.below(videos, 0, i));
    if (what == "live") targets.emplace_back("/api/health/live");
    if (what == "related")
      targets.push_back("/api/item-to-item/related/" + encoded(catalogue.item(index)->id) + "?n=24");
    if (what == "item") targets.push_back("/api/item/" + encoded(catalogue.item(index)->id));
    if (what == "wall") targets.push_back("/api/items?n=24&cursor=" + std::to_string(index));
    if (what == "popular" || what == "latest")
      targets.push_back("/api/" + what + "?n=24&offset=" + std::to_string(index));
    if (what == "words") {
      std::istringstream title(catalogue.item(index)->title);
      std::string word = "a";
      title >> word;
      targets.push_back("/api/items?n=24&query=" + encoded(word));
    }
  }
  return targets;
}

// Milliseconds of every answer within the time.
std::vector<double> load(uint16_t port, const std::vector<std::string>& targets, int connections,
                         double seconds) {
  std::vector<std::vector<double>> taken(static_cast<size_t>(connections));
  std::vector<std::jthread> askers;
  for (size_t asker = 0; asker < taken.size(); ++asker) {
    askers.emplace_back([&, asker] {
      Connection connection(port);
      const double until = seconds_now() + seconds;
      for (size_t i = asker * 97; seconds_now() < until; ++i) {
        const double start = seconds_now();
        get(connection, targets[i % targets.size()]);
        taken[asker].push_back(1e3 * (seconds_now() - start));
      }
    });
  }
  askers.clear();
  std::vector<double> all;
  for (const auto& list : taken) all.insert(all.end(), list.begin(), list.end());
  std::sort(all.begin(), all.end());
  return all;
}

double percentile(const std::vector<double>& sorted, double share) {
  return sorted.empty() ? 0
                        : sorted[std::min(sorted.size() - 1,
                                          static_cast<size_t>(share * static_cast<double>(sorted.size())))];
}

void run_serve(const ServeArguments& options, Report& report) {
  const Workspace workspace = Workspace::open(options.workspace, Workspace::Access::read);
  const Catalogue catalogue(workspace.catalogue(), Catalogue::Mode::read);
  report.settings = {
      {"videos", catalogue.item_count()}, {"connections", options.connections}, {"seconds", options.seconds}};
  const ServerProcess server(options.workspace, {"--threads", std::to_string(threads())});
  report.add_row({{"what", "start"},
                  {"connections", 0},
                  {"p50_ms", 1e3 * server.start_seconds()},
                  {"p99_ms", 1e3 * server.start_seconds()},
                  {"qps", 0},
                  {"rss_mib", server.mib("Rss")},
                  {"pss_mib", server.mib("Pss")}});
  for (const std::string& what : options.questions) {
    const auto targets = questions(what, catalogue);
    load(server.port(), targets, 1, options.seconds / 5);  // pages come in
    for (const int connections : {1, options.connections}) {
      const auto taken = load(server.port(), targets, connections, options.seconds);
      report.add_row({{"what", what},
                      {"connections", connections},
                      {"p50_ms", percentile(taken, 0.5)},
                      {"p99_ms", percentile(taken, 0.99)},
                      {"qps", static_cast<double>(taken.size()) / options.seconds},
                      {"rss_mib", server.mib("Rss")},
                      {"pss_mib", server.mib("Pss")}});
    }
  }
}

std::function<void(Report&)> configure_serve(CommandLine app) {
  auto options = std::make_shared<ServeArguments>();
  app.add_option("WS", options->workspace, "a workspace that `cowatch run` has finished").required();
  const Flags add(app);
  add("--connections", options->connections, "that ask at once").between(1, 256);
  add.positive("--seconds", options->seconds, "of each measurement");
  add("--questions", options->questions, "which to ask")
      .one_of({"live", "item", "wall", "popular", "latest", "words", "related"});
  return [options](Report& report) { run_serve(*options, report); };
}

}  // namespace

Benchmark serve_benchmark() {
  return {"serve", "the server's answers over loopback: time, rate, memory", "WS", configure_serve};
}

}  // namespace cowatch::bench

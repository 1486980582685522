// `cowatch bench tree`: affinity clustering of a power-law graph in memory, against scipy's minimum spanning
// tree with one cut into components for each round, which is how one would cluster by maximum linkage there.
//
// Every measurement is a process of its own that makes or reads the same edges; engines take turns. cowatch
// is timed from edges in memory, in random order, to the finished tree; scipy from a ready matrix.
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <memory>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "base/temporary_folder.h"
#include "base/threads.h"
#include "bench/benchmarks.h"
#include "bench/raw_numbers.h"
#include "graph/buffer.h"
#include "graph/tree.h"

namespace cowatch::bench {
namespace {

struct TreeOptions {
  uint64_t edges = 10'000'000;
  double edges_per_video = 10;
  std::string linkage = "all";
  int rounds = 4;
  int repeats = 1;
  uint64_t peer_edges = 10'000'000;
  uint64_t seed = 1;
  bool peer = true;
  bool measure = false;  // set in the processes that measure
};

constexpr size_t edge_grain = size_t{1} << 16;

// Ends fall with the power 0.6 of their rank (so degrees have a power-law tail of exponent 2.7), ranks are
// scattered over the ids, weights are uniform in (0, 1]. A loop moves its second end on by one; parallel
// edges stay.
std::vector<Edge> generate(const TreeOptions& options) {
  constexpr double power = 0.6;
  const auto videos = static_cast<uint64_t>(static_cast<double>(options.edges) / options.edges_per_video) + 2;
  uint64_t multiplier = 0x9E3779B1;
  while (std::gcd(multiplier, videos) != 1) ++multiplier;
  const Random random(options.seed, 1);
  const auto end_of = [&](uint32_t word) {
    const double rank = std::pow((word + 0.5) * 0x1p-32, 1 / (1 - power)) * static_cast<double>(videos);
    return static_cast<uint32_t>(static_cast<uint64_t>(rank) * multiplier % videos);
  };
  std::vector<Edge> edges;
  edges.reserve(options.edges);
  advise_huge_pages(edges.data(), options.edges * sizeof(Edge));
  edges.resize(options.edges);
  parallel_for(edges.size(), edge_grain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i != end; ++i) {
      const auto words = random.words(i, 0);
      Edge& edge = edges[i];
      edge = {end_of(words[0]), end_of(words[1]), static_cast<float>((words[2] >> 8) + 1) * 0x1p-24F};
      if (edge.u == edge.v) edge.v = static_cast<uint32_t>((edge.v + 1) % videos);
    }
  });
  return edges;
}

size_t video_count(const std::vector<Edge>& edges) {
  uint32_t last = 0;
  for (const Edge& edge : edges) last = std::max({last, edge.u, edge.v});
  return last + size_t{1};
}

// What all threads of this process have used.
double core_seconds() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void measure(const TreeOptions& options) {
  std::vector<Edge> edges = generate(options);
  const size_t videos = video_count(edges);
  TreeSettings settings{.linkage = *linkage_named(options.linkage), .rounds = options.rounds};
  const double start = seconds_now(), core_start = core_seconds();
  const AffinityTree tree = build_tree(videos, std::move(edges), settings);
  const double seconds = seconds_now() - start, of_cores = core_seconds() - core_start;
  Json row = {{"engine", "cowatch"},      {"linkage", options.linkage},
              {"edges", options.edges},   {"seconds", seconds},
              {"core_seconds", of_cores}, {"edges_per_s", static_cast<double>(options.edges) / seconds},
              {"videos", videos}};
  for (size_t round = 1; round <= tree.rounds(); ++round)
    row["clusters_" + std::to_string(round)] = tree.clusters(round);
  print_measurement(row);
}

Json run_scipy(const TreeOptions& options) {
  TreeOptions sized = options;
  sized.edges = std::min(options.edges, options.peer_edges);
  TemporaryFolder folder;
  {
    const std::vector<Edge> edges = generate(sized);
    write_numbers<Edge>(folder.path() / "edges", edges);
  }
  Json row = run_peer("tree_scipy", {folder.path().string(), std::to_string(options.rounds)});
  row["edges_per_s"] = row["edges"].get<double>() / row["seconds"].get<double>();
  return row;
}

// Bytes that four rounds must at least move with maximum linkage: the edges read once, and read and written
// once a round.
double least_seconds(const TreeOptions& options, double bytes_per_second) {
  return static_cast<double>(options.edges) * sizeof(Edge) * (1 + 2.0 * options.rounds) / bytes_per_second;
}

// Reading rate of all threads together, of an array far larger than any cache.
double memory_bandwidth() {
  constexpr size_t words = size_t{1} << 26;
  const std::vector<uint64_t> numbers(words, 1);
  double best = 0;
  for (int turn = 0; turn != 3; ++turn) {
    std::vector<uint64_t> sums((words >> 16) + 1, 0);
    const double start = seconds_now();
    parallel_for(words, size_t{1} << 16, [&](size_t begin, size_t end) {
      uint64_t sum = 0;
      for (size_t i = begin; i != end; ++i) sum += numbers[i];
      sums[begin >> 16] = sum;
    });
    const double seconds = seconds_now() - start;
    if (std::accumulate(sums.begin(), sums.end(), uint64_t{0}) == words) {
      best = std::max(best, static_cast<double>(words) * sizeof(uint64_t) / seconds);
    }
  }
  return best;
}

double best_rate(const Report& report, std::string_view engine, std::string_view linkage) {
  double best = 0;
  for (const Json& row : report.rows()) {
    if (row["engine"] == engine && row["linkage"] == linkage)
      best = std::max(best, row["edges_per_s"].get<double>());
  }
  return best;
}

void print_distances(const TreeOptions& options, const std::vector<std::string>& linkages,
                     double limit_seconds, const Report& report) {
  const double limit = static_cast<double>(options.edges) / limit_seconds;
  const double peer = options.peer ? best_rate(report, "scipy", "maximum") : 0;
  for (const std::string& linkage : linkages) {
    const double rate = best_rate(report, "cowatch", linkage);
    std::printf("%s: %.1f times the limit", linkage.c_str(), limit / rate);
    if (peer > 0) std::printf(", %.1f times the speed of scipy's maximum", rate / peer);
    if (peer > 0 && options.peer_edges < options.edges)
      std::printf(" by edges a second: scipy had %llu edges, not %llu",
                  static_cast<unsigned long long>(options.peer_edges),
                  static_cast<unsigned long long>(options.edges));
    std::printf("\n");
  }
}

void run_tree(const TreeOptions& options, Report& report) {
  if (options.linkage != "all" && !linkage_named(options.linkage)) {
    throw Error(ErrorCode::bad_argument, "no such linkage",
                {.where = "--linkage",
                 .expected = "maximum, average, sum, minimum, sparsity or all",
                 .found = "'" + options.linkage + "'",
                 .remedy = ""});
  }
  if (options.measure) return measure(options);
  const double bandwidth = memory_bandwidth(), limit = least_seconds(options, bandwidth);
  report.settings = {{"edges", options.edges},   {"edges_per_video", options.edges_per_video},
                     {"rounds", options.rounds}, {"seed", options.seed},
                     {"gbps", bandwidth / 1e9},  {"limit_seconds", limit}};
  if (options.peer) report.settings["peer_edges"] = std::min(options.edges, options.peer_edges);
  std::cout << "limit " << limit << " s (edges read once and passed through once a round at "
            << bandwidth / 1e9 << " GB/s)" << std::endl;
  const std::vector<std::string> linkages = options.linkage == "all"
                                                ? std::vector<std::string>{"maximum", "average"}
                                                : std::vector<std::string>{options.linkage};
  for (int repeat = 0; repeat != options.repeats; ++repeat) {
    for (const std::string& linkage : linkages) {
      report.add_row(
          run_self({"bench", "tree", "--measure", "--edges", std::to_string(options.edges), "--linkage",
                    linkage, "--edges-per-video", std::to_string(options.edges_per_video), "--rounds",
                    std::to_string(options.rounds), "--seed", std::to_string(options.seed)}));
    }
    if (options.peer) report.add_row(run_scipy(options));
  }
  print_distances(options, linkages, limit, report);
}

}  // namespace

Benchmark tree_benchmark() {
  return {
      "tree", "affinity clustering of a power-law graph, against scipy's spanning tree", "--edges 10000000", [](CommandLine app) {
        const auto options = std::make_shared<TreeOptions>();
        const Flags add(app);
        add.positive("--edges", options->edges, "edges of the graph");
        add.positive("--edges-per-video", options->edges_per_video, "edges for each video");
        add("--linkage", options->linkage, "maximum, average, sum, minimum, sparsity; all: the first two");
        add("--rounds", options->rounds, "rounds of clustering").between(1, most_tree_rounds);
        add.positive("--repeats", options->repeats, "turns of each engine");
        add.positive("--peer-edges", options->peer_edges, "most edges given to scipy; rates are compared");
        add("--seed", options->seed, "of the graph");
        app.add_flag("!--no-peer", options->peer, "leave scipy out");
        app.add_flag("--measure", options->measure, "measure cowatch alone in this process").hidden();
        return std::function<void(Report&)>([options](Report& report) { run_tree(*options, report); });
      }};
}

}  // namespace cowatch::bench

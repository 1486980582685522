// `cowatch bench pairs`: co-watch pairs from a generated watch log, against the sparse product of scipy.
//
// Both engines read the same files, each in a process of its own, so that its peak memory is its own, and
// take turns. cowatch is timed from watches in memory to the last pair with at least min_people; scipy is
// timed for the product alone, from a ready matrix: taking the upper triangle and dropping rare pairs come on
// top. The limit is what a plain loop of as many increments takes. Engines that count differently end the
// run.
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "base/temporary_folder.h"
#include "base/threads.h"
#include "bench/benchmarks.h"
#include "bench/pair_counts.h"
#include "bench/raw_numbers.h"
#include "graph/pairs.h"

namespace cowatch::bench {
namespace {

struct PairsOptions {
  uint64_t watches = 2'000'000;
  uint32_t videos = 200'000;
  uint32_t max_watches = 500;
  uint32_t min_people = 2;
  std::vector<uint64_t> memory_limits_mib = {4096};  // one after another
  int repeats = 1;
  uint64_t seed = 1;
  bool peer = true;
  Path log;  // set in the processes that measure
};

// A watch log by person: person p watched items[begins[p]] … items[begins[p + 1]], each once.
struct WatchLog {
  std::vector<uint64_t> begins{0};
  std::vector<uint32_t> items;
};

// People watch a log-normal number of videos (median 25, spread 1, cut at max_watches); a video's popularity
// falls with the power 0.8 of its rank, and ranks are scattered over the ids.
WatchLog generate(const PairsOptions& options) {
  constexpr double median = 25, spread = 1, popularity_power = 0.8;
  const Random lengths(options.seed, 1), picks(options.seed, 2);
  uint64_t multiplier = 0x9E3779B1;
  while (std::gcd(multiplier, uint64_t{options.videos}) != 1) ++multiplier;
  WatchLog log;
  std::vector<uint32_t> own;
  for (uint64_t person = 0; log.items.size() < options.watches; ++person) {
    const double length = median * std::exp(spread * lengths.normal(person, 0));
    const auto most =
        std::min<uint64_t>({options.max_watches, options.watches - log.items.size(), options.videos});
    const auto count = std::clamp<uint64_t>(static_cast<uint64_t>(length), 1, most);
    own.clear();
    for (uint32_t draw = 0; own.size() < count && draw < 4 * count + 16; ++draw) {
      // The inverse of the distribution function of rank^-power.
      const double rank = std::pow(picks.uniform(person, draw), 1 / (1 - popularity_power)) * options.videos;
      own.push_back(static_cast<uint32_t>(static_cast<uint64_t>(rank) * multiplier % options.videos));
      if (own.size() < count) continue;
      std::sort(own.begin(), own.end());
      own.erase(std::unique(own.begin(), own.end()), own.end());
    }
    log.items.insert(log.items.end(), own.begin(), own.end());
    log.begins.push_back(log.items.size());
  }
  return log;
}

// What this process holds now: the input, before counting.
uint64_t resident_mib() {
  std::ifstream file("/proc/self/statm");
  uint64_t size = 0, resident = 0;
  file >> size >> resident;
  return resident * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) >> 20;
}

// Pairs in the order they come; `hash` is of all of them in that order, so that runs with other limits can be
// compared.
void measure(const PairsOptions& options, uint64_t memory_mib) {
  const auto begins = read_numbers<uint64_t>(options.log / "begins");
  const auto items = read_numbers<uint32_t>(options.log / "items");
  PairSettings settings;
  settings.min_people = options.min_people;
  settings.max_watches = options.max_watches;
  settings.memory_bytes = memory_mib << 20;
  const uint64_t input_mib = resident_mib();
  const double start = seconds_now();
  PairCounter counter(options.videos, settings);
  for (uint32_t person = 0; person + 1 < begins.size(); ++person) {
    for (uint64_t i = begins[person]; i != begins[person + 1]; ++i)
      counter.add({.user = person, .item = items[i]});
  }
  const double read = seconds_now();
  uint64_t pairs = 0, weight_sum = 0, hash = 0;
  counter.finish([&](PairBlock&& block) {
    pairs += block.pairs.size();
    for (const CountedPair& pair : block.pairs) {
      weight_sum += pair.people;
      hash = (hash ^ (uint64_t{pair.u} << 32 | pair.v) ^ uint64_t{pair.people} << 20) * 0x9E3779B97F4A7C15;
    }
  });
  const double end = seconds_now();
  print_measurement({{"engine", "cowatch"},
                     {"watches", items.size()},
                     {"seconds", end - start},
                     {"reading", read - start},
                     {"pairs", pairs},
                     {"weight_sum", weight_sum},
                     {"hash", std::to_string(hash)},
                     {"memory_mib", memory_mib},
                     {"input_mib", input_mib},
                     {"spilled_mib", counter.report().spilled_bytes >> 20}});
}

// Increments a second of a plain loop, with all threads: counters as many as a row has, raised in the order
// in which people watched. Counting pairs raises one counter a pair and does more besides.
double increments_per_second(const PairsOptions& options, const WatchLog& log) {
  constexpr uint64_t least_increments = uint64_t{1} << 27;  // of a thread: long against its start
  const uint64_t passes = least_increments / log.items.size() + 1;
  double best = 0;
  for (int turn = 0; turn != 3; ++turn) {
    std::vector<std::vector<uint16_t>> counters(threads(), std::vector<uint16_t>(options.videos));
    const double start = seconds_now();
    parallel_for(counters.size(), 1, [&](size_t begin, size_t end) {
      for (size_t thread = begin; thread != end; ++thread) {
        uint16_t* const own = counters[thread].data();
        for (uint64_t pass = 0; pass != passes; ++pass) {
          for (const uint32_t item : log.items) ++own[item];
        }
      }
    });
    const double seconds = seconds_now() - start;
    const auto expected = static_cast<uint16_t>(passes * log.items.size());
    for (const auto& own : counters) {  // so that no compiler leaves the loop out
      if (std::accumulate(own.begin(), own.end(), uint16_t{0}) != expected)
        throw Error(ErrorCode::internal, "a plain loop of increments counted wrongly");
    }
    best = std::max(best, static_cast<double>(counters.size() * passes * log.items.size()) / seconds);
  }
  return best;
}

void print_pair_distances(const Report& report, double limit_seconds) {
  double peer = 0;
  for (const Json& row : report.rows()) {
    const double seconds = row["seconds"];
    if (row["engine"] == "scipy") peer = peer == 0 ? seconds : std::min(peer, seconds);
  }
  for (const Json& row : report.rows()) {
    if (row["engine"] != "cowatch") continue;
    const double seconds = row["seconds"];
    std::printf("--memory %s: %.1f times the limit", row["memory_mib"].dump().c_str(),
                seconds / limit_seconds);
    if (peer > 0) std::printf(", %.1f times the speed of scipy", peer / seconds);
    std::printf("\n");
  }
}

void run_pairs(const PairsOptions& options, Report& report) {
  if (!options.log.empty()) return measure(options, options.memory_limits_mib.front());
  TemporaryFolder folder;
  uint64_t raised = 0;
  double limit_seconds = 0;
  {
    const WatchLog log = generate(options);
    write_numbers<uint64_t>(folder.path() / "begins", log.begins);
    write_numbers<uint32_t>(folder.path() / "items", log.items);
    for (size_t person = 0; person + 1 < log.begins.size(); ++person) {
      const uint64_t count = log.begins[person + 1] - log.begins[person];
      raised += count * (count - 1) / 2;
    }
    std::cout << log.items.size() << " watches of " << log.begins.size() - 1 << " people, " << options.videos
              << " videos, " << raised << " pairs to count" << std::endl;
    const double rate = increments_per_second(options, log);
    limit_seconds = static_cast<double>(raised) / rate;
    std::cout << "limit " << limit_seconds << " s (an increment a pair, " << rate / 1e9
              << " billion a second in a plain loop)" << std::endl;
  }
  report.settings = {{"watches", options.watches},
                     {"videos", options.videos},
                     {"max_watches", options.max_watches},
                     {"min_people", options.min_people},
                     {"memory_mib", options.memory_limits_mib},
                     {"pairs_to_count", raised},
                     {"limit_seconds", limit_seconds}};
  for (int repeat = 0; repeat != options.repeats; ++repeat) {
    for (const uint64_t memory : options.memory_limits_mib) {
      report.add_row(
          run_self({"bench", "pairs", "--log", folder.path().string(), "--videos",
                    std::to_string(options.videos), "--max-watches", std::to_string(options.max_watches),
                    "--min-people", std::to_string(options.min_people), "--memory", std::to_string(memory)}));
    }
    if (!options.peer) continue;
    report.add_row(run_peer("pairs_scipy", {folder.path().string(), std::to_string(options.videos),
                                            std::to_string(options.min_people)}));
  }
  print_pair_distances(report, limit_seconds);
  check_same_counts(report.rows());
}

}  // namespace

Benchmark pairs_benchmark() {
  return {"pairs", "co-watch pairs from a watch log, against scipy's sparse product", "--watches 20000000", [](CommandLine app) {
            const auto options = std::make_shared<PairsOptions>();
            const Flags add(app);
            add.positive("--watches", options->watches, "watches in the log");
            add.positive("--videos", options->videos, "videos in the log");
            add.positive("--max-watches", options->max_watches, "most watches of a person");
            add.positive("--min-people", options->min_people, "people a pair needs");
            add.positive("--memory", options->memory_limits_mib,
                         "memory for counting, in MiB; several: one after another");
            add.positive("--repeats", options->repeats, "turns of each engine");
            add("--seed", options->seed, "of the log");
            app.add_flag("!--no-peer", options->peer, "leave scipy out (for sizes it cannot hold)");
            app.add_option("--log", options->log, "measure cowatch alone on a log in this folder").hidden();
            return std::function<void(Report&)>([options](Report& report) { run_pairs(*options, report); });
          }};
}

}  // namespace cowatch::bench

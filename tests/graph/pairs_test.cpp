#include "graph/pairs.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "base/random.h"
#include "base/threads.h"
#include "graph/person_watches.h"
#include "graph/prune.h"
#include "support/temporary_folder.h"
#include "watch_examples.h"

namespace cowatch {
namespace {

using test::text_of;
using test::watches_of;

std::string pairs_of(const std::string& watches, const PairSettings& settings = {}) {
  return text_of(pair_graph(26, watches_of(watches), settings));
}

PairSettings with(const std::function<void(PairSettings&)>& change) {
  PairSettings settings;
  change(settings);
  return settings;
}

TEST(Pairs, NeedMinPeople) {
  const std::string log = "alice: a b c\nbob: a b d\ncarol: b c\n";
  EXPECT_EQ(pairs_of(log), "ab 2, bc 2");
  EXPECT_EQ(pairs_of(log, with([](auto& s) { s.min_people = 1; })), "ab 2, ac 1, ad 1, bc 2, bd 1");
  EXPECT_EQ(pairs_of(log, with([](auto& s) { s.min_people = 3; })), "");
}

TEST(Pairs, CountEachPersonOnce) {
  EXPECT_EQ(pairs_of("alice: a b a b a b\n"), "");
  EXPECT_EQ(pairs_of("alice: a b a b\nbob: b b a\n"), "ab 2");
}

TEST(Pairs, OfAWindowOfPositions) {
  const auto near = with([](auto& s) {
    s.window = PairWindow::positions;
    s.positions = 1;
    s.min_people = 1;
  });
  EXPECT_EQ(pairs_of("alice: a b c\n", near), "ab 1, bc 1");
  EXPECT_EQ(pairs_of("alice: a b c a\n", near), "ab 1, ac 1, bc 1");
  EXPECT_EQ(pairs_of("alice: a b a b\nbob: b a\n", near), "ab 2");
}

TEST(Pairs, OfASession) {
  const auto session = with([](auto& s) {
    s.window = PairWindow::session;
    s.min_people = 1;
  });
  EXPECT_EQ(pairs_of("alice: a b | c d\n", session), "ab 1, cd 1");
  EXPECT_EQ(pairs_of("alice: a b | c a b\nbob: a | b\n", session), "ab 1, ac 1, bc 1");
}

TEST(Pairs, LeaveOutShortWatches) {
  std::vector<PairWatch> watches;
  for (uint32_t user = 0; user != 2; ++user) {
    watches.push_back({.user = user, .item = 0, .watched_ms = 9000, .length_ms = 10000});
    watches.push_back({.user = user, .item = 1, .watched_ms = 4000, .length_ms = 10000});
    watches.push_back({.user = user, .item = 2});  // nothing known: counts
    watches.push_back({.user = user, .item = 3, .portion = 0.2});
  }
  PairReport report;
  EXPECT_EQ(text_of(pair_graph(4, watches, with([](auto& s) { s.min_watch_share = 0.5; }), &report)), "ac 2");
  EXPECT_EQ(report.too_short, 4u);
  EXPECT_EQ(text_of(pair_graph(4, watches, with([](auto& s) { s.min_watch_ms = 5000; }))),
            "ac 2, ad 2, cd 2");
}

// Some logs know the share of a length and no time.
TEST(Pairs, LeaveOutWatchesThatAreShortByTheirShareOfTheLength) {
  std::vector<PairWatch> watches;
  for (uint32_t user = 0; user != 2; ++user) {
    watches.push_back({.user = user, .item = 0, .length_ms = 10'000, .portion = 0.5});
    watches.push_back({.user = user, .item = 1, .length_ms = 10'000, .portion = 0.4});
    watches.push_back({.user = user, .item = 2, .portion = 0.4});  // of no known length: counts
  }
  PairReport report;
  EXPECT_EQ(text_of(pair_graph(3, watches, with([](auto& s) { s.min_watch_ms = 5000; }), &report)), "ac 2");
  EXPECT_EQ(report.too_short, 2u);
}

TEST(Pairs, CountRepeatsOfOneMoment) {
  std::vector<PairWatch> watches;
  for (const int64_t time : {1, 1, 2, 1}) {
    watches.push_back({.user = 0, .item = 0, .time_ms = time});
    watches.push_back({.user = 0, .item = 1, .time_ms = time});
  }
  PairReport report;
  EXPECT_EQ(text_of(pair_graph(2, watches, with([](auto& s) { s.min_people = 1; }), &report)), "ab 1");
  EXPECT_EQ(report.watches, 8u);
  EXPECT_EQ(report.repeats, 4u);
}

TEST(Pairs, CountOnlyTheNewestWatches) {
  PairReport report;
  const auto graph = pair_graph(26, watches_of("alice: a b c d\nbob: a b c d\n"),
                                with([](auto& s) { s.max_watches = 2; }), &report);
  EXPECT_EQ(text_of(graph), "cd 2");
  EXPECT_EQ(report.beyond_limit, 4u);
}

TEST(Pairs, WeighByCosine) {
  // a: 3 people, b: 2, both: 2.
  const auto cosine = with([](auto& s) { s.weight = PairWeight::cosine; });
  const auto graph = pair_graph(2, watches_of("x: a b\ny: a b\nz: a\n"), cosine);
  EXPECT_FLOAT_EQ(graph.weights(0)[0], static_cast<float>(2 / std::sqrt(6.0)));
}

TEST(Pairs, WeighByPointwiseMutualInformationAboveChance) {
  const auto pmi = with([](auto& s) {
    s.weight = PairWeight::pmi;
    s.min_people = 1;
  });
  PairReport report;
  // Everyone watches a, so it says nothing; b and c go together in 2 of 4 people.
  const auto graph = pair_graph(3, watches_of("w: a b c\nx: a b c\ny: a\nz: a\n"), pmi, &report);
  ASSERT_EQ(graph.edges(), 1u);
  EXPECT_FLOAT_EQ(graph.weights(1)[0], static_cast<float>(std::log(2.0 * 4 / (2 * 2))));
  EXPECT_EQ(report.not_positive, 2u);
}

TEST(Pairs, FadeWithAge) {
  constexpr int64_t day = 24LL * 3600 * 1000;
  const auto decayed = with([](auto& s) {
    s.weight = PairWeight::decayed;
    s.min_people = 1;
    s.half_life_days = 10;
    s.newest_ms = 100 * day;
  });
  // The pair is as old as its newer watch: 10 days, then 20.
  const std::vector<PairWatch> watches{{.user = 0, .item = 0, .time_ms = 50 * day},
                                       {.user = 0, .item = 1, .time_ms = 90 * day},
                                       {.user = 1, .item = 1, .time_ms = 80 * day},
                                       {.user = 1, .item = 0, .time_ms = 70 * day}};
  EXPECT_FLOAT_EQ(pair_graph(2, watches, decayed).weights(0)[0], 0.75F);
  auto in_window = decayed;
  in_window.window = PairWindow::positions;
  EXPECT_FLOAT_EQ(pair_graph(2, watches, in_window).weights(0)[0], 0.75F);
}

TEST(Prune, KeepsAnEdgeIfEitherEndDoesOrOnlyIfBothDo) {
  const Graph graph = Graph::from_edges(4, {{0, 1, 5}, {0, 2, 4}, {0, 3, 3}});
  EXPECT_EQ(text_of(prune(graph, 1, 0)), "ab 5, ac 4, ad 3");
  EXPECT_EQ(text_of(prune(graph, 0, 1)), "ab 5");
  EXPECT_EQ(text_of(prune(graph, 0, 2)), "ab 5, ac 4");
  EXPECT_EQ(text_of(prune(graph, 0, 0)), text_of(graph));
}

TEST(Prune, BreaksTiesByTheSmallerId) {
  const Graph graph = Graph::from_edges(4, {{3, 0, 1}, {3, 1, 1}, {3, 2, 1}});
  EXPECT_EQ(text_of(prune(graph, 0, 1)), "ad 1");
}

// A log with repeats, several videos at one moment, and a few people who watch a lot.
std::vector<PairWatch> random_log(uint32_t people, uint32_t videos, uint64_t seed) {
  const Random random(seed, 1);
  std::vector<PairWatch> watches;
  for (uint32_t user = 0; user != people; ++user) {
    const uint64_t count = 1 + random.below(user % 10 == 0 ? 80 : 15, 0, user);
    for (uint32_t i = 0; i != count; ++i) {
      const double skewed = std::pow(random.uniform(1 + user, i), 2.0);
      watches.push_back({.user = user,
                         .item = static_cast<uint32_t>(skewed * videos),
                         .time_ms = static_cast<int64_t>(random.below(1000, 1 + user, i + 1000)) * 60000});
    }
  }
  return watches;
}

using Counts = std::map<std::pair<uint32_t, uint32_t>, uint32_t>;

Counts slow_counts(const std::vector<PairWatch>& watches, uint32_t min_people) {
  std::map<uint32_t, std::set<uint32_t>> of_person;
  for (const PairWatch& watch : watches) of_person[watch.user].insert(watch.item);
  Counts counts;
  for (const auto& [user, items] : of_person) {
    for (auto u = items.begin(); u != items.end(); ++u) {
      for (auto v = std::next(u); v != items.end(); ++v) ++counts[{*u, *v}];
    }
  }
  std::erase_if(counts, [&](const auto& entry) { return entry.second < min_people; });
  return counts;
}

struct Counted {
  std::vector<CountedPair> pairs;
  std::vector<uint64_t> decay;
  PairReport report;
  bool operator==(const Counted& other) const {
    const auto bytes = [](const std::vector<CountedPair>& p) {
      return std::string_view(reinterpret_cast<const char*>(p.data()), p.size() * sizeof(CountedPair));
    };
    return bytes(pairs) == bytes(other.pairs) && decay == other.decay;
  }
};

Counted count(size_t videos, const std::vector<PairWatch>& watches, const PairSettings& settings) {
  PairCounter counter(videos, settings);
  for (const PairWatch& watch : watches) counter.add(watch);
  Counted result;
  counter.finish([&](PairBlock&& block) {
    result.pairs.insert(result.pairs.end(), block.pairs.begin(), block.pairs.end());
    result.decay.insert(result.decay.end(), block.decay.begin(), block.decay.end());
  });
  result.report = counter.report();
  return result;
}

TEST(PairCounter, EqualsAMapOfPairs) {
  for (const uint32_t min_people : {1u, 2u, 5u}) {
    const auto log = random_log(400, 200, min_people);
    const Counted counted = count(200, log, with([&](auto& s) { s.min_people = min_people; }));
    const Counts expected = slow_counts(log, min_people);
    ASSERT_EQ(counted.pairs.size(), expected.size());
    auto at = expected.begin();
    for (const CountedPair& pair : counted.pairs) {
      EXPECT_EQ(at->first, std::pair(pair.u, pair.v));
      EXPECT_EQ(at->second, pair.people);
      ++at;
    }
    EXPECT_EQ(counted.report.people, 400u);
    EXPECT_EQ(counted.report.pairs, expected.size());
  }
}

TEST(PairCounter, CountsMoreThanSixteenBitsOfPeople) {
  std::vector<PairWatch> log;
  for (uint32_t user = 0; user != 70000; ++user) {
    log.push_back({.user = user, .item = 3});
    log.push_back({.user = user, .item = 7});
  }
  const Counted counted = count(10, log, {});
  ASSERT_EQ(counted.pairs.size(), 1u);
  EXPECT_EQ(counted.pairs[0].people, 70000u);
}

// By the definition: of every two watches of a person within the window, the newest moment of each pair.
using Moments = std::map<std::pair<uint32_t, uint32_t>, int64_t>;
Moments slow_moments(const std::vector<CountingWatch>& watches, const PairSettings& settings) {
  Moments moments;
  for (size_t i = 0; i != watches.size(); ++i) {
    for (size_t k = i + 1; k != watches.size(); ++k) {
      if (settings.window == PairWindow::positions && k - i > settings.positions) break;
      if (settings.window == PairWindow::session &&
          watches[k].time_ms - watches[k - 1].time_ms > settings.session_gap_ms)
        break;
      if (watches[i].item == watches[k].item) continue;
      int64_t& newest = moments[std::minmax(watches[i].item, watches[k].item)];
      newest = std::max(newest, watches[k].time_ms);
    }
  }
  return moments;
}

TEST(PartnerRows, EqualAMapOfMoments) {
  for (uint64_t seed = 1; seed != 40; ++seed) {
    const Random random(seed, 3);
    std::vector<CountingWatch> watches;
    for (uint32_t i = 0; i != 60; ++i)
      watches.push_back({static_cast<int64_t>(i + random.below(40, 0, i)) * 60'000,
                         static_cast<uint32_t>(random.below(15, 1, i))});
    std::sort(watches.begin(), watches.end(), [](const auto& a, const auto& b) {
      return std::pair(a.time_ms, a.item) < std::pair(b.time_ms, b.item);
    });
    for (const PairWindow window : {PairWindow::session, PairWindow::positions}) {
      PairSettings settings;
      settings.window = window;
      settings.session_gap_ms = 2 * 60'000;
      settings.positions = static_cast<uint32_t>(1 + seed % 7);
      Moments found;
      std::vector<std::pair<uint32_t, uint32_t>> order;
      for_each_partner_row(watches, settings, [&](uint32_t item, std::span<const Partner> partners) {
        for (const Partner& partner : partners) {
          order.emplace_back(item, partner.item);
          found[order.back()] = partner.time_ms;
        }
      });
      EXPECT_EQ(found, slow_moments(watches, settings)) << "seed " << seed;
      EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
      EXPECT_EQ(order.size(), found.size());
    }
  }
}

class EveryWindowAndWeight : public testing::TestWithParam<std::pair<PairWindow, PairWeight>> {
 protected:
  static PairSettings settings() {
    PairSettings settings;
    std::tie(settings.window, settings.weight) = GetParam();
    settings.newest_ms = 60'000'000;
    settings.half_life_days = 0.5;
    settings.session_gap_ms = 30 * 60'000;
    settings.max_watches = 60;
    return settings;
  }
};

TEST_P(EveryWindowAndWeight, IsTheSameForAnyOrderOfWatchesAndAnyNumberOfThreads) {
  auto log = random_log(500, 150, 4);
  const Graph expected = pair_graph(150, log, settings());
  EXPECT_GT(expected.edges(), 100u);
  const Random random(6, 6);
  for (uint32_t i = 0; i + 1 < log.size(); ++i)
    std::swap(log[i], log[i + random.below(log.size() - i, 0, i)]);
  for (const size_t threads : {1, 2, 4}) {
    set_threads(threads);
    const Graph graph = pair_graph(150, log, settings());
    ASSERT_EQ(graph.edges(), expected.edges());
    for (uint32_t video = 0; video != 150; ++video) {
      EXPECT_TRUE(std::ranges::equal(graph.neighbours(video), expected.neighbours(video)));
      EXPECT_TRUE(std::ranges::equal(graph.weights(video), expected.weights(video)));
    }
  }
  set_threads(0);
}

TEST_P(EveryWindowAndWeight, SpillsAndMergesToTheSameBytes) {
  const test::TemporaryFolder folder;
  PairSettings tight = settings();
  tight.max_watches = 500;
  tight.spill_folder = folder.path();
  tight.memory_bytes = size_t{9} << 20;
  std::vector<PairWatch> log = random_log(9000, 1500, 5);
  // Enough people to fill the few megabytes there are several times.
  const auto most = log.back().user + 1;
  for (size_t i = 0, count = log.size(); i != count * (tight.weight == PairWeight::count ? 14 : 4); ++i) {
    PairWatch copy = log[i];
    copy.user += most;
    log.push_back(copy);
  }
  PairSettings roomy = tight;
  roomy.memory_bytes = size_t{1} << 30;
  const Counted in_memory = count(1500, log, roomy);
  EXPECT_EQ(in_memory.report.spilled_bytes, 0u);
  const Counted spilled = count(1500, log, tight);
  EXPECT_GT(spilled.report.spilled_bytes, 0u);
  EXPECT_TRUE(spilled == in_memory);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

// A line of /proc/self/status in bytes.
size_t process_memory(const std::string& name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name + ":")) return std::stoul(line.substr(name.size() + 1)) << 10;
  }
  return 0;
}

// What the process takes on top while it counts, beyond what it held before.
struct MemoryUse {
  size_t bytes, pairs;
  uint64_t spilled;
};

MemoryUse memory_of_counting(const PairSettings& settings, size_t videos,
                             const std::function<void(PairCounter&)>& add) {
  malloc_trim(0);
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak is counted from here
  const size_t before = process_memory("VmRSS");
  PairCounter counter(videos, settings);
  add(counter);
  MemoryUse use = {};
  counter.finish([&](PairBlock&& block) { use.pairs += block.pairs.size(); });
  use.bytes = process_memory("VmHWM") - before;
  use.spilled = counter.report().spilled_bytes;
  return use;
}

constexpr size_t around = size_t{4} << 20;  // stacks of the threads and what the allocator keeps

TEST_P(EveryWindowAndWeight, KeepsToItsMemory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory is counted too";
#endif
  const auto log = random_log(60'000, 2000, 8);
  for (const size_t mib : {12, 48}) {
    const test::TemporaryFolder folder;
    PairSettings limited = settings();
    limited.max_watches = 500;
    limited.spill_folder = folder.path();
    limited.memory_bytes = mib << 20;
    const MemoryUse use = memory_of_counting(limited, 2000, [&](PairCounter& counter) {
      for (uint32_t copy = 0; copy != 4; ++copy) {
        for (PairWatch watch : log) {
          watch.user += copy * 60'000;
          counter.add(watch);
        }
      }
    });
    EXPECT_GT(use.pairs, 100'000u);
    EXPECT_GT(use.spilled, 0u) << mib << " MiB are enough: the test shows nothing";
    EXPECT_LT(use.bytes, limited.memory_bytes + around) << mib << " MiB";
  }
}

// Ten thousand watches, one after another, make fifty million pairs.
TEST_P(EveryWindowAndWeight, KeepsToItsMemoryWhateverOnePersonWatches) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory is counted too";
#endif
  const test::TemporaryFolder folder;
  PairSettings limited = settings();
  limited.max_watches = 10'000;
  limited.positions = 10'000;
  limited.min_people = 1;
  limited.spill_folder = folder.path();
  limited.memory_bytes = size_t{12} << 20;
  const MemoryUse use = memory_of_counting(limited, 2000, [](PairCounter& counter) {
    for (uint32_t i = 0; i != 10'000; ++i) {
      counter.add({.user = 0, .item = i % 2000, .time_ms = int64_t{i} * 1000});
    }
  });
  EXPECT_EQ(use.pairs, 2000u * 1999 / 2);
  const size_t own = size_t{limited.max_watches} * 100;  // the person's watches, in order of time and of video
  EXPECT_LT(use.bytes, limited.memory_bytes + around + own);
}

INSTANTIATE_TEST_SUITE_P(All, EveryWindowAndWeight,
                         testing::Values(std::pair(PairWindow::any, PairWeight::count),
                                         std::pair(PairWindow::any, PairWeight::decayed),
                                         std::pair(PairWindow::session, PairWeight::count),
                                         std::pair(PairWindow::positions, PairWeight::decayed)));

TEST(PairCounter, RemovesItsFilesWhenTheDiskFails) {
  const test::TemporaryFolder folder;
  PairSettings tight;
  tight.spill_folder = folder.path();
  tight.memory_bytes = size_t{9} << 20;
  std::vector<PairWatch> log;
  for (uint32_t user = 0; user != 40000; ++user) {
    for (uint32_t i = 0; i != 20; ++i) log.push_back({.user = user, .item = (user * 7 + i * i) % 1500});
  }
  // The folder vanishes between the first run and the next: writing the next one fails.
  const auto vanish = folder.path() / "inner";
  std::filesystem::create_directory(vanish);
  tight.spill_folder = vanish;
  {
    PairCounter counter(1500, tight);
    bool moved = false;
    try {
      for (const PairWatch& watch : log) {
        counter.add(watch);
        if (moved || counter.report().spilled_bytes == 0) continue;
        std::filesystem::rename(vanish, folder.path() / "away");
        moved = true;
      }
      counter.finish([](PairBlock&&) {});
      ADD_FAILURE() << "nothing failed";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::system) << error.what();
    }
    ASSERT_TRUE(moved);
    std::filesystem::rename(folder.path() / "away", vanish);
  }
  EXPECT_TRUE(std::filesystem::is_empty(vanish));
}

TEST(PairCounter, TakesAPersonWithMillionsOfWatchesInBoundedMemory) {
  PairCounter counter(1000, with([](auto& s) { s.memory_bytes = size_t{16} << 20; }));
  for (uint32_t i = 0; i != 3'000'000; ++i) counter.add({.user = 0, .item = i % 1000, .time_ms = i});
  counter.add({.user = 1, .item = 999});
  counter.add({.user = 1, .item = 998});
  uint64_t pairs = 0;
  counter.finish([&](PairBlock&& block) { pairs += block.pairs.size(); });
  EXPECT_EQ(pairs, 1u);
  EXPECT_EQ(counter.report().beyond_limit, 3'000'000u - 500);
}

TEST(PairCounter, RefusesWhatCannotBe) {
  EXPECT_THROW(PairCounter(1000, with([](auto& s) { s.memory_bytes = 1000; })), Error);
  PairCounter counter(10, {});
  EXPECT_THROW(counter.add({.user = 0, .item = 10}), Error);
  counter.add({.user = 5, .item = 1});
  EXPECT_THROW(counter.add({.user = 4, .item = 1}), Error);
  // A person's list has to fit whole, which graph.max_watches sees to at any limit.
  PairCounter crowded(1000, with([](auto& s) {
                        s.memory_bytes = size_t{9} << 20;
                        s.max_watches = 10'000'000;
                      }));
  for (uint32_t i = 0; i != 1000; ++i) crowded.add({.user = 0, .item = i});
  EXPECT_NO_THROW(crowded.finish([](PairBlock&&) {}));
}

}  // namespace
}  // namespace cowatch

#include "graph/pairs.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/threads.h"
#include "graph/pair_rows.h"
#include "graph/pair_runs.h"
#include "graph/person_watches.h"
#include "graph/prune.h"

namespace cowatch {
namespace {

constexpr std::array<std::string_view, 3> window_names{"any", "session", "positions"};
constexpr std::array<std::string_view, 4> weight_names{"count", "cosine", "pmi", "decayed"};
constexpr double decay_units = 0x1p30;
constexpr size_t least_room = size_t{4} << 20;

template <typename Enum, size_t count>
std::optional<Enum> named(const std::array<std::string_view, count>& names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

// How the memory limit is shared out: the counters of every thread are there whatever happens, then half of
// the rest holds people's lists and half the counts on their way out.
struct MemoryPlan {
  size_t lists, blocks;
};

MemoryPlan plan_memory(size_t items, const PairSettings& settings) {
  const size_t per_item = 8 + (settings.weight == PairWeight::decayed ? 16 : 0);
  const size_t fixed = items * (per_item * (threads() + 1) + 24);
  if (settings.memory_bytes < fixed + 2 * least_room) {
    throw Error(ErrorCode::bad_argument, "the memory limit is too small to count pairs in",
                {.where = "graph.memory",
                 .expected = "at least " + std::to_string(((fixed + 2 * least_room) >> 20) + 1) +
                             " MiB for " + std::to_string(items) + " videos",
                 .found = std::to_string(settings.memory_bytes >> 20) + " MiB",
                 .remedy = "Raise the limit."});
  }
  const size_t room = settings.memory_bytes - fixed;
  return {room / 2, room / 2};
}

}  // namespace

std::optional<PairWindow> pair_window_named(std::string_view name) {
  return named<PairWindow>(window_names, name);
}
std::optional<PairWeight> pair_weight_named(std::string_view name) {
  return named<PairWeight>(weight_names, name);
}

struct PairCounter::Implementation {
  Implementation(size_t item_count, const PairSettings& given)
      : items(item_count),
        settings(given),
        with_decay(given.weight == PairWeight::decayed),
        memory(plan_memory(item_count, given)),
        person(settings),
        rows(item_count, memory.lists, with_decay),
        runs(item_count, given.spill_folder, with_decay),
        people_of_item(item_count, 0) {}

  void end_person();
  void add_any(const std::vector<CountingWatch>& watches);
  void add_window(const std::vector<CountingWatch>& watches);
  void make_room(size_t entries, size_t row_count);
  void spill();
  uint32_t decay_at(int64_t time_ms) const;

  const size_t items;
  const PairSettings settings;
  const bool with_decay;
  const MemoryPlan memory;
  PairReport report;
  PersonWatches person;
  PairRows rows;
  PairRuns runs;
  std::vector<uint32_t> people_of_item;
  std::optional<uint32_t> user;
  std::vector<uint32_t> list, decays;  // of the person at hand
};

void PairCounter::Implementation::end_person() {
  const std::vector<CountingWatch> watches = person.take(report);
  if (watches.empty()) return;
  ++report.people;
  list.clear();
  for (const CountingWatch& watch : watches) list.push_back(watch.item);
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  for (const uint32_t item : list) ++people_of_item[item];
  if (list.size() < 2) return;
  if (settings.window == PairWindow::any) {
    add_any(watches);
  } else {
    add_window(watches);
  }
}

void PairCounter::Implementation::add_any(const std::vector<CountingWatch>& watches) {
  decays.clear();
  if (with_decay) {
    decays.assign(list.size(), 0);  // a video's newest watch counts: later ones overwrite
    for (const CountingWatch& watch : watches) {
      const auto place = std::lower_bound(list.begin(), list.end(), watch.item) - list.begin();
      decays[static_cast<size_t>(place)] = decay_at(watch.time_ms);
    }
  }
  make_room(list.size(), list.size());
  rows.add_list(list, decays);
}

void PairCounter::Implementation::add_window(const std::vector<CountingWatch>& watches) {
  for_each_partner_row(watches, settings, [&](uint32_t item, std::span<const Partner> partners) {
    make_room(partners.size(), 1);
    list.clear();
    decays.clear();
    for (const Partner& partner : partners) {
      list.push_back(partner.item);
      if (with_decay) decays.push_back(decay_at(partner.time_ms));
    }
    rows.add_row(item, list, decays);
  });
}

void PairCounter::Implementation::make_room(size_t entries, size_t row_count) {
  if (rows.has_room(entries, row_count)) return;
  if (!rows.empty()) spill();
  if (rows.has_room(entries, row_count)) return;
  throw Error(ErrorCode::no_space, "one person's pairs do not fit in the memory limit",
              {.where = "person " + std::to_string(*user),
               .expected = std::to_string(settings.memory_bytes >> 20) + " MiB",
               .found = std::to_string(entries) + " pairs",
               .remedy = "Raise graph.memory, or lower graph.max_watches."});
}

void PairCounter::Implementation::spill() {
  runs.add([&](const std::function<void(PairBlock &&)>& take) { rows.count(1, memory.blocks, take); });
  report.spilled_bytes = runs.bytes();
}

// At least 1, so that a pair that people made has a weight above 0 whatever its age.
uint32_t PairCounter::Implementation::decay_at(int64_t time_ms) const {
  constexpr double ms_of_day = 24.0 * 3600 * 1000;
  const double age = std::max(0.0, static_cast<double>(settings.newest_ms) - static_cast<double>(time_ms));
  const double decay = std::exp2(-age / (settings.half_life_days * ms_of_day)) * decay_units;
  return std::max<uint32_t>(1, static_cast<uint32_t>(std::lround(decay)));
}

PairCounter::PairCounter(size_t items, const PairSettings& settings)
    : implementation_(std::make_unique<Implementation>(items, settings)) {}
PairCounter::~PairCounter() = default;
PairCounter::PairCounter(PairCounter&&) noexcept = default;

void PairCounter::add(const PairWatch& watch) {
  Implementation& self = *implementation_;
  if (watch.item >= self.items) {
    throw Error(ErrorCode::bad_input, "a watch names a video that does not exist",
                {.where = "person " + std::to_string(watch.user),
                 .expected = "ids below " + std::to_string(self.items),
                 .found = std::to_string(watch.item),
                 .remedy = "Import the videos first."});
  }
  if (self.user != watch.user) {
    if (self.user && watch.user < *self.user) {
      throw Error(ErrorCode::internal, "people do not come in ascending order");
    }
    if (self.user) self.end_person();
    self.user = watch.user;
  }
  self.person.add(watch, self.report);
}

void PairCounter::finish(const std::function<void(PairBlock&&)>& take) {
  Implementation& self = *implementation_;
  if (self.user) self.end_person();
  const auto counted = [&](PairBlock&& block) {
    self.report.pairs += block.pairs.size();
    take(std::move(block));
  };
  if (self.runs.count() == 0) {
    self.rows.count(self.settings.min_people, self.memory.blocks, counted);
    return;
  }
  if (!self.rows.empty()) self.spill();
  self.runs.merge(self.settings.min_people, self.memory.blocks, counted);
}

const std::vector<uint32_t>& PairCounter::people_of_item() const {
  return implementation_->people_of_item;
}
const PairReport& PairCounter::report() const {
  return implementation_->report;
}

std::vector<Edge> pair_edges(PairCounter& counter, const PairSettings& settings, PairReport& report) {
  std::vector<Edge> edges;
  uint64_t not_positive = 0;
  const auto weigh = [&](const CountedPair& pair, uint64_t decay) {
    const auto people = static_cast<double>(pair.people);
    const double apart = static_cast<double>(counter.people_of_item()[pair.u]) *
                         static_cast<double>(counter.people_of_item()[pair.v]);
    switch (settings.weight) {
      case PairWeight::count:
        return people;
      case PairWeight::cosine:
        return people / std::sqrt(apart);
      case PairWeight::pmi:
        return std::log(people * static_cast<double>(counter.report().people) / apart);
      case PairWeight::decayed:
        return static_cast<double>(decay) / decay_units;
    }
    return people;
  };
  counter.finish([&](PairBlock&& block) {
    for (size_t i = 0; i != block.pairs.size(); ++i) {
      const auto weight = static_cast<float>(weigh(block.pairs[i], block.decay.empty() ? 0 : block.decay[i]));
      if (weight > 0) {
        edges.push_back({block.pairs[i].u, block.pairs[i].v, weight});
      } else {
        ++not_positive;
      }
    }
  });
  report = counter.report();
  report.not_positive = not_positive;
  return edges;
}

Graph pair_graph(size_t items, std::vector<PairWatch> watches, const PairSettings& settings,
                 PairReport* report) {
  std::stable_sort(watches.begin(), watches.end(),
                   [](const PairWatch& a, const PairWatch& b) { return a.user < b.user; });
  PairCounter counter(items, settings);
  for (const PairWatch& watch : watches) counter.add(watch);
  PairReport own;
  PairReport& filled = report != nullptr ? *report : own;
  Graph graph = Graph::from_edges(items, pair_edges(counter, settings, filled));
  const size_t before = graph.edges();
  graph = prune(std::move(graph), settings.top_k, settings.max_degree);
  filled.pruned = before - graph.edges();
  return graph;
}

}  // namespace cowatch

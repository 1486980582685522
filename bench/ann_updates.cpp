#include "bench/ann_updates.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

#include "base/random.h"
#include "math/vectors.h"

namespace cowatch::bench {
namespace {

constexpr uint32_t filter_stream = 0x66696c74, churn_stream = 0x63687572;
constexpr double shares[] = {0.0001, 0.001, 0.01, 0.1, 0.5, 1};
constexpr size_t excluded_count = 10'000;

std::vector<uint32_t> slots_of(const std::vector<Scored>& found) {
  std::vector<uint32_t> slots;
  for (const Scored& scored : found) slots.push_back(scored.index);
  return slots;
}

struct Pass {
  double best_seconds = 1e300;
  std::vector<std::vector<uint32_t>> found;
};

// All queries one at a time in this thread, the best of three passes.
Pass pass_over(const VectorIndex& index, const AnnData& data, size_t k, const SearchOptions& options) {
  Pass pass;
  pass.found.resize(data.asked());
  for (int turn = 0; turn < 3; ++turn) {
    const double start = seconds_now();
    for (size_t q = 0; q < data.asked(); ++q)
      pass.found[q] = slots_of(index.search(data.questions().row(q), k, options));
    pass.best_seconds = std::min(pass.best_seconds, seconds_now() - start);
  }
  return pass;
}

// The first `share` of the slots in an order by chance, or along a direction.
Allowed some_slots(const AnnData& data, double share, bool correlated) {
  const Random random(1, filter_stream);
  std::vector<float> direction(data.dimension);
  for (size_t i = 0; i < direction.size(); ++i)
    direction[i] = static_cast<float>(random.normal(1, static_cast<uint32_t>(i)));
  std::vector<std::pair<double, uint32_t>> order;
  for (uint32_t slot = 0; slot < data.count(); ++slot)
    order.emplace_back(correlated ? dot(direction, data.rows().row(slot)) : random.uniform(0, slot), slot);
  const auto count = static_cast<size_t>(std::max(1.0, share * static_cast<double>(data.count())));
  std::nth_element(order.begin(), order.begin() + static_cast<ptrdiff_t>(count - 1), order.end());
  Allowed allowed(data.count());
  for (size_t i = 0; i < count; ++i) allowed.add(order[i].second);
  return allowed;
}

void add_filter_row(AnnData data, const VectorIndex& index, const VectorIndex& exact, const Allowed& filter,
                    const char* kind, size_t k, size_t effort, Report& report) {
  data.truth = exact.search_batch(data.questions(), k, {.filter = &filter});
  const Pass ours = pass_over(index, data, k, {.effort = effort, .filter = &filter});
  const Pass scan = pass_over(exact, data, k, {.filter = &filter});
  const auto asked = static_cast<double>(data.asked());
  report.add_row({{"filter", kind},
                  {"survivors", filter.count()},
                  {"recall@10", recall_of(data, index.metric(), k, ours.found)},
                  {"qps", asked / ours.best_seconds},
                  {"exact_scan_qps", asked / scan.best_seconds}});
}

// The delays of queries asked one after the other for some seconds, sorted.
std::vector<double> delays(const VectorIndex& index, const AnnData& data, size_t k, size_t effort,
                           double seconds) {
  std::vector<double> delays;
  const double end = seconds_now() + seconds;
  for (size_t q = 0;; q = (q + 1) % data.asked()) {
    const double start = seconds_now();
    if (start > end) break;
    index.search(data.questions().row(q), k, {.effort = effort});
    delays.push_back(seconds_now() - start);
  }
  std::sort(delays.begin(), delays.end());
  return delays;
}

void add_delay_row(const char* name, const std::vector<double>& delays, double writes, Report& report) {
  report.add_row({{"queries", name},
                  {"writes_per_second", writes},
                  {"p50_us", 1e6 * delays[delays.size() / 2]},
                  {"p99_us", 1e6 * delays[delays.size() * 99 / 100]},
                  {"count", delays.size()}});
}

}  // namespace

void measure_filters(const AnnData& data, const IndexOptions& options, size_t k, size_t effort,
                     Report& report) {
  const VectorRows source(data.rows());
  const auto index = build_index(options, source);
  const auto exact = build_index({.kind = IndexKind::exact, .metric = options.metric}, source);
  for (const bool correlated : {false, true}) {
    for (const double share : shares)
      add_filter_row(data, *index, *exact, some_slots(data, share, correlated),
                     correlated ? "correlated" : "random", k, effort, report);
  }
  std::vector<uint32_t> excluded;
  const Random random(1, filter_stream);
  for (uint32_t i = 0; i < excluded_count; ++i)
    excluded.push_back(static_cast<uint32_t>(random.below(data.count(), 2, i)));
  const double start = seconds_now();
  const Allowed filter = Allowed::all_but(data.count(), excluded);
  const double made = seconds_now() - start;
  add_filter_row(data, *index, *exact, filter, "10,000 excluded", k, effort, report);
  const Pass plain = pass_over(*index, data, k, {.effort = effort});
  std::printf(
      "a list of %zu excluded slots becomes a filter in %.0f us; "
      "without a filter %.0f queries/s\n",
      excluded_count, 1e6 * made, static_cast<double>(data.asked()) / plain.best_seconds);
}

void measure_churn(const AnnData& data, const IndexOptions& options, size_t k, size_t effort,
                   size_t writes_per_second, Report& report) {
  // The last third comes in for half of the others.
  const size_t kept = data.count() * 2 / 3, half = kept / 2, spare = data.count() - kept;
  AnnData rows = data;
  rows.vectors.resize(kept * data.dimension);
  const VectorRows source(rows.rows());
  const auto index = build_index(options, source);
  const size_t bytes = index->bytes();
  const Random random(1, churn_stream);
  std::vector<std::pair<uint64_t, uint32_t>> order;
  for (uint32_t slot = 0; slot < kept; ++slot) order.emplace_back(random.bits(0, slot), slot);
  std::sort(order.begin(), order.end());
  const auto replace = [&](uint32_t slot, size_t row) {
    index->erase(slot);
    const auto from = data.rows().row(row);
    std::copy(from.begin(), from.end(), rows.vectors.begin() + static_cast<ptrdiff_t>(slot * data.dimension));
    index->insert(slot);
  };
  const double start = seconds_now();
  for (size_t i = 0; i < half; ++i) replace(order[i].second, kept + i % spare);
  const double seconds = seconds_now() - start;
  set_truth(rows, options.metric, k);
  const auto fresh = build_index(options, source);
  const auto add = [&](const char* name, const VectorIndex& measured) {
    const Pass pass = pass_over(measured, rows, k, {.effort = effort});
    report.add_row({{"index", name},
                    {"recall@10", recall_of(rows, options.metric, k, pass.found)},
                    {"qps", static_cast<double>(rows.asked()) / pass.best_seconds},
                    {"bytes", measured.bytes()},
                    {"bytes_before", bytes}});
  };
  add("half replaced", *index);
  add("fresh", *fresh);
  std::printf("%.0f replacements/s by one thread\n", static_cast<double>(half) / seconds);

  constexpr double measured_seconds = 4;
  const auto quiet = delays(*index, rows, k, effort, measured_seconds);
  std::atomic<bool> stop = false;
  size_t written = 0;
  std::thread writer([&] {
    const double begin = seconds_now();
    for (; !stop; ++written) {
      const double due = begin + static_cast<double>(written) / static_cast<double>(writes_per_second);
      const double wait = due - seconds_now();
      if (wait > 0) std::this_thread::sleep_for(std::chrono::duration<double>(wait));
      replace(order[written % kept].second, written % data.count());
    }
  });
  const auto busy = delays(*index, rows, k, effort, measured_seconds);
  stop = true;
  writer.join();
  add_delay_row("alone", quiet, 0, report);
  add_delay_row("beside a writer", busy, static_cast<double>(written) / measured_seconds, report);
}

}  // namespace cowatch::bench

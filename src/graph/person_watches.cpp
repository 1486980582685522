#include "graph/person_watches.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace cowatch {
namespace {

bool is_older(const CountingWatch& a, const CountingWatch& b) {
  return std::tie(a.time_ms, a.item) < std::tie(b.time_ms, b.item);
}

bool is_same(const CountingWatch& a, const CountingWatch& b) {
  return a.time_ms == b.time_ms && a.item == b.item;
}

}  // namespace

bool is_long_enough(const PairWatch& watch, const PairSettings& settings) {
  if (watch.watched_ms >= 0 && watch.watched_ms < settings.min_watch_ms) return false;
  if (watch.portion >= 0) return watch.portion >= settings.min_watch_share;
  if (watch.watched_ms < 0 || watch.length_ms <= 0) return true;
  return static_cast<double>(watch.watched_ms) >=
         settings.min_watch_share * static_cast<double>(watch.length_ms);
}

void PersonWatches::add(const PairWatch& watch, PairReport& report) {
  ++report.watches;
  if (!is_long_enough(watch, settings_)) {
    ++report.too_short;
    return;
  }
  watches_.push_back({watch.time_ms, watch.item});
  if (watches_.size() >= 2 * size_t{settings_.max_watches}) keep_newest(report);
}

void PersonWatches::keep_newest(PairReport& report) {
  std::sort(watches_.begin(), watches_.end(), is_older);
  watches_.erase(std::unique(watches_.begin(), watches_.end(), is_same), watches_.end());
  if (watches_.size() <= settings_.max_watches) return;
  const size_t surplus = watches_.size() - settings_.max_watches;
  report.beyond_limit += surplus;
  watches_.erase(watches_.begin(), watches_.begin() + static_cast<std::ptrdiff_t>(surplus));
}

std::vector<CountingWatch> PersonWatches::take(PairReport& report) {
  keep_newest(report);
  return std::exchange(watches_, {});
}

std::vector<PersonPair> pairs_in_window(const std::vector<CountingWatch>& watches,
                                        const PairSettings& settings) {
  std::vector<PersonPair> pairs;
  for (size_t i = 0; i != watches.size(); ++i) {
    for (size_t k = i + 1; k != watches.size(); ++k) {
      const bool inside = settings.window == PairWindow::session
                              ? watches[k].time_ms - watches[k - 1].time_ms <= settings.session_gap_ms
                              : k - i <= settings.positions;
      if (!inside) break;
      if (watches[i].item == watches[k].item) continue;
      const auto [u, v] = std::minmax(watches[i].item, watches[k].item);
      pairs.push_back({u, v, watches[k].time_ms});
    }
  }
  const auto key = [](const PersonPair& pair) { return uint64_t{pair.u} << 32 | pair.v; };
  std::sort(pairs.begin(), pairs.end(), [&](const PersonPair& a, const PersonPair& b) {
    return key(a) != key(b) ? key(a) < key(b)
                            : a.time_ms > b.time_ms;  // the newest first: it is the one kept
  });
  pairs.erase(std::unique(pairs.begin(), pairs.end(),
                          [&](const PersonPair& a, const PersonPair& b) { return key(a) == key(b); }),
              pairs.end());
  return pairs;
}

}  // namespace cowatch

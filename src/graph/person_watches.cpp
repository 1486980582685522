#include "graph/person_watches.h"

#include <algorithm>
#include <numeric>
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

constexpr uint32_t nobody = ~uint32_t{0};

// The watches that lie within a watch's window, itself among them.
struct Window {
  uint32_t begin, end;
};

std::vector<Window> windows_of(const std::vector<CountingWatch>& watches, const PairSettings& settings) {
  const auto count = static_cast<uint32_t>(watches.size());
  std::vector<Window> windows(count);
  for (uint32_t i = 0, begin = 0; i != count; ++i) {
    if (settings.window == PairWindow::positions) {
      const uint32_t reach = settings.positions;
      windows[i] = {i - std::min(i, reach), i + std::min(count - i - 1, reach) + 1};
    } else if (i + 1 == count || watches[i + 1].time_ms - watches[i].time_ms > settings.session_gap_ms) {
      std::fill(windows.begin() + begin, windows.begin() + i + 1, Window{begin, i + 1});
      begin = i + 1;
    }
  }
  return windows;
}

// The videos of a person, ascending: the place of each watch's video among them, and watches ordered by it.
struct PersonVideos {
  std::vector<uint32_t> items, place, by_item;

  explicit PersonVideos(const std::vector<CountingWatch>& watches)
      : place(watches.size()), by_item(watches.size()) {
    std::iota(by_item.begin(), by_item.end(), 0);
    std::stable_sort(by_item.begin(), by_item.end(),
                     [&](uint32_t a, uint32_t b) { return watches[a].item < watches[b].item; });
    for (const uint32_t watch : by_item) {
      if (items.empty() || items.back() != watches[watch].item) items.push_back(watches[watch].item);
      place[watch] = static_cast<uint32_t>(items.size() - 1);
    }
  }
};

}  // namespace

bool is_long_enough(const PairWatch& watch, const PairSettings& settings) {
  const bool knows_length = watch.length_ms > 0, knows_share = watch.portion >= 0;
  auto watched = static_cast<double>(watch.watched_ms);
  const auto length = static_cast<double>(watch.length_ms);
  if (watched < 0 && knows_share && knows_length) watched = watch.portion * length;
  if (watched >= 0 && watched < static_cast<double>(settings.min_watch_ms)) return false;
  if (knows_share) return watch.portion >= settings.min_watch_share;
  return watched < 0 || !knows_length || watched >= settings.min_watch_share * length;
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
  const auto repeats = std::unique(watches_.begin(), watches_.end(), is_same);
  report.repeats += static_cast<uint64_t>(watches_.end() - repeats);
  watches_.erase(repeats, watches_.end());
  if (watches_.size() <= settings_.max_watches) return;
  const size_t surplus = watches_.size() - settings_.max_watches;
  report.beyond_limit += surplus;
  watches_.erase(watches_.begin(), watches_.begin() + static_cast<std::ptrdiff_t>(surplus));
}

std::vector<CountingWatch> PersonWatches::take(PairReport& report) {
  keep_newest(report);
  return std::exchange(watches_, {});
}

void for_each_partner_row(const std::vector<CountingWatch>& watches, const PairSettings& settings,
                          const std::function<void(uint32_t, std::span<const Partner>)>& take) {
  const std::vector<Window> windows = windows_of(watches, settings);
  const PersonVideos videos(watches);
  std::vector<int64_t> newest(videos.items.size());  // moment of the pair with each video met
  std::vector<uint32_t> met_by(newest.size(), nobody), met;
  std::vector<Partner> row;
  for (size_t next = 0; next != videos.by_item.size();) {
    const uint32_t own = videos.place[videos.by_item[next]];
    met.clear();
    for (; next != videos.by_item.size() && videos.place[videos.by_item[next]] == own; ++next) {
      const uint32_t watch = videos.by_item[next];
      for (uint32_t other = windows[watch].begin; other != windows[watch].end; ++other) {
        const uint32_t video = videos.place[other];
        if (video <= own) continue;  // itself, or counted in the other's row
        const int64_t time_ms = watches[std::max(watch, other)].time_ms;
        const bool first = std::exchange(met_by[video], own) != own;
        if (first) met.push_back(video);
        newest[video] = first ? time_ms : std::max(newest[video], time_ms);
      }
    }
    if (met.empty()) continue;
    std::sort(met.begin(), met.end());
    row.clear();
    for (const uint32_t video : met) row.push_back({videos.items[video], newest[video]});
    take(videos.items[own], row);
  }
}

}  // namespace cowatch

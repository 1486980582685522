#include "search/collection_work.h"

#include <algorithm>

namespace cowatch {
namespace {

// Segments of about one size are merged once there are so many, so that a search asks few and each point is
// copied a logarithmic number of times.
constexpr size_t merge_count = 4, size_ratio = 4;
// A graph takes in what is smaller than its segment once that is a share of it: then each point is put into a graph of that
// size once, and copied out of it so many times, which is cheap.
constexpr size_t absorbed_share = 8;
constexpr size_t small_work = 100'000;

Lane lane_of(size_t points) {
  return points <= small_work ? Lane::small : Lane::large;
}

double dead_share(const TableView& table) {
  const auto slots = static_cast<double>(table.segment->size());
  return (slots - static_cast<double>(table.live->count())) / slots;
}

// One that has none, or one that was built otherwise than is asked for now: it stays in use until the next is there.
bool wants_index(const TableView& table, const CollectionConfig& config) {
  return !table.unindexable && config.indexes(table.segment->size()) &&
         !(table.index && table.index->index->built_as(config.index));
}

}  // namespace

std::vector<size_t> WorkChoice::idle_segments() const {
  std::vector<size_t> segments;
  for (size_t t = 0; t < view.tables.size(); ++t)
    if (view.tables[t].segment && !busy.contains(view.tables[t].table.get())) segments.push_back(t);
  std::sort(segments.begin(), segments.end(), [&](size_t a, size_t b) { return living(a) < living(b); });
  return segments;
}

// Full tables in memory, all at once.
std::optional<LaneWork> WorkChoice::flush() const {
  LaneWork work;
  for (const TableView& table : view.tables)
    if (!table.segment && table.table != view.active && !busy.contains(table.table.get()))
      work.tables.push_back(table);
  return work.tables.empty() ? std::nullopt : std::optional(work);
}

std::optional<LaneWork> WorkChoice::clean(Lane lane, double most) const {
  for (const size_t s : idle_segments())
    if (dead_share(view.tables[s]) > most && lane_of(living(s)) == lane) return LaneWork{{view.tables[s]}};
  return std::nullopt;
}

std::optional<LaneWork> WorkChoice::absorb(Lane lane) const {
  const auto segments = idle_segments();
  if (segments.empty() || config.index.kind != IndexKind::graph || !view.tables[segments.back()].index) return std::nullopt;
  LaneWork work;
  size_t points = 0;
  for (const size_t s : segments) {
    work.tables.push_back(view.tables[s]);
    points += living(s);
  }
  const size_t largest = living(segments.back()), smaller = points - largest;
  const bool enough = smaller > 0 && smaller >= largest / absorbed_share && smaller <= largest;
  return enough && lane_of(points) == lane ? std::optional(work) : std::nullopt;
}

std::optional<LaneWork> WorkChoice::merge(Lane lane) const {
  const auto segments = idle_segments();
  for (size_t first = 0; first + merge_count <= segments.size(); ++first) {
    const size_t largest = size_ratio * std::max<size_t>(living(segments[first]), 1);
    LaneWork work;
    size_t points = 0;
    for (size_t s = first; s < segments.size() && living(segments[s]) <= largest; ++s) {
      work.tables.push_back(view.tables[segments[s]]);
      points += living(segments[s]);
    }
    if (work.tables.size() >= merge_count && lane_of(points) == lane) return work;
  }
  return std::nullopt;
}

// The largest first.
std::optional<LaneWork> WorkChoice::index(Lane lane) const {
  const auto segments = idle_segments();
  for (auto s = segments.rbegin(); s != segments.rend(); ++s)
    if (wants_index(view.tables[*s], config) && lane_of(view.tables[*s].segment->size()) == lane)
      return LaneWork{{view.tables[*s]}, true};
  return std::nullopt;
}

std::optional<LaneWork> WorkChoice::pressing(Lane lane) const {
  if (lane == Lane::flush) return flush();
  if (auto work = clean(lane, most_dead)) return work;
  if (auto work = absorb(lane)) return work;
  if (auto work = merge(lane)) return work;
  return index(lane);
}

std::optional<LaneWork> WorkChoice::next(Lane lane) const {
  if (auto work = pressing(lane)) return work;
  // A merge may take the dead away for nothing.
  if (lane == Lane::flush || !at_rest || pressing(Lane::flush) || pressing(Lane::small) || pressing(Lane::large))
    return std::nullopt;
  return clean(lane, most_dead_at_rest);
}

}  // namespace cowatch

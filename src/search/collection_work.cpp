// What goes on behind a collection, and in which order: choosing the next work of a lane.
#include <algorithm>

#include "search/collection.h"

namespace cowatch {
namespace {

// Segments of about one size are merged once there are so many, so that a search asks few and each point is
// copied a logarithmic number of times.
constexpr size_t merge_count = 4, size_ratio = 4;
constexpr double most_dead = 0.3;  // a segment with more dead slots is written anew
constexpr size_t small_work = 100'000;

size_t living(const CollectionView& view, size_t table) {
  return view.tables[table].live->count();
}

bool mostly_dead(const TableView& table) {
  const auto slots = static_cast<double>(table.segment->size());
  return slots - static_cast<double>(table.live->count()) > most_dead * slots;
}

}  // namespace

Collection::Lane Collection::lane_of(size_t points) {
  return points <= small_work ? Lane::small : Lane::large;
}

// The segments no lane is at work on, in ascending order of size.
std::vector<size_t> Collection::idle_segments(const CollectionView& view) const {
  std::vector<size_t> segments;
  for (size_t t = 0; t < view.tables.size(); ++t)
    if (view.tables[t].segment && !busy_.contains(view.tables[t].table.get())) segments.push_back(t);
  std::sort(segments.begin(), segments.end(),
            [&](size_t a, size_t b) { return living(view, a) < living(view, b); });
  return segments;
}

std::optional<Collection::Work> Collection::choose_merge(const CollectionView& view, Lane lane,
                                                         const std::vector<size_t>& segments) const {
  for (size_t first = 0; first + merge_count <= segments.size(); ++first) {
    const size_t largest = size_ratio * std::max<size_t>(living(view, segments[first]), 1);
    Work work;
    size_t points = 0;
    for (size_t s = first; s < segments.size() && living(view, segments[s]) <= largest; ++s) {
      work.tables.push_back(view.tables[segments[s]]);
      points += living(view, segments[s]);
    }
    if (work.tables.size() >= merge_count && lane_of(points) == lane) return work;
  }
  return std::nullopt;
}

// Full tables in memory, all at once; a segment with many dead; small segments alike in size; one without
// index, the largest first.
std::optional<Collection::Work> Collection::choose(const CollectionView& view, Lane lane) const {
  Work work;
  if (lane == Lane::flush) {
    for (const TableView& table : view.tables)
      if (!table.segment && table.table != view.active && !busy_.contains(table.table.get()))
        work.tables.push_back(table);
    return work.tables.empty() ? std::nullopt : std::optional(work);
  }
  const auto segments = idle_segments(view);
  for (const size_t s : segments)
    if (mostly_dead(view.tables[s]) && lane_of(living(view, s)) == lane) return Work{{view.tables[s]}};
  if (auto merge = choose_merge(view, lane, segments)) return merge;
  for (auto s = segments.rbegin(); s != segments.rend(); ++s)
    if (wants_index(view.tables[*s]) && lane_of(view.tables[*s].segment->size()) == lane)
      return Work{{view.tables[*s]}, true};
  return std::nullopt;
}

bool Collection::has_work() const {
  const auto now = view();
  return !busy_.empty() || manifest_is_behind() || choose(*now, Lane::flush) || choose(*now, Lane::small) ||
         choose(*now, Lane::large);
}

}  // namespace cowatch

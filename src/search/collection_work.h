// What goes on behind a collection, and in which order: choosing the next work of a lane.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "search/collection_config.h"
#include "search/collection_view.h"

namespace cowatch {

// Each is a thread: a long build in one holds up nothing in the others.
enum class Lane { flush, small, large };  // tables in memory; up to some 100,000 points; more

struct LaneWork {
  std::vector<TableView> tables;  // as they were when it was chosen
  bool index_only = false;        // one segment, to be indexed as it is
};

struct WorkChoice {
  // A segment with more dead slots is written anew: while points are written before searches have to go round them (as
  // collection_view.cpp does), at rest so soon that what is left takes at most a tenth more than it must.
  static constexpr double most_dead = 0.2, most_dead_at_rest = 1.0 / 11;

  const CollectionView& view;
  const CollectionConfig& config;
  const std::set<const PointTable*>& busy;  // in the work of a lane
  bool at_rest;                             // nothing comes that would make the work in vain: what can wait is done too

  std::optional<LaneWork> next(Lane lane) const;
  bool any() const { return next(Lane::flush) || next(Lane::small) || next(Lane::large); }

 private:
  std::optional<LaneWork> pressing(Lane lane) const;
  std::vector<size_t> idle_segments() const;  // in ascending order of size
  std::optional<LaneWork> flush() const;
  std::optional<LaneWork> clean(Lane lane, double most) const;
  std::optional<LaneWork> absorb(Lane lane) const;
  std::optional<LaneWork> merge(Lane lane) const;
  std::optional<LaneWork> index(Lane lane) const;
  size_t living(size_t table) const { return view.tables[table].live->count(); }
};

}  // namespace cowatch

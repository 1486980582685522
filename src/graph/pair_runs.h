// Counts that did not fit in memory: sorted runs on disk, and their merge.
#pragma once

#include <functional>

#include "graph/pairs.h"

namespace cowatch {

// Run files, removed with the object, also when an error ends the work.
class PairRuns {
 public:
  PairRuns(size_t items, Path folder, bool with_decay);
  ~PairRuns();
  PairRuns(const PairRuns&) = delete;

  size_t count() const { return paths_.size(); }
  uint64_t bytes() const { return bytes_; }
  // Writes one run: calls `fill` with a function that takes blocks in order.
  void add(const std::function<void(const std::function<void(PairBlock&&)>&)>& fill);
  // Adds up all runs and gives pairs with at least min_people to `take`, in order. Buffers take about
  // buffer_bytes. Of very many runs some are merged into one first, so that few files are open at once.
  void merge(uint32_t min_people, size_t buffer_bytes, const std::function<void(PairBlock&&)>& take);

 private:
  void merge(std::span<const Path> paths, uint32_t min_people, size_t buffer_bytes,
             const std::function<void(PairBlock&&)>& take) const;
  size_t items_;
  Path folder_;
  bool with_decay_;
  uint64_t bytes_ = 0;
  size_t made_ = 0;  // files so far, for their names
  std::vector<Path> paths_;
};

}  // namespace cowatch

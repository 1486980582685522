// The counters of one row of pairs: a number for every video, and a bitmap of those touched, which brings
// them back sorted and clears them without a look at the others.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>
#include <vector>

#include "graph/pairs.h"

namespace cowatch {

// Pairs that a block may take within so many bytes: vectors grow by doubling, so it may hold twice its pairs
// for a moment, and three times while it moves.
inline size_t pairs_within(size_t bytes, bool with_decay) {
  return bytes / (3 * (sizeof(CountedPair) + (with_decay ? sizeof(uint64_t) : 0)));
}

template <typename Count>
class PairCounters {
 public:
  PairCounters(size_t items, bool with_decay)
      : people_(items, 0), decay_(with_decay ? items : 0, 0), touched_((items + 63) / 64, 0) {}

  void raise(uint32_t item) {
    ++people_[item];
    touched_[item >> 6] |= uint64_t{1} << (item & 63);
  }
  void raise(uint32_t item, uint32_t people, uint64_t decay) {
    people_[item] += static_cast<Count>(people);
    touched_[item >> 6] |= uint64_t{1} << (item & 63);
    if (!decay_.empty()) decay_[item] += decay;
  }

  // Appends the pairs of `row` with at least min_people and clears everything.
  void harvest(uint32_t row, uint32_t min_people, PairBlock& block) {
    for (size_t word = row >> 6; word != touched_.size(); ++word) {
      for (uint64_t bits = std::exchange(touched_[word], 0); bits != 0; bits &= bits - 1) {
        const auto item = static_cast<uint32_t>(word << 6 | static_cast<size_t>(std::countr_zero(bits)));
        const uint32_t people = std::exchange(people_[item], Count{0});
        if (people >= min_people) block.pairs.push_back({row, item, people});
        if (decay_.empty()) continue;
        const uint64_t decay = std::exchange(decay_[item], 0);
        if (people >= min_people) block.decay.push_back(decay);
      }
    }
  }

 private:
  std::vector<Count> people_;
  std::vector<uint64_t> decay_;
  std::vector<uint64_t> touched_;
};

}  // namespace cowatch

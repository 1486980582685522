// The watches of one person, cut down to those that count.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "graph/pairs.h"

namespace cowatch {

struct CountingWatch {
  int64_t time_ms;
  uint32_t item;
};

// Whether it counts at all.
bool is_long_enough(const PairWatch& watch, const PairSettings& settings);

// Collects in bounded memory, whatever a person did: ten million watches need no more than two times
// max_watches.
class PersonWatches {
 public:
  explicit PersonWatches(const PairSettings& settings) : settings_(settings) {}

  void add(const PairWatch& watch, PairReport& report);
  // The newest max_watches in order of (time, item), exact repeats once; then forgets them.
  std::vector<CountingWatch> take(PairReport& report);

 private:
  void keep_newest(PairReport& report);

  const PairSettings& settings_;
  std::vector<CountingWatch> watches_;
};

// A video that another one pairs with, and the newest moment at which the pair came about.
struct Partner {
  uint32_t item;
  int64_t time_ms;
};
// The pairs that one person makes inside a session or a number of positions: for each video that has any, in
// ascending order, calls `take` with the larger ones it pairs with, each once, ascending. A row at a time,
// because ten thousand watches of one session make fifty million pairs.
void for_each_partner_row(const std::vector<CountingWatch>& watches, const PairSettings& settings,
                          const std::function<void(uint32_t item, std::span<const Partner>)>& take);

}  // namespace cowatch

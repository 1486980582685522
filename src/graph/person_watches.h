// The watches of one person, cut down to those that count.
#pragma once

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

// The pairs one person makes inside a session or a number of positions: for each video the larger ones it
// pairs with. Sorted by (u, v), each once, with the newest moment at which it came about.
struct PersonPair {
  uint32_t u, v;
  int64_t time_ms;
};
std::vector<PersonPair> pairs_in_window(const std::vector<CountingWatch>& watches,
                                        const PairSettings& settings);

}  // namespace cowatch

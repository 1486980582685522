// Set algebra over the slots of one segment. Both sets have the same size.
#pragma once

#include "search/compute/allowed.h"

namespace cowatch {

inline void intersect(Allowed& set, const Allowed& other) {
  for (size_t w = 0; w < set.words().size(); ++w) set.words()[w] &= other.words()[w];
  set.recount();
}

inline void unite(Allowed& set, const Allowed& other) {
  for (size_t w = 0; w < set.words().size(); ++w) set.words()[w] |= other.words()[w];
  set.recount();
}

inline void invert(Allowed& set) {
  for (uint64_t& word : set.words()) word = ~word;
  set.recount();
}

}  // namespace cowatch

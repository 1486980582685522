// The first index that has a property, found in parallel: what a check reports must not depend on the number
// of threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>

#include "base/threads.h"

namespace cowatch {

// The least i in [0, count) for which `matches(i)` holds, or `count`.
template <typename Matches>
size_t first_index(size_t count, size_t grain, const Matches& matches) {
  std::atomic<size_t> first{count};
  parallel_for(count, grain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i != end; ++i) {
      if (!matches(i)) continue;
      size_t known = first.load();
      while (i < known && !first.compare_exchange_weak(known, i)) {
      }
      return;
    }
  });
  return first;
}

}  // namespace cowatch

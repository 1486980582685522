// Lays the videos out so that every cluster of every round is a range of positions.
#pragma once

#include "graph/buffer.h"
#include "graph/tree.h"

namespace cowatch {

class TreeLayout {
 public:
  // parents[r]: cluster after round r (0: the video) → cluster after round r + 1; numbers in order of the
  // smallest video.
  static AffinityTree lay_out(size_t videos, const std::vector<Buffer<uint32_t>>& parents);
};

}  // namespace cowatch

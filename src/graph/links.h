// Links between numbered nodes, sorted and merged: the step that both the graph and the contraction of the
// tree are made of.
//
// Sorting is one pass that scatters links into buckets by their first node, each of which then fits in the
// second-level cache, and a counting sort inside each bucket. Bounds of the buckets, and so the result, do
// not depend on the number of threads. Parallel links are merged in order of weight, so the result does not
// depend on the order of the input either.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/buffer.h"

namespace cowatch {

template <typename Weight>
struct Link {
  uint32_t u, v;
  Weight weight;
};

struct Segment {
  size_t begin, count;
};

// Links in a buffer that may have holes: what counts lies in the segments, in their order.
template <typename Weight>
struct LinkSet {
  Buffer<Link<Weight>> links;
  std::vector<Segment> segments;

  // All of the buffer, cut into pieces of the fixed grain.
  static LinkSet of(Buffer<Link<Weight>> buffer);
  size_t count() const;
  // Segments in groups that make pieces of about link_grain links: first segment of each, and the end.
  std::vector<size_t> pieces() const;
};

enum class Merge { sum, maximum, minimum };

// Sorts by (u, v) and merges parallel links; u < nodes. Works from the set's buffer into `spare`, which is
// made when it is too small, and leaves the set's old buffer there: fresh memory costs as much as sorting.
// Returns how many links went into others.
template <typename Weight>
uint64_t sort_and_merge(LinkSet<Weight>& set, Buffer<Link<Weight>>& spare, size_t nodes, Merge merge);

// Links of one piece of work: enough to hide the cost of handing it out, few enough to share among threads.
constexpr size_t link_grain = size_t{1} << 18;

}  // namespace cowatch

#include "graph/links.h"

#include <algorithm>
#include <bit>

#include "base/threads.h"

namespace cowatch {
namespace {

// A bucket of this many links (16 bytes each) and its sorted copy lie in a second-level cache of 1 MiB.
constexpr size_t bucket_links = size_t{1} << 14;
constexpr size_t most_bins = size_t{1} << 14;

// First nodes are grouped in bins of equal width, and neighbouring bins in buckets of about equal weight.
struct Buckets {
  int shift = 0;                     // node >> shift: its bin
  std::vector<uint32_t> of_bin;      // bin → bucket
  std::vector<uint32_t> first_node;  // bucket → first node, and the end
  std::vector<size_t> begin;         // bucket → first place in the sorted buffer, and the end
  size_t count() const { return begin.size() - 1; }
};

int bin_shift(size_t nodes) {
  int shift = 0;
  while ((nodes >> shift) > most_bins) ++shift;
  return shift;
}

template <typename Weight>
std::vector<std::vector<uint32_t>> count_bins(const LinkSet<Weight>& input, size_t nodes, int shift) {
  std::vector<std::vector<uint32_t>> bins(input.segments.size());
  parallel_for(input.segments.size(), 1, [&](size_t first, size_t last) {
    for (size_t s = first; s != last; ++s) {
      bins[s].assign((nodes >> shift) + 1, 0);
      const auto* links = input.links.data() + input.segments[s].begin;
      for (size_t i = 0; i != input.segments[s].count; ++i) ++bins[s][links[i].u >> shift];
    }
  });
  return bins;
}

Buckets make_buckets(const std::vector<std::vector<uint32_t>>& bins, size_t nodes, int shift) {
  Buckets buckets;
  buckets.shift = shift;
  const size_t bin_count = (nodes >> shift) + 1;
  buckets.of_bin.resize(bin_count);
  size_t total = 0, in_bucket = 0;
  for (size_t bin = 0; bin != bin_count; ++bin) {
    size_t in_bin = 0;
    for (const auto& piece : bins) in_bin += piece[bin];
    if (buckets.begin.empty() || in_bucket + in_bin > bucket_links) {
      buckets.begin.push_back(total);
      buckets.first_node.push_back(static_cast<uint32_t>(bin << shift));
      in_bucket = 0;
    }
    in_bucket += in_bin;
    total += in_bin;
    buckets.of_bin[bin] = static_cast<uint32_t>(buckets.begin.size() - 1);
  }
  buckets.begin.push_back(total);
  buckets.first_node.push_back(static_cast<uint32_t>(nodes));
  return buckets;
}

// places[piece][bucket]: where the piece's first link of that bucket goes.
std::vector<std::vector<size_t>> make_places(const std::vector<std::vector<uint32_t>>& bins,
                                             const Buckets& buckets) {
  std::vector<std::vector<size_t>> places(bins.size());
  std::vector<size_t> next(buckets.begin.begin(), buckets.begin.end() - 1);
  for (size_t piece = 0; piece != bins.size(); ++piece) {
    places[piece] = next;
    for (size_t bin = 0; bin != bins[piece].size(); ++bin) next[buckets.of_bin[bin]] += bins[piece][bin];
  }
  return places;
}

template <typename Weight>
Weight merged_weight(const Link<Weight>* begin, const Link<Weight>* end, Merge merge) {
  if (merge == Merge::minimum) return begin->weight;  // links of a pair are in order of weight
  if (merge == Merge::maximum) return (end - 1)->weight;
  double sum = 0;
  for (const auto* link = begin; link != end; ++link) sum += static_cast<double>(link->weight);
  return static_cast<Weight>(sum);
}

template <typename Weight>
bool before(const Link<Weight>& a, const Link<Weight>& b) {
  return a.v != b.v ? a.v < b.v : a.weight < b.weight;
}

// Rows are mostly a few links long, where insertion beats everything.
template <typename Weight>
void sort_row(Link<Weight>* begin, Link<Weight>* end) {
  if (end - begin > 24) {
    std::sort(begin, end, before<Weight>);
    return;
  }
  for (auto* link = begin + 1; link < end; ++link) {
    const auto moving = *link;
    auto* hole = link;
    for (; hole != begin && before(moving, hole[-1]); --hole) *hole = hole[-1];
    *hole = moving;
  }
}

// Sorts one bucket, of nodes [first, last), and merges its parallel links. Returns how many remain.
template <typename Weight>
size_t sort_bucket(Link<Weight>* links, size_t count, uint32_t first, uint32_t last, Merge merge,
                   std::vector<Link<Weight>>& scratch, std::vector<uint32_t>& rows) {
  rows.assign(last - first + 1, 0);
  for (size_t i = 0; i != count; ++i) ++rows[links[i].u - first + 1];
  for (size_t row = 1; row < rows.size(); ++row) rows[row] += rows[row - 1];
  if (scratch.size() < count) scratch.resize(count);
  for (size_t i = 0; i != count; ++i) scratch[rows[links[i].u - first]++] = links[i];
  size_t kept = 0, begin = 0;
  for (size_t row = 0; row + 1 < rows.size(); ++row) {
    const size_t end = rows[row];  // the counting moved each row's begin to its end
    sort_row(scratch.data() + begin, scratch.data() + end);
    for (size_t i = begin; i != end;) {
      size_t j = i + 1;
      while (j != end && scratch[j].v == scratch[i].v) ++j;
      links[kept] = scratch[i];
      if (j - i > 1) links[kept].weight = merged_weight(scratch.data() + i, scratch.data() + j, merge);
      ++kept;
      i = j;
    }
    begin = end;
  }
  return kept;
}

template <typename Weight>
Buffer<Link<Weight>> scatter(LinkSet<Weight> input, const Buckets& buckets,
                             std::vector<std::vector<size_t>> places) {
  Buffer<Link<Weight>> sorted(buckets.begin.back());
  parallel_for(input.segments.size(), 1, [&](size_t first, size_t last) {
    for (size_t s = first; s != last; ++s) {
      const auto* links = input.links.data() + input.segments[s].begin;
      for (size_t i = 0; i != input.segments[s].count; ++i) {
        sorted[places[s][buckets.of_bin[links[i].u >> buckets.shift]]++] = links[i];
      }
    }
  });
  return sorted;
}

}  // namespace

template <typename Weight>
LinkSet<Weight> LinkSet<Weight>::of(Buffer<Link<Weight>> buffer) {
  LinkSet set;
  for (size_t begin = 0; begin < buffer.size(); begin += link_grain) {
    set.segments.push_back({begin, std::min(link_grain, buffer.size() - begin)});
  }
  set.links = std::move(buffer);
  return set;
}

template <typename Weight>
size_t LinkSet<Weight>::count() const {
  size_t total = 0;
  for (const Segment& segment : segments) total += segment.count;
  return total;
}

template <typename Weight>
LinkSet<Weight> sort_and_merge(LinkSet<Weight> input, size_t nodes, Merge merge, uint64_t* merged) {
  const int shift = bin_shift(nodes);
  const auto bins = count_bins(input, nodes, shift);
  const Buckets buckets = make_buckets(bins, nodes, shift);
  LinkSet<Weight> result;
  result.links = scatter(std::move(input), buckets, make_places(bins, buckets));
  result.segments.resize(buckets.count());
  constexpr size_t buckets_at_once = 16;
  parallel_for(buckets.count(), buckets_at_once, [&](size_t first, size_t last) {
    std::vector<Link<Weight>> scratch;
    std::vector<uint32_t> rows;
    for (size_t b = first; b != last; ++b) {
      const size_t begin = buckets.begin[b], count = buckets.begin[b + 1] - begin;
      const size_t kept = sort_bucket(result.links.data() + begin, count, buckets.first_node[b],
                                      buckets.first_node[b + 1], merge, scratch, rows);
      result.segments[b] = {begin, kept};
    }
  });
  if (merged != nullptr) *merged = result.links.size() - result.count();
  return result;
}

template struct LinkSet<float>;
template struct LinkSet<double>;
template LinkSet<float> sort_and_merge(LinkSet<float>, size_t, Merge, uint64_t*);
template LinkSet<double> sort_and_merge(LinkSet<double>, size_t, Merge, uint64_t*);

}  // namespace cowatch

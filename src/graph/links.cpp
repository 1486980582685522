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

// Links of each bin, for each piece of the input.
template <typename Weight>
std::vector<std::vector<uint32_t>> count_bins(const LinkSet<Weight>& input, const std::vector<size_t>& pieces,
                                              size_t nodes, int shift) {
  std::vector<std::vector<uint32_t>> bins(pieces.size() - 1);
  parallel_for(bins.size(), 1, [&](size_t first, size_t last) {
    for (size_t piece = first; piece != last; ++piece) {
      bins[piece].assign((nodes >> shift) + 1, 0);
      for (size_t s = pieces[piece]; s != pieces[piece + 1]; ++s) {
        const auto* links = input.links.data() + input.segments[s].begin;
        for (size_t i = 0; i != input.segments[s].count; ++i) ++bins[piece][links[i].u >> shift];
      }
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

// The weight of parallel links in one. Sums are taken in order of size: two orders of adding more than two
// numbers may differ in the last bit.
template <typename Weight>
Weight merged_weight(Link<Weight>* begin, Link<Weight>* end, Merge merge) {
  const auto lighter = [](const Link<Weight>& a, const Link<Weight>& b) { return a.weight < b.weight; };
  if (merge == Merge::minimum) return std::min_element(begin, end, lighter)->weight;
  if (merge == Merge::maximum) return std::max_element(begin, end, lighter)->weight;
  if (end - begin > 2) std::sort(begin, end, lighter);
  double sum = 0;
  for (const auto* link = begin; link != end; ++link) sum += static_cast<double>(link->weight);
  return static_cast<Weight>(sum);
}

// Sorts buckets, one after another, with the same scratch memory.
template <typename Weight>
class BucketSorter {
 public:
  explicit BucketSorter(size_t nodes) {
    const int bits = std::max(1, static_cast<int>(std::bit_width(nodes)));
    digits_ = (bits + most_digit_bits - 1) / most_digit_bits;
    digit_bits_ = (bits + digits_ - 1) / digits_;
  }

  // Sorts the links of nodes [first, last) and merges parallel ones. Returns how many remain, at the begin.
  size_t sort(Link<Weight>* links, size_t count, uint32_t first, uint32_t last, Merge merge) {
    if (count < few_links) {
      std::sort(links, links + count, [](const Link<Weight>& a, const Link<Weight>& b) {
        return a.u != b.u ? a.u < b.u : a.v < b.v;
      });
      return merge_runs(links, count, links, merge);
    }
    if (scratch_.size() < count) scratch_.resize(count);
    // Least significant digit first: the digits of v, then u.
    Link<Weight>* from = links;
    Link<Weight>* to = scratch_.data();
    for (int digit = 0; digit != digits_; ++digit) {
      const int shift = digit * digit_bits_;
      const uint32_t mask = (uint32_t{1} << digit_bits_) - 1;
      distribute(from, to, count, mask + 1, [=](const Link<Weight>& link) { return link.v >> shift & mask; });
      std::swap(from, to);
    }
    distribute(from, to, count, last - first, [=](const Link<Weight>& link) { return link.u - first; });
    return merge_runs(to, count, links, merge);
  }

 private:
  static constexpr int most_digit_bits = 12;  // 2^12 counters are half of a first-level cache
  static constexpr size_t few_links = 512;    // below, clearing counters costs more than comparing

  template <typename Digit>
  void distribute(const Link<Weight>* from, Link<Weight>* to, size_t count, size_t values,
                  const Digit& digit) {
    places_.assign(values + 1, 0);
    for (size_t i = 0; i != count; ++i) ++places_[digit(from[i]) + 1];
    for (size_t value = 1; value < values; ++value) places_[value] += places_[value - 1];
    for (size_t i = 0; i != count; ++i) to[places_[digit(from[i])]++] = from[i];
  }

  // `to` may be `from`.
  static size_t merge_runs(Link<Weight>* from, size_t count, Link<Weight>* to, Merge merge) {
    size_t kept = 0;
    for (size_t i = 0; i != count;) {
      size_t j = i + 1;
      while (j != count && from[j].v == from[i].v && from[j].u == from[i].u) ++j;
      Link<Weight> link = from[i];
      if (j - i > 1) link.weight = merged_weight(from + i, from + j, merge);
      to[kept++] = link;
      i = j;
    }
    return kept;
  }

  int digits_, digit_bits_;
  std::vector<Link<Weight>> scratch_;
  std::vector<uint32_t> places_;
};

template <typename Weight>
void scatter(const LinkSet<Weight>& input, const std::vector<size_t>& pieces, const Buckets& buckets,
             std::vector<std::vector<size_t>> places, Buffer<Link<Weight>>& sorted) {
  parallel_for(places.size(), 1, [&](size_t first, size_t last) {
    for (size_t piece = first; piece != last; ++piece) {
      for (size_t s = pieces[piece]; s != pieces[piece + 1]; ++s) {
        const auto* links = input.links.data() + input.segments[s].begin;
        for (size_t i = 0; i != input.segments[s].count; ++i) {
          sorted[places[piece][buckets.of_bin[links[i].u >> buckets.shift]]++] = links[i];
        }
      }
    }
  });
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
std::vector<size_t> LinkSet<Weight>::pieces() const {
  std::vector<size_t> first{0};
  size_t in_piece = 0;
  for (size_t s = 0; s != segments.size(); ++s) {
    in_piece += segments[s].count;
    if (in_piece < link_grain) continue;
    first.push_back(s + 1);
    in_piece = 0;
  }
  if (first.back() != segments.size()) first.push_back(segments.size());
  return first;
}

template <typename Weight>
uint64_t sort_and_merge(LinkSet<Weight>& set, Buffer<Link<Weight>>& spare, size_t nodes, Merge merge) {
  const int shift = bin_shift(nodes);
  const std::vector<size_t> pieces = set.pieces();
  const auto bins = count_bins(set, pieces, nodes, shift);
  const Buckets buckets = make_buckets(bins, nodes, shift);
  const size_t before = set.count();
  if (spare.size() < before) spare = Buffer<Link<Weight>>(before);
  scatter(set, pieces, buckets, make_places(bins, buckets), spare);
  std::swap(set.links, spare);
  set.segments.resize(buckets.count());
  constexpr size_t buckets_at_once = 16;
  parallel_for(buckets.count(), buckets_at_once, [&](size_t first, size_t last) {
    BucketSorter<Weight> sorter(nodes);
    for (size_t b = first; b != last; ++b) {
      const size_t begin = buckets.begin[b], count = buckets.begin[b + 1] - begin;
      set.segments[b] = {begin, sorter.sort(set.links.data() + begin, count, buckets.first_node[b],
                                            buckets.first_node[b + 1], merge)};
    }
  });
  return before - set.count();
}

template struct LinkSet<float>;
template struct LinkSet<double>;
template uint64_t sort_and_merge(LinkSet<float>&, Buffer<Link<float>>&, size_t, Merge);
template uint64_t sort_and_merge(LinkSet<double>&, Buffer<Link<double>>&, size_t, Merge);

}  // namespace cowatch

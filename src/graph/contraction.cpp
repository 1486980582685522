#include "graph/contraction.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <numeric>

#include "base/threads.h"

namespace cowatch {
namespace {

constexpr size_t node_grain = size_t{1} << 15;
// Links to look ahead when the nodes they name are about to be read at random.
constexpr size_t look_ahead = 24;

// Raises or lowers a number that other threads raise or lower too.
template <typename T>
void raise(T& target, T value) {
  std::atomic_ref<T> shared(target);
  T known = shared.load(std::memory_order_relaxed);
  while (known < value && !shared.compare_exchange_weak(known, value, std::memory_order_relaxed)) {
  }
}

template <typename T>
void lower(T& target, T value) {
  std::atomic_ref<T> shared(target);
  T known = shared.load(std::memory_order_relaxed);
  while (value < known && !shared.compare_exchange_weak(known, value, std::memory_order_relaxed)) {
  }
}

template <typename T>
T shared_load(const T& target) {
  return std::atomic_ref<T>(const_cast<T&>(target)).load(std::memory_order_relaxed);
}

template <typename T>
Buffer<T> filled(size_t count, T value) {
  Buffer<T> buffer(count);
  parallel_for(count, node_grain, [&](size_t begin, size_t end) {
    std::fill(buffer.data() + begin, buffer.data() + end, value);
  });
  return buffer;
}

// Calls body(links, count) for every segment, in parallel.
template <typename Weight, typename Body>
void for_each_segment(const LinkSet<Weight>& links, const Body& body) {
  const std::vector<size_t> first = links.pieces();
  parallel_for(first.size() - 1, 1, [&](size_t begin, size_t end) {
    for (size_t s = first[begin]; s != first[end]; ++s) {
      body(links.links.data() + links.segments[s].begin, links.segments[s].count);
    }
  });
}

template <typename T>
void prefetch(const Buffer<T>& buffer, uint32_t index) {
  __builtin_prefetch(buffer.data() + index);
}

// A positive float and the other end in one word: larger is better, and among equal weights the smaller other
// end, which for edges that share an end is the smaller (min id, max id). Bits of positive floats are in the
// order of the floats.
uint64_t packed(float weight, uint32_t other) {
  return uint64_t{std::bit_cast<uint32_t>(weight)} << 32 | uint32_t{~other};
}

double affinity_of(double sum, uint32_t size_u, uint32_t size_v, Linkage linkage) {
  if (linkage == Linkage::average) return sum / (static_cast<double>(size_u) * size_v);
  if (linkage == Linkage::sparsity) return sum / std::min(size_u, size_v);
  return sum;
}

Picks pick_by_weight(const LinkSet<float>& links, size_t nodes) {
  Buffer<uint64_t> best = filled<uint64_t>(nodes, 0);
  for_each_segment(links, [&](const Link<float>* link, size_t count) {
    for (size_t i = 0; i != count; ++i) {
      if (i + look_ahead < count) {
        prefetch(best, link[i + look_ahead].u);
        prefetch(best, link[i + look_ahead].v);
      }
      raise(best[link[i].u], packed(link[i].weight, link[i].v));
      raise(best[link[i].v], packed(link[i].weight, link[i].u));
    }
  });
  Picks picks{Buffer<uint32_t>(nodes), Buffer<double>(nodes)};
  parallel_for(nodes, node_grain, [&](size_t begin, size_t end) {
    for (size_t x = begin; x != end; ++x) {
      picks.partner[x] = best[x] == 0 ? no_node : ~static_cast<uint32_t>(best[x]);
      picks.affinity[x] = std::bit_cast<float>(static_cast<uint32_t>(best[x] >> 32));
    }
  });
  return picks;
}

// Doubles do not leave room for the other end in a word that threads can exchange at once: a first pass finds
// the largest affinity, a second one the smallest other end that reaches it.
Picks pick_by_affinity(const LinkSet<double>& links, const Buffer<uint32_t>& sizes, Linkage linkage) {
  const size_t nodes = sizes.size();
  Buffer<uint64_t> best = filled<uint64_t>(nodes, 0);
  Picks picks{filled<uint32_t>(nodes, no_node), Buffer<double>(nodes)};
  const auto bits_of = [&](const Link<double>& link) {
    return std::bit_cast<uint64_t>(affinity_of(link.weight, sizes[link.u], sizes[link.v], linkage));
  };
  const auto fetch_ahead = [&](const Link<double>* link, size_t i, size_t count) {
    if (i + look_ahead >= count) return;
    prefetch(best, link[i + look_ahead].v);
    prefetch(sizes, link[i + look_ahead].v);
  };
  // Links come sorted by their first end: what they say of it is gathered and told once.
  for_each_segment(links, [&](const Link<double>* link, size_t count) {
    for (size_t i = 0; i != count;) {
      const uint32_t u = link[i].u;
      uint64_t best_of_u = 0;
      for (; i != count && link[i].u == u; ++i) {
        fetch_ahead(link, i, count);
        const uint64_t bits = bits_of(link[i]);
        best_of_u = std::max(best_of_u, bits);
        raise(best[link[i].v], bits);
      }
      raise(best[u], best_of_u);
    }
  });
  for_each_segment(links, [&](const Link<double>* link, size_t count) {
    for (size_t i = 0; i != count; ++i) {
      fetch_ahead(link, i, count);
      const uint64_t bits = bits_of(link[i]);
      if (bits == best[link[i].u]) lower(picks.partner[link[i].u], link[i].v);
      if (bits == best[link[i].v]) lower(picks.partner[link[i].v], link[i].u);
    }
  });
  parallel_for(nodes, node_grain, [&](size_t begin, size_t end) {
    for (size_t x = begin; x != end; ++x) picks.affinity[x] = std::bit_cast<double>(best[x]);
  });
  return picks;
}

// The node that stands for each component. A pick leads to a stronger edge or back, so every walk along picks
// ends in two nodes that picked each other, or in one without a pick; the smaller of the two is the root.
Buffer<uint32_t> find_roots(const Buffer<uint32_t>& partner) {
  const size_t nodes = partner.size();
  Buffer<uint32_t> root(nodes);
  parallel_for(nodes, node_grain, [&](size_t begin, size_t end) {
    for (size_t x = begin; x != end; ++x) {
      const uint32_t other = partner[x];
      const bool is_root = other == no_node || (partner[other] == x && x < other);
      root[x] = is_root ? static_cast<uint32_t>(x) : other;
    }
  });
  // Each pass at least doubles the steps a node has come; a node that another thread moved is only further
  // on.
  for (std::atomic<bool> moved = true; moved;) {
    moved = false;
    parallel_for(nodes, node_grain, [&](size_t begin, size_t end) {
      bool moved_here = false;
      for (size_t x = begin; x != end; ++x) {
        const uint32_t next = shared_load(root[x]);
        const uint32_t after = shared_load(root[next]);
        if (after == next) continue;
        std::atomic_ref<uint32_t>(root[x]).store(after, std::memory_order_relaxed);
        moved_here = true;
      }
      if (moved_here) moved = true;
    });
  }
  return root;
}

// Numbers components in order of their smallest node. Returns how many there are.
size_t number_components(const Buffer<uint32_t>& root, Buffer<uint32_t>& of) {
  const size_t nodes = root.size();
  Buffer<uint32_t> smallest = filled<uint32_t>(nodes, no_node);
  parallel_for(nodes, node_grain, [&](size_t begin, size_t end) {
    for (size_t x = begin; x != end; ++x) lower(smallest[root[x]], static_cast<uint32_t>(x));
  });
  std::vector<size_t> first((nodes + node_grain - 1) / node_grain + 1, 0);
  const auto opens = [&](size_t x) { return smallest[root[x]] == x; };
  parallel_for(nodes, node_grain, [&](size_t begin, size_t end) {
    size_t count = 0;
    for (size_t x = begin; x != end; ++x) count += opens(x);
    first[begin / node_grain + 1] = count;
  });
  std::partial_sum(first.begin(), first.end(), first.begin());
  Buffer<uint32_t> number(nodes);
  parallel_for(nodes, node_grain, [&](size_t begin, size_t end) {
    size_t next = first[begin / node_grain];
    for (size_t x = begin; x != end; ++x) {
      if (opens(x)) number[root[x]] = static_cast<uint32_t>(next++);
    }
  });
  parallel_for(nodes, node_grain, [&](size_t begin, size_t end) {
    for (size_t x = begin; x != end; ++x) of[x] = number[root[x]];
  });
  return first.back();
}

Buffer<uint32_t> add_sizes(const Buffer<uint32_t>& group, size_t groups, const Buffer<uint32_t>& sizes) {
  Buffer<uint32_t> total = filled<uint32_t>(groups, 0);
  parallel_for(group.size(), node_grain, [&](size_t begin, size_t end) {
    for (size_t x = begin; x != end; ++x) {
      std::atomic_ref<uint32_t>(total[group[x]]).fetch_add(sizes[x], std::memory_order_relaxed);
    }
  });
  return total;
}

// Sets of nodes by path halving, with the videos in each.
class DisjointSets {
 public:
  explicit DisjointSets(const Buffer<uint32_t>& sizes)
      : parent_(sizes.size()), videos_(sizes.data(), sizes.data() + sizes.size()) {
    std::iota(parent_.begin(), parent_.end(), 0);
  }
  uint32_t find(uint32_t x) {
    while (parent_[x] != x) x = parent_[x] = parent_[parent_[x]];
    return x;
  }
  // Joins the sets of two nodes that are apart; returns how many videos the new set has.
  uint64_t join(uint32_t a, uint32_t b) {
    a = find(a), b = find(b);
    parent_[b] = a;
    return videos_[a] += videos_[b];
  }

 private:
  std::vector<uint32_t> parent_;
  std::vector<uint64_t> videos_;
};

}  // namespace

template <>
Picks pick_best(const LinkSet<float>& links, const Buffer<uint32_t>& sizes, Linkage) {
  return pick_by_weight(links, sizes.size());
}

template <>
Picks pick_best(const LinkSet<double>& links, const Buffer<uint32_t>& sizes, Linkage linkage) {
  return pick_by_affinity(links, sizes, linkage);
}

void drop_weak_picks(Picks& picks, double threshold) {
  parallel_for(picks.partner.size(), node_grain, [&](size_t begin, size_t end) {
    for (size_t x = begin; x != end; ++x) {
      if (picks.affinity[x] < threshold) picks.partner[x] = no_node;
    }
  });
}

uint64_t undo_oversized(Picks& picks, const Buffer<uint32_t>& sizes, size_t limit) {
  const Buffer<uint32_t> root = find_roots(picks.partner);
  const Buffer<uint32_t> videos = add_sizes(root, root.size(), sizes);
  std::vector<uint32_t>
      pickers;  // of the picked edges in question; one of the two where both picked the edge
  for (uint32_t x = 0; x != root.size(); ++x) {
    const uint32_t other = picks.partner[x];
    if (other == no_node || videos[root[x]] <= limit) continue;
    if (picks.partner[other] != x || x < other) pickers.push_back(x);
  }
  std::sort(pickers.begin(), pickers.end(), [&](uint32_t a, uint32_t b) {
    if (picks.affinity[a] != picks.affinity[b]) return picks.affinity[a] > picks.affinity[b];
    return std::minmax(a, picks.partner[a]) < std::minmax(b, picks.partner[b]);
  });
  // Joining from the strongest on shows, at each edge, the cluster that would fall in two if it were undone.
  DisjointSets sets(sizes);
  uint64_t undone = 0;
  std::vector<uint32_t> undo;
  for (const uint32_t x : pickers) {
    if (sets.join(x, picks.partner[x]) > limit) undo.push_back(x);
  }
  for (const uint32_t x : undo) {
    const uint32_t other = std::exchange(picks.partner[x], no_node);
    if (picks.partner[other] == x) picks.partner[other] = no_node;
    ++undone;
  }
  return undone;
}

Components connect(const Picks& picks, const Buffer<uint32_t>& sizes) {
  const Buffer<uint32_t> root = find_roots(picks.partner);
  Components components{Buffer<uint32_t>(root.size()), {}};
  const size_t count = number_components(root, components.of);
  components.sizes = add_sizes(components.of, count, sizes);
  return components;
}

template <typename Weight>
void relabel(LinkSet<Weight>& links, const Buffer<uint32_t>& component) {
  const std::vector<size_t> first = links.pieces();
  parallel_for(first.size() - 1, 1, [&](size_t begin, size_t end) {
    for (size_t s = first[begin]; s != first[end]; ++s) {
      Link<Weight>* link = links.links.data() + links.segments[s].begin;
      const size_t count = links.segments[s].count;
      size_t kept = 0;
      for (size_t i = 0; i != count; ++i) {
        if (i + look_ahead < count) {
          prefetch(component, link[i + look_ahead].u);
          prefetch(component, link[i + look_ahead].v);
        }
        const uint32_t u = component[link[i].u], v = component[link[i].v];
        link[kept] = {std::min(u, v), std::max(u, v), link[i].weight};
        kept += u != v;
      }
      links.segments[s].count = kept;
    }
  });
}

template void relabel(LinkSet<float>&, const Buffer<uint32_t>&);
template void relabel(LinkSet<double>&, const Buffer<uint32_t>&);

}  // namespace cowatch

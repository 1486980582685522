#include "graph/contraction.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <type_traits>

#include "base/threads.h"

namespace cowatch {
namespace {

constexpr size_t node_grain = size_t{1} << 15;

// Lowers a number that other threads lower too.
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

template <typename Weight>
Picker<Weight>::Picker(const Buffer<uint32_t>& sizes, Linkage linkage)
    : linkage_(linkage), best_(sizes.size()) {
  parallel_for(sizes.size(), node_grain, [&](size_t begin, size_t end) {
    for (size_t x = begin; x != end; ++x) {
      best_[x].affinity = 0;
      best_[x].other = no_node;
      if constexpr (std::is_same_v<Weight, double>) best_[x].videos = sizes[x];
    }
  });
}

template <typename Weight>
Weight Picker<Weight>::affinity(Weight weight, const BestEdge<Weight>& u, const BestEdge<Weight>& v) const {
  if constexpr (std::is_same_v<Weight, double>) {
    if (linkage_ == Linkage::average) return weight / (static_cast<double>(u.videos) * v.videos);
    if (linkage_ == Linkage::sparsity) return weight / std::min(u.videos, v.videos);
  }
  return weight;
}

template <typename Weight>
void Picker<Weight>::offer(std::span<const Link<Weight>> links) {
  constexpr size_t look_ahead = 16;
  // Stored only where better: of a hub hardly ever, and then nothing waits for the store. Among edges that
  // share an end, the order of the other end is that of (min id, max id).
  const auto raise = [](BestEdge<Weight>& best, Weight affinity, uint32_t other) {
    if (affinity < best.affinity || (affinity == best.affinity && other >= best.other)) return;
    best.affinity = affinity;
    best.other = other;
  };
  for (size_t i = 0; i != links.size(); ++i) {
    if (i + look_ahead < links.size()) {
      __builtin_prefetch(&best_[links[i + look_ahead].u]);
      __builtin_prefetch(&best_[links[i + look_ahead].v]);
    }
    const Link<Weight>& link = links[i];
    BestEdge<Weight>&u = best_[link.u], &v = best_[link.v];
    const Weight a = affinity(link.weight, u, v);
    raise(u, a, link.v);
    raise(v, a, link.u);
  }
}

template <typename Weight>
uint64_t Picker<Weight>::alone() const {
  return static_cast<uint64_t>(
      std::ranges::count(best_.span(), no_node, [](const BestEdge<Weight>& best) { return best.other; }));
}

template <typename Weight>
Picks Picker<Weight>::take(double threshold, bool with_affinity) const {
  Picks picks{Buffer<uint32_t>(best_.size()), Buffer<double>(with_affinity ? best_.size() : 0)};
  parallel_for(best_.size(), node_grain, [&](size_t begin, size_t end) {
    for (size_t x = begin; x != end; ++x) {
      const auto affinity = static_cast<double>(best_[x].affinity);
      picks.partner[x] = affinity < threshold ? no_node : best_[x].other;
      if (with_affinity) picks.affinity[x] = affinity;
    }
  });
  return picks;
}

template class Picker<float>;
template class Picker<double>;

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

}  // namespace cowatch

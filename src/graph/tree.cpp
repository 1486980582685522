#include "graph/tree.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "base/hash.h"
#include "base/threads.h"
#include "graph/tree_layout.h"

namespace cowatch {
namespace {

constexpr std::array<std::string_view, 5> linkage_names{"maximum", "average", "sum", "minimum", "sparsity"};
constexpr size_t cluster_grain = 4096;

// For numbers `parent_rank[parent[c]]` of children c: where the children of each rank begin, and the end.
std::vector<uint32_t> child_begins(const Buffer<uint32_t>& parent, const std::vector<uint32_t>& parent_rank) {
  std::vector<uint32_t> begins(parent_rank.size() + 1, 0);
  for (const uint32_t p : parent.span()) ++begins[parent_rank[p] + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  return begins;
}

// Children in order of their parent's rank, then of their own number.
std::vector<uint32_t> child_ranks(const Buffer<uint32_t>& parent, const std::vector<uint32_t>& parent_rank,
                                  std::vector<uint32_t> next) {
  std::vector<uint32_t> ranks(parent.size());
  for (size_t c = 0; c != ranks.size(); ++c) ranks[c] = next[parent_rank[parent[c]]]++;
  return ranks;
}

std::vector<uint32_t> counting_up(size_t count) {
  std::vector<uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

}  // namespace

std::string_view linkage_name(Linkage linkage) {
  return linkage_names[static_cast<size_t>(linkage)];
}

std::optional<Linkage> linkage_named(std::string_view name) {
  const auto found = std::find(linkage_names.begin(), linkage_names.end(), name);
  if (found == linkage_names.end()) return std::nullopt;
  return static_cast<Linkage>(found - linkage_names.begin());
}

uint32_t AffinityTree::cluster(size_t round, uint32_t video) const {
  return round == 0 ? positions_[video] : cluster_of_[round - 1][positions_[video]];
}

AffinityTree::Range AffinityTree::range_of(size_t round, uint32_t video) const {
  const uint32_t number = cluster(round, video);
  return round == 0 ? Range{number, number + 1} : range(round, number);
}

AffinityTree TreeLayout::lay_out(size_t videos, const std::vector<Buffer<uint32_t>>& parents) {
  const size_t rounds = parents.size();
  size_t top = videos;
  if (rounds > 0 && videos > 0)
    top = *std::max_element(parents.back().span().begin(), parents.back().span().end()) + size_t{1};
  std::vector<uint32_t> ranks = counting_up(top);
  std::vector<std::vector<uint32_t>> children(rounds);  // per round: rank → first rank of the round below
  for (size_t round = rounds; round-- > 0;) {
    children[round] = child_begins(parents[round], ranks);
    ranks = child_ranks(parents[round], ranks, children[round]);
  }
  AffinityTree tree;
  tree.positions_ = std::move(ranks);
  tree.order_.resize(videos);
  for (uint32_t video = 0; video != videos; ++video) tree.order_[tree.positions_[video]] = video;
  for (size_t round = 0; round != rounds; ++round) {
    auto begins = std::move(children[round]);
    if (round > 0) {
      for (uint32_t& begin : begins) begin = tree.begins_[round - 1][begin];
    }
    tree.begins_.push_back(std::move(begins));
  }
  tree.number_positions();
  return tree;
}

void AffinityTree::number_positions() {
  cluster_of_.assign(rounds(), std::vector<uint32_t>(videos()));
  for (size_t round = 1; round <= rounds(); ++round) {
    parallel_for(clusters(round), cluster_grain, [&](size_t first, size_t last) {
      for (size_t c = first; c != last; ++c) {
        const Range r = range(round, static_cast<uint32_t>(c));
        std::fill(cluster_of_[round - 1].begin() + r.begin, cluster_of_[round - 1].begin() + r.end,
                  static_cast<uint32_t>(c));
      }
    });
  }
}

std::string AffinityTree::fingerprint() const {
  Fingerprint fingerprint;
  fingerprint.add(hash64(std::as_bytes(std::span(order_))));
  for (const auto& begins : begins_) fingerprint.add(hash64(std::as_bytes(std::span(begins))));
  return fingerprint.digest();
}

}  // namespace cowatch

// The rounds of affinity clustering, from links to the tree.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/progress.h"
#include "base/threads.h"
#include "graph/contraction.h"
#include "graph/edge_check.h"
#include "graph/parallel_search.h"
#include "graph/tree.h"
#include "graph/tree_layout.h"

namespace cowatch {
namespace {

void check_settings(const TreeSettings& settings) {
  if (settings.rounds < 1 || settings.rounds > most_tree_rounds) {
    throw Error(ErrorCode::bad_argument, "a tree needs rounds",
                {.where = "tree.rounds",
                 .expected = "1 to " + std::to_string(most_tree_rounds),
                 .found = std::to_string(settings.rounds),
                 .remedy = ""});
  }
  if (settings.thresholds.size() > static_cast<size_t>(settings.rounds)) {
    throw Error(ErrorCode::bad_argument, "there are more thresholds than rounds",
                {.where = "tree.thresholds",
                 .expected = "at most " + std::to_string(settings.rounds) + ", one for each of tree.rounds",
                 .found = std::to_string(settings.thresholds.size()),
                 .remedy = "Raise tree.rounds, or leave out the last thresholds."});
  }
  for (const double threshold : settings.thresholds) {
    if (std::isfinite(threshold)) continue;
    throw Error(ErrorCode::bad_argument, "a threshold is not a number",
                {.where = "tree.thresholds",
                 .expected = "finite numbers",
                 .found = std::to_string(threshold),
                 .remedy = ""});
  }
}

// Whether edges are as Graph::edge_list() gives them: u < v, ascending, so that none is parallel to another.
bool is_canonical(const std::vector<Edge>& edges) {
  const size_t wrong = first_index(edges.size(), edge_grain, [&](size_t i) {
    if (edges[i].u >= edges[i].v) return true;
    return i > 0 && std::pair(edges[i - 1].u, edges[i - 1].v) >= std::pair(edges[i].u, edges[i].v);
  });
  return wrong == edges.size();
}

// The picks of a round. `labels`: the components of the round before, none in the first.
template <typename Weight>
Picker<Weight> pick(EdgeGrid<Weight>& links, const Buffer<uint32_t>* labels, const Buffer<uint32_t>& sizes,
                    Linkage linkage, bool may_be_parallel, TreeReport& report) {
  Picker<Weight> picker(sizes, linkage);
  const auto offer = [&](std::span<const Link<Weight>> some) { picker.offer(some); };
  if (labels != nullptr) links.relabel(*labels, sizes.size());
  // With maximum linkage a parallel link changes nothing: the largest is found among all as among a few.
  if (!may_be_parallel || linkage == Linkage::maximum) {
    links.visit(offer);
  } else {
    const uint64_t merged = links.merge(linkage == Linkage::minimum ? Merge::minimum : Merge::sum, offer);
    if (labels == nullptr) report.merged_edges = merged;
  }
  return picker;
}

uint64_t unpicked(const Picks& picks) {
  return static_cast<uint64_t>(std::ranges::count(picks.partner.span(), no_node));
}

template <typename Weight>
AffinityTree cluster(size_t nodes, std::vector<Edge>&& edges, const TreeSettings& settings,
                     TreeReport& report) {
  const bool canonical = is_canonical(edges);
  const size_t given = edges.size();
  EdgeGrid<Weight> links(nodes, std::move(edges));
  report.self_loops = given - links.count();
  report.isolated = nodes;
  Buffer<uint32_t> sizes(nodes);
  std::fill(sizes.data(), sizes.data() + nodes, 1);
  std::vector<Buffer<uint32_t>> parents;
  for (size_t round = 0; round != static_cast<size_t>(settings.rounds); ++round) {
    throw_if_interrupted();
    const auto picker = pick(links, round > 0 ? &parents.back() : nullptr, sizes, settings.linkage,
                             round > 0 || !canonical, report);
    const uint64_t alone = picker.alone();
    if (round == 0) report.isolated = alone;
    if (alone == sizes.size()) break;  // no link is left
    const bool limited = settings.max_cluster_size > 0;
    const double threshold = round < settings.thresholds.size() ? settings.thresholds[round] : 0;
    Picks picks = picker.take(threshold, limited);
    if (threshold > 0) report.held_back += unpicked(picks) - alone;
    if (limited) report.undone_picks += undo_oversized(picks, sizes, settings.max_cluster_size);
    Components components = connect(picks, sizes);
    sizes = std::move(components.sizes);
    parents.push_back(std::move(components.of));
  }
  return TreeLayout::lay_out(nodes, parents);
}

}  // namespace

AffinityTree build_tree(const Graph& graph, const TreeSettings& settings, TreeReport* report) {
  return build_tree(graph.nodes(), graph.edge_list(), settings, report);
}

AffinityTree build_tree(size_t nodes, std::vector<Edge>&& edges, const TreeSettings& settings,
                        TreeReport* report) {
  check_settings(settings);
  check_edges(edges, nodes);
  TreeReport own;
  TreeReport& filled = report != nullptr ? *report : own;
  filled = {};
  // The largest and the smallest weight are weights themselves; sums need more digits.
  const bool sums = settings.linkage != Linkage::maximum && settings.linkage != Linkage::minimum;
  return sums ? cluster<double>(nodes, std::move(edges), settings, filled)
              : cluster<float>(nodes, std::move(edges), settings, filled);
}

}  // namespace cowatch

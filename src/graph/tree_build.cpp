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

bool adds_weights(Linkage linkage) {
  return linkage != Linkage::maximum && linkage != Linkage::minimum;
}

Merge merge_of(Linkage linkage) {
  if (linkage == Linkage::maximum) return Merge::maximum;
  return linkage == Linkage::minimum ? Merge::minimum : Merge::sum;
}

void check_settings(const TreeSettings& settings) {
  if (settings.rounds < 1 || settings.rounds > most_tree_rounds) {
    throw Error(ErrorCode::bad_argument, "a tree needs rounds",
                {.where = "tree.rounds",
                 .expected = "1 to " + std::to_string(most_tree_rounds),
                 .found = std::to_string(settings.rounds),
                 .remedy = ""});
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

// Edges as links with u < v, without loops.
template <typename Weight>
LinkSet<Weight> links_of(std::vector<Edge>&& edges, uint64_t& loops) {
  LinkSet<Weight> links = LinkSet<Weight>::of(Buffer<Link<Weight>>(edges.size()));
  parallel_for(links.segments.size(), 1, [&](size_t first, size_t last) {
    for (size_t s = first; s != last; ++s) {
      Segment& segment = links.segments[s];
      size_t next = segment.begin;
      for (size_t i = segment.begin; i != segment.begin + segment.count; ++i) {
        const auto [u, v] = std::minmax(edges[i].u, edges[i].v);
        links.links[next] = {u, v, static_cast<Weight>(edges[i].weight)};
        next += u != v;
      }
      segment.count = next - segment.begin;
    }
  });
  loops = edges.size() - links.count();
  std::vector<Edge>().swap(edges);
  return links;
}

// Whether edges are as Graph::edge_list() gives them: u < v, ascending, so that none is parallel to another.
bool is_canonical(const std::vector<Edge>& edges) {
  const size_t wrong = first_index(edges.size(), link_grain, [&](size_t i) {
    if (edges[i].u >= edges[i].v) return true;
    return i > 0 && std::pair(edges[i - 1].u, edges[i - 1].v) >= std::pair(edges[i].u, edges[i].v);
  });
  return wrong == edges.size();
}

uint64_t count_isolated(const Picks& picks) {
  uint64_t isolated = 0;
  for (const uint32_t partner : picks.partner.span()) isolated += partner == no_node;
  return isolated;
}

template <typename Weight>
AffinityTree cluster(size_t nodes, LinkSet<Weight> links, Buffer<Link<Weight>> spare,
                     const TreeSettings& settings, TreeReport& report) {
  Buffer<uint32_t> sizes(nodes);
  std::fill(sizes.data(), sizes.data() + nodes, 1);
  std::vector<Buffer<uint32_t>> parents;
  report.isolated = nodes;
  for (int round = 0; round != settings.rounds && links.count() > 0; ++round) {
    throw_if_interrupted();
    Picks picks = pick_best(links, sizes, settings.linkage);
    if (round == 0) report.isolated = count_isolated(picks);
    const auto place = static_cast<size_t>(round);
    if (place < settings.thresholds.size()) drop_weak_picks(picks, settings.thresholds[place]);
    if (settings.max_cluster_size > 0) {
      report.undone_picks += undo_oversized(picks, sizes, settings.max_cluster_size);
    }
    Components components = connect(picks, sizes);
    picks = {};
    sizes = std::move(components.sizes);
    parents.push_back(std::move(components.of));
    if (round + 1 == settings.rounds) break;  // nobody will look at the links again
    relabel(links, parents.back());
    // With maximum linkage a parallel link changes nothing: the largest is found among all as among a few.
    if (settings.linkage != Linkage::maximum) {
      sort_and_merge(links, spare, sizes.size(), merge_of(settings.linkage));
    }
  }
  return TreeLayout::lay_out(nodes, parents);
}

template <typename Weight>
AffinityTree cluster_edges(size_t nodes, std::vector<Edge>&& edges, const TreeSettings& settings,
                           TreeReport& report) {
  const bool canonical = is_canonical(edges);
  LinkSet<Weight> links = links_of<Weight>(std::move(edges), report.self_loops);
  Buffer<Link<Weight>> spare;
  if (!canonical && settings.linkage != Linkage::maximum) {
    report.merged_edges = sort_and_merge(links, spare, nodes, merge_of(settings.linkage));
  }
  return cluster(nodes, std::move(links), std::move(spare), settings, report);
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
  return adds_weights(settings.linkage) ? cluster_edges<double>(nodes, std::move(edges), settings, filled)
                                        : cluster_edges<float>(nodes, std::move(edges), settings, filled);
}

}  // namespace cowatch

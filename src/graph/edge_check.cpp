#include "graph/edge_check.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/parallel_search.h"

namespace cowatch {
namespace {

bool is_valid(const Edge& edge, size_t nodes) {
  return edge.u < nodes && edge.v < nodes && edge.weight > 0 && std::isfinite(edge.weight);
}

[[noreturn]] void refuse(const Edge& edge, size_t place, size_t nodes) {
  const std::string where = "edge " + std::to_string(place) + " (" + std::to_string(edge.u) + ", " +
                            std::to_string(edge.v) + ", weight " + std::to_string(edge.weight) + ")";
  const uint32_t id = std::max(edge.u, edge.v);
  if (id >= nodes) {
    throw Error(ErrorCode::bad_input, "an edge names a video that does not exist",
                {.where = where,
                 .expected = "ids below " + std::to_string(nodes),
                 .found = std::to_string(id),
                 .remedy = "Import the videos first, or correct the edge."});
  }
  throw Error(ErrorCode::bad_input, "an edge has an impossible weight",
              {.where = where,
               .expected = "a finite number above 0",
               .found = std::to_string(edge.weight),
               .remedy = "Leave the edge out, or give it a weight."});
}

}  // namespace

void check_edges(const std::vector<Edge>& edges, size_t nodes) {
  if (nodes >= std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorCode::too_large, "a graph has too many videos",
                {.where = "",
                 .expected = "fewer than 2^32 - 1",
                 .found = std::to_string(nodes),
                 .remedy = "Split the catalogue."});
  }
  const size_t wrong =
      first_index(edges.size(), edge_grain, [&](size_t i) { return !is_valid(edges[i], nodes); });
  if (wrong != edges.size()) refuse(edges[wrong], wrong, nodes);
}

void refuse_overflow(uint32_t u, uint32_t v) {
  throw Error(ErrorCode::bad_input, "the weights of parallel edges overflow when added",
              {.where = "edge (" + std::to_string(u) + ", " + std::to_string(v) + ")",
               .expected = "a sum below 3.4e38",
               .found = "infinity",
               .remedy = "Scale the weights down."});
}

}  // namespace cowatch

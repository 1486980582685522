// A plane in which near neighbours stay near: the layout of UMAP (McInnes, Healy and Melville, 2018) with the
// plain kernel 1 / (1 + d²) of t-SNE, optimised by sampled edges and negatives.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace cowatch {

// The nearest neighbours of each point, nearest first, `per_point` a point; missing ones repeat the point
// itself. Borrowed.
struct NeighbourTable {
  size_t per_point = 0;
  std::span<const uint32_t> neighbours;  // points × per_point
  std::span<const float> distances;      // the same shape, ascending in a row, not negative

  size_t points() const { return per_point == 0 ? 0 : neighbours.size() / per_point; }
};

// Moves `positions` (points × 2, a rough layout within ±1) so that neighbours come together and others move
// apart, and brings them into [-1, 1] about their middle. Neighbours that are far from their point in relation
// to its others weigh less. One thread; the same input gives the same result.
void lay_out_neighbours(const NeighbourTable& table, uint64_t seed, std::vector<float>& positions);

}  // namespace cowatch

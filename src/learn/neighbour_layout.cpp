#include "learn/neighbour_layout.h"

#include <algorithm>
#include <cmath>
#include <tuple>

#include "base/random.h"

namespace cowatch {
namespace {

constexpr uint32_t layout_stream = 0x6d6170;  // "map"
constexpr float start_width = 10;             // of the plane in which points move, in units of the kernel
constexpr float largest_move = 4;             // of one coordinate in one step, before the rate
constexpr size_t many_points = 10000;         // from here on fewer epochs do
constexpr uint32_t epochs_of_few = 500, epochs_of_many = 200;

struct Edge {
  uint32_t from, to;
  float weight;
};

// The width of a point's kernel: the weights of its neighbours add up to log2 of their number.
float kernel_width(std::span<const float> distances, float nearest) {
  const auto total = [&](double width) {
    double sum = 0;
    for (const float distance : distances) sum += std::exp(-std::max(0.f, distance - nearest) / width);
    return sum;
  };
  const double wanted = std::log2(static_cast<double>(distances.size()) + 1);
  double low = 1e-6, high = 1e3;
  for (int round = 0; round < 50; ++round) {
    const double middle = std::sqrt(low * high);
    (total(middle) < wanted ? low : high) = middle;
  }
  return static_cast<float>(high);
}

// Weighted edges in both directions' union: a + b − ab, where a and b are what either end gives the other.
std::vector<Edge> edges_of(const NeighbourTable& table) {
  std::vector<Edge> directed;
  directed.reserve(table.neighbours.size());
  for (uint32_t point = 0; point < table.points(); ++point) {
    const auto neighbours = table.neighbours.subspan(point * table.per_point, table.per_point);
    const auto distances = table.distances.subspan(point * table.per_point, table.per_point);
    const float width = kernel_width(distances, distances[0]);
    for (size_t i = 0; i < neighbours.size(); ++i) {
      if (neighbours[i] == point) continue;
      const float weight = std::exp(-std::max(0.f, distances[i] - distances[0]) / width);
      directed.push_back({std::min(point, neighbours[i]), std::max(point, neighbours[i]), weight});
    }
  }
  std::sort(directed.begin(), directed.end(), [](const Edge& a, const Edge& b) {
    return std::tuple(a.from, a.to, a.weight) < std::tuple(b.from, b.to, b.weight);
  });
  std::vector<Edge> edges;
  for (const Edge& edge : directed) {
    if (!edges.empty() && edges.back().from == edge.from && edges.back().to == edge.to) {
      edges.back().weight += edge.weight - edges.back().weight * edge.weight;
    } else {
      edges.push_back(edge);
    }
  }
  return edges;
}

float bounded(float move) {
  return std::clamp(move, -largest_move, largest_move);
}

// Pulls the ends of an edge together: the gradient of log(1 / (1 + d²)).
void pull(float* from, float* to, float rate) {
  const float x = from[0] - to[0], y = from[1] - to[1];
  const float factor = -2 / (1 + x * x + y * y);
  const float move_x = bounded(factor * x) * rate, move_y = bounded(factor * y) * rate;
  from[0] += move_x, from[1] += move_y;
  to[0] -= move_x, to[1] -= move_y;
}

// Pushes a point away from another: the gradient of log(1 − 1 / (1 + d²)).
void push(float* point, const float* other, float rate) {
  const float x = point[0] - other[0], y = point[1] - other[1], square = x * x + y * y;
  const float factor = 2 / ((0.001f + square) * (1 + square));
  point[0] += bounded(factor * x) * rate;
  point[1] += bounded(factor * y) * rate;
}

// Each edge takes part in as many epochs as its weight says, the heaviest in all.
void move_points(const std::vector<Edge>& edges, uint64_t seed, std::vector<float>& positions) {
  const size_t points = positions.size() / 2;
  const uint32_t epochs = points < many_points ? epochs_of_few : epochs_of_many;
  const Random random(seed, layout_stream);
  float heaviest = 0;
  for (const Edge& edge : edges) heaviest = std::max(heaviest, edge.weight);
  std::vector<float> due(edges.size(), 0);
  for (uint32_t epoch = 0; epoch < epochs; ++epoch) {
    const float rate = 1 - static_cast<float>(epoch) / static_cast<float>(epochs);
    for (size_t e = 0; e < edges.size(); ++e) {
      due[e] += edges[e].weight / heaviest;
      if (due[e] < 1) continue;
      due[e] -= 1;
      float* from = &positions[2 * edges[e].from];
      float* to = &positions[2 * edges[e].to];
      pull(from, to, rate);
      // Four points push each end: as many as one draw gives.
      for (int half = 0; half < 2; ++half) {
        float* point = half == 0 ? from : to;
        for (const uint32_t word : random.words(uint64_t{epoch} << 32 | e, static_cast<uint32_t>(half))) {
          const float* other = &positions[2 * (uint64_t{word} * points >> 32)];
          if (other != point) push(point, other, rate);
        }
      }
    }
  }
}

// About the middle, so that all but a few outliers fill [-1, 1]; those stand on its border.
void fit(std::vector<float>& positions) {
  const size_t points = positions.size() / 2;
  std::vector<float> sorted(points), sizes;
  for (size_t axis = 0; axis < 2; ++axis) {
    for (size_t i = 0; i < points; ++i) sorted[i] = positions[2 * i + axis];
    std::sort(sorted.begin(), sorted.end());
    const float low = sorted[points / 200], high = sorted[points - 1 - points / 200];
    for (size_t i = 0; i < points; ++i) positions[2 * i + axis] -= (low + high) / 2;
    sizes.push_back((high - low) / 2);
  }
  const float scale = std::max({sizes[0], sizes[1], 1e-6f});
  for (float& value : positions) value = std::clamp(value / scale, -1.f, 1.f);
}

}  // namespace

void lay_out_neighbours(const NeighbourTable& table, uint64_t seed, std::vector<float>& positions) {
  if (table.points() < 2) {
    std::fill(positions.begin(), positions.end(), 0.f);
    return;
  }
  for (float& value : positions) value *= start_width;
  move_points(edges_of(table), seed, positions);
  fit(positions);
}

}  // namespace cowatch

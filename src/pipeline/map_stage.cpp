#include "pipeline/map_stage.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/hash.h"
#include "base/progress.h"
#include "learn/neighbour_layout.h"
#include "math/eigen.h"
#include "pipeline/contents.h"
#include "search/embedding_index.h"

namespace cowatch {
namespace {

constexpr size_t most_sampled = 4096;
// Neighbours are searched exactly, which is quadratic: more videos are projected only.
constexpr size_t most_by_neighbours = 150'000;
constexpr size_t neighbours_per_video = 12, queries_at_once = 4096;
constexpr uint64_t layout_seed = 1;

std::string fingerprint(const Workspace& workspace) {
  return Fingerprint()
      .add("map 2")
      .add(content_digest(workspace.embeddings(), "Run `cowatch embed WS`."))
      .digest();
}

// Values to [-1, 1], half linear by size and half by rank: outliers stay visible without pressing the rest
// together.
void spread_axis(std::vector<float>& positions, size_t axis) {
  std::vector<uint32_t> order(positions.size() / 2);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::pair(positions[2 * a + axis], a) < std::pair(positions[2 * b + axis], b);
  });
  if (order.empty()) return;
  const float low = positions[2 * order.front() + axis], high = positions[2 * order.back() + axis];
  for (size_t i = 0; i < order.size(); ++i) {
    float& value = positions[2 * order[i] + axis];
    const float by_size = high > low ? 2 * (value - low) / (high - low) - 1 : 0;
    const float by_rank =
        order.size() > 1 ? 2 * static_cast<float>(i) / static_cast<float>(order.size() - 1) - 1 : 0;
    value = 0.5f * (by_size + by_rank);
  }
}

}  // namespace

Path map_file(const Workspace& workspace) {
  return workspace.file("map.safetensors");
}

bool map_is_current(const Workspace& workspace) {
  return input_of(map_file(workspace)) == fingerprint(workspace);
}

namespace {

// Projects the rows onto the two leading principal directions of a sample of them, within ±1.
std::vector<float> principal_layout(const EmbeddingIndex& index, const std::vector<uint32_t>& rows) {
  const size_t width = index.width(), step = std::max<size_t>(1, rows.size() / most_sampled);
  std::vector<double> mean(width), covariance(width * width);
  std::vector<float> sample;
  for (size_t i = 0; i < rows.size(); i += step)
    sample.insert(sample.end(), index.row(rows[i]).begin(), index.row(rows[i]).end());
  const size_t count = sample.size() / width;
  for (size_t i = 0; i < sample.size(); ++i) mean[i % width] += sample[i] / static_cast<double>(count);
  for (size_t i = 0; i < sample.size(); ++i) sample[i] -= static_cast<float>(mean[i % width]);
  std::vector<float> products(width * width);
  const ConstMatrix table(sample.data(), count, width);
  if (count > 0)
    multiply(Transpose::yes, Transpose::no, 1, table, table, 0, Matrix(products.data(), width, width));
  covariance.assign(products.begin(), products.end());
  const Eigen eigen = symmetric_eigen(covariance, width);
  std::vector<float> positions(rows.size() * 2);
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t axis = 0; axis < 2; ++axis) {
      double sum = 0;
      for (size_t i = 0; i < width; ++i)
        sum += (index.row(rows[r])[i] - mean[i]) * eigen.vectors[axis * width + i];
      positions[2 * r + axis] = static_cast<float>(sum);
    }
  }
  for (size_t axis = 0; axis < 2; ++axis) spread_axis(positions, axis);
  return positions;
}

// Neighbours of every row among the rows, by the numbers they have in `rows`.
void neighbour_layout(const EmbeddingIndex& index, const std::vector<uint32_t>& rows,
                      std::vector<float>& positions) {
  const size_t per_point = std::min(neighbours_per_video, rows.size() - 1);
  std::vector<uint32_t> place(index.size());
  for (size_t r = 0; r < rows.size(); ++r) place[rows[r]] = static_cast<uint32_t>(r);
  std::vector<uint32_t> neighbours(rows.size() * per_point);
  std::vector<float> distances(rows.size() * per_point), queries;
  Progress progress("map", "videos", rows.size());
  for (size_t begin = 0; begin < rows.size(); begin += queries_at_once) {
    throw_if_interrupted();
    const size_t count = std::min(queries_at_once, rows.size() - begin);
    queries.clear();
    for (size_t r = begin; r < begin + count; ++r)
      queries.insert(queries.end(), index.row(rows[r]).begin(), index.row(rows[r]).end());
    const auto found =
        index.search_batch(ConstMatrix(queries.data(), count, index.width()), per_point + 1);
    for (size_t r = begin; r < begin + count; ++r) {
      size_t n = 0;
      for (const Scored& scored : found[r - begin]) {
        if (scored.index == rows[r] || n == per_point) continue;
        neighbours[r * per_point + n] = place[scored.index];
        distances[r * per_point + n++] = std::sqrt(std::max(0.f, 2 - 2 * scored.score));
      }
      for (; n < per_point; ++n) {
        neighbours[r * per_point + n] = static_cast<uint32_t>(r);
        distances[r * per_point + n] = n > 0 ? distances[r * per_point + n - 1] : 0;
      }
    }
    progress.add(count);
  }
  lay_out_neighbours({per_point, neighbours, distances}, layout_seed, positions);
}

}  // namespace

void run_map_stage(const Workspace& workspace) {
  const EmbeddingIndex index = EmbeddingIndex::open(workspace.embeddings());
  std::vector<uint32_t> rows;
  for (uint32_t r = 0; r < index.size(); ++r) {
    if (index.embedded(r)) rows.push_back(r);
  }
  std::vector<float> layout = principal_layout(index, rows);
  const bool by_neighbours = rows.size() > 2 && rows.size() <= most_by_neighbours;
  if (by_neighbours) {
    neighbour_layout(index, rows, layout);
    for (size_t axis = 0; axis < 2; ++axis) spread_axis(layout, axis);  // islands grow, the sea shrinks
  }
  std::vector<float> positions(index.size() * 2, std::numeric_limits<float>::quiet_NaN());
  for (size_t r = 0; r < rows.size(); ++r) std::copy_n(&layout[2 * r], 2, &positions[2 * size_t{rows[r]}]);
  TensorFileWriter writer("map", 1);
  writer.set("input", fingerprint(workspace));
  writer.set("method", by_neighbours ? "nearest neighbours" : "principal directions");
  writer.add<float>("positions", {index.size(), 2}, positions);
  writer.write(map_file(workspace));
}

}  // namespace cowatch

#include "pipeline/map_stage.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/hash.h"
#include "base/progress.h"
#include "learn/eigen.h"
#include "pipeline/contents.h"
#include "search/exact_index.h"

namespace cowatch {
namespace {

constexpr size_t most_sampled = 4096;

std::string fingerprint(const Workspace& workspace) {
  return Fingerprint()
      .add("map 1")
      .add(content_digest(workspace.embeddings(), "Run `cowatch embed WS`."))
      .digest();
}

// Values to [-1, 1], half linear by size and half by rank: outliers stay visible without pressing the rest
// together.
void spread_axis(std::vector<float>& positions, size_t axis, const std::vector<uint32_t>& rows) {
  std::vector<uint32_t> order = rows;
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

void run_map_stage(const Workspace& workspace) {
  const ExactIndex index = ExactIndex::open(workspace.embeddings());
  std::vector<uint32_t> rows;
  for (uint32_t r = 0; r < index.size(); ++r) {
    if (index.embedded(r)) rows.push_back(r);
  }
  Progress progress("map", "videos", rows.size());
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
  std::vector<float> positions(index.size() * 2, std::numeric_limits<float>::quiet_NaN());
  for (const uint32_t r : rows) {
    for (size_t axis = 0; axis < 2; ++axis) {
      double sum = 0;
      for (size_t i = 0; i < width; ++i) sum += (index.row(r)[i] - mean[i]) * eigen.vectors[axis * width + i];
      positions[2 * r + axis] = static_cast<float>(sum);
    }
    progress.add();
  }
  for (size_t axis = 0; axis < 2; ++axis) spread_axis(positions, axis, rows);
  TensorFileWriter writer("map", 1);
  writer.set("input", fingerprint(workspace));
  writer.set("method", "principal directions");
  writer.add<float>("positions", {index.size(), 2}, positions);
  writer.write(map_file(workspace));
}

}  // namespace cowatch

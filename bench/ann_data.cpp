#include "bench/ann_data.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "base/tensor_file.h"
#include "base/threads.h"
#include "math/float16.h"
#include "math/vectors.h"
#include "store/graph_folder.h"

namespace cowatch::bench {
namespace {

constexpr uint32_t data_stream = 0x616e6e64;
constexpr size_t intrinsic = 24, vectors_of_centre = 500;
constexpr float within = 0.7f, noise = 0.1f;
constexpr double zipf = 0.7;

NumberTable read_fvecs(const Path& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  int32_t width = 0;
  if (bytes.size() >= 4) std::memcpy(&width, bytes.data(), 4);
  const size_t record = 4 + size_t{4} * static_cast<size_t>(std::max(width, 0));
  if (width <= 0 || bytes.size() % record != 0) {
    throw Error(ErrorCode::bad_input, "not an .fvecs file",
                {.where = path.string(), .expected = "records of a 32-bit dimension and as many floats"});
  }
  NumberTable table;
  table.rows = bytes.size() / record, table.columns = static_cast<size_t>(width);
  table.values.resize(table.rows * table.columns);
  for (size_t r = 0; r < table.rows; ++r)
    std::memcpy(table.values.data() + r * table.columns, bytes.data() + r * record + 4, record - 4);
  return table;
}

NumberTable read_tensors(const Path& path) {
  const TensorFile file(path, "", INT32_MAX);
  NumberTable table;
  for (const std::string& name : file.names()) {
    const auto shape = file.shape(name);
    const ElementType type = file.type(name);
    if (shape.size() != 2 || (type != ElementType::f32 && type != ElementType::f16) ||
        shape[0] * shape[1] <= table.values.size())
      continue;
    table.rows = shape[0], table.columns = shape[1];
    table.values.resize(shape[0] * shape[1]);
    const auto raw = file.raw(name, type);
    if (type == ElementType::f32) {
      std::memcpy(table.values.data(), raw.data(), raw.size());
    } else {
      floats_from_halves({reinterpret_cast<const uint16_t*>(raw.data()), table.values.size()}, table.values);
    }
  }
  if (table.rows == 0)
    throw Error(ErrorCode::bad_input, "there is no table of F32 or F16 numbers", {.where = path.string()});
  return table;
}

NumberTable read_table(const Path& path) {
  if (std::filesystem::is_directory(path)) return read_graph_folder(path).features;
  if (path.extension() == ".fvecs") return read_fvecs(path);
  if (path.extension() == ".safetensors") return read_tensors(path);
  return read_npy(path);
}

NumberTable generate(size_t rows, size_t dimension) {
  const Random random(1, data_stream);
  const size_t centres = std::max<size_t>(1, rows / vectors_of_centre);
  const auto normal = [&](uint64_t step, size_t i) {
    return static_cast<float>(random.normal(step, static_cast<uint32_t>(i)));
  };
  std::vector<float> directions(dimension * intrinsic), points(centres * intrinsic);
  for (size_t i = 0; i < directions.size(); ++i) directions[i] = normal(uint64_t{1} << 40, i);
  for (size_t c = 0; c < centres; ++c) {
    for (size_t i = 0; i < intrinsic; ++i) points[c * intrinsic + i] = normal((uint64_t{1} << 41) + c, i);
  }
  std::vector<double> shares(centres);
  for (size_t c = 0; c < centres; ++c)
    shares[c] = std::pow(static_cast<double>(c + 1), -zipf) + (c > 0 ? shares[c - 1] : 0);
  NumberTable table;
  table.rows = rows, table.columns = dimension;
  table.values.resize(rows * dimension);
  parallel_for(rows, 256, [&](size_t begin, size_t end) {
    float z[intrinsic];
    for (size_t r = begin; r < end; ++r) {
      const double drawn = random.uniform(r, UINT32_MAX) * shares.back();
      const auto centre =
          static_cast<size_t>(std::lower_bound(shares.begin(), shares.end(), drawn) - shares.begin());
      for (size_t i = 0; i < intrinsic; ++i) z[i] = points[centre * intrinsic + i] + within * normal(r, i);
      const std::span<float> row(table.values.data() + r * dimension, dimension);
      for (size_t i = 0; i < dimension; ++i)
        row[i] =
            dot({directions.data() + i * intrinsic, intrinsic}, {z, intrinsic}) + noise * normal(r, 64 + i);
      normalise(row);
    }
  });
  return table;
}

}  // namespace

AnnData ann_data(const Path& path, const GeneratedSize& generated, size_t queries, Metric metric,
                 uint64_t seed) {
  NumberTable table =
      path.empty() ? generate(generated.vectors + queries, generated.dimension) : read_table(path);
  AnnData data;
  data.name = path.empty() ? "generated" : path.stem().string();
  data.dimension = table.columns;
  std::vector<std::pair<uint64_t, size_t>> order;
  const Random random(seed, data_stream + 1);
  for (size_t r = 0; r < table.rows; ++r) {
    const std::span<float> row(table.values.data() + r * table.columns, table.columns);
    if (dot(row, row) == 0) continue;
    if (metric == Metric::cosine) normalise(row);
    order.emplace_back(random.bits(0, static_cast<uint32_t>(r)), r);
  }
  if (order.size() <= queries)
    throw Error(ErrorCode::bad_argument, "there are too few vectors to keep queries apart",
                {.expected = "more than " + std::to_string(queries), .found = std::to_string(order.size())});
  std::nth_element(order.begin(), order.begin() + static_cast<ptrdiff_t>(queries), order.end());
  std::sort(order.begin() + static_cast<ptrdiff_t>(queries), order.end(),
            [](const auto& a, const auto& b) { return a.second < b.second; });
  for (size_t i = 0; i < order.size(); ++i) {
    const auto row = table.values.begin() + static_cast<ptrdiff_t>(order[i].second * table.columns);
    auto& out = i < queries ? data.queries : data.vectors;
    if (i == queries) data.vectors.reserve((order.size() - queries) * table.columns);
    out.insert(out.end(), row, row + static_cast<ptrdiff_t>(table.columns));
  }
  return data;
}

void set_truth(AnnData& data, Metric metric, size_t k) {
  const VectorRows source(data.rows());
  const auto exact = build_index({.kind = IndexKind::exact, .metric = metric}, source);
  data.truth = exact->search_batch(data.questions(), k);
}

double recall_of(const AnnData& data, Metric metric, size_t k,
                 const std::vector<std::vector<uint32_t>>& found) {
  size_t right = 0, wanted = 0;
  for (size_t q = 0; q < data.asked(); ++q) {
    const size_t best = std::min(k, data.truth[q].size());
    wanted += best;
    if (best == 0) continue;
    const auto query = data.questions().row(q);
    const float worst = data.truth[q][best - 1].score;
    const float least = worst - 1e-5f * std::max(1e-3f, std::fabs(worst));
    std::vector<uint32_t> slots = found[q];
    std::sort(slots.begin(), slots.end());
    slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
    size_t hits = 0;
    for (const uint32_t slot : slots) {
      if (slot >= data.count()) continue;
      const auto row = data.rows().row(slot);
      const float score = metric == Metric::l2 ? -squared_distance(query, row) : dot(query, row);
      hits += score >= least;
    }
    right += std::min(hits, best);
  }
  return wanted == 0 ? 1 : static_cast<double>(right) / static_cast<double>(wanted);
}

}  // namespace cowatch::bench

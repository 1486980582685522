#include "bench/ann_data.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "base/threads.h"
#include "bench/raw_numbers.h"
#include "math/vectors.h"
#include "search/io/vector_files.h"
#include "store/graph_folder.h"

namespace cowatch::bench {
namespace {

constexpr uint32_t data_stream = 0x616e6e64;
constexpr size_t intrinsic = 24, vectors_of_centre = 500;
constexpr float within = 0.7f, noise = 0.1f;
constexpr double zipf = 0.7;

NumberTable read_table(const Path& path) {
  if (std::filesystem::is_directory(path)) return read_graph_folder(path).features;
  NumberTable table;
  read_vectors(vector_format_of(path), path, "", [&](size_t, ConstMatrix rows) {
    table.rows += rows.rows, table.columns = rows.columns;
    for (size_t r = 0; r < rows.rows; ++r)
      table.values.insert(table.values.end(), rows.row(r).begin(), rows.row(r).end());
  });
  return table;
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

void add_data_options(const Flags& add, AnnOptions& options) {
  add("--data", options.data,
      ".npy, .fvecs, .bvecs, .safetensors, .hdf5 or a graph folder; generated without it");
  add("--vectors", options.vectors, "vectors to generate");
  add("--dim", options.dimension, "their dimension");
  add("--queries", options.queries, "vectors kept apart and asked");
  add("--metric", options.metric, "inner_product, cosine or l2");
  add("--passes", options.passes, "turns of every setting");
}

AnnData ann_data(const AnnOptions& options, Json& settings) {
  const Metric metric = metric_of(options.metric);
  const size_t queries = options.queries;
  NumberTable table = options.data.empty() ? generate(options.vectors + queries, options.dimension)
                                           : read_table(options.data);
  AnnData data;
  data.name = options.data.empty() ? "generated" : options.data.stem().string();
  data.dimension = table.columns;
  std::vector<std::pair<uint64_t, size_t>> order;
  const Random random(1, data_stream + 1);
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
  settings = {{"data", data.name},
              {"vectors", data.count()},
              {"dim", data.dimension},
              {"queries", data.asked()},
              {"k", options.k},
              {"metric", options.metric},
              {"passes", options.passes},
              {"threads", threads()},
              {"faiss", "Debian's generic build, without AVX2"}};
  return data;
}

void write_for_peers(const AnnData& data, const Path& folder) {
  write_numbers<float>(folder / "vectors.f32", data.vectors);
  write_numbers<float>(folder / "queries.f32", data.queries);
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

#include "search/compute/vector_index.h"

#include <algorithm>

#include "base/error.h"
#include "base/threads.h"
#include "search/compute/flat_index.h"
#include "search/compute/graph/graph_index.h"
#include "search/compute/index_base.h"
#include "search/compute/inverted/inverted_index.h"

namespace cowatch {
namespace {

PredictedBytes predict_flat(const IndexOptions& options, size_t vectors) {
  const size_t bytes =
      (vectors + 63) / 64 * 8 + (options.metric == Metric::inner_product ? 0 : vectors * sizeof(float));
  return {bytes, bytes};
}

}  // namespace

PredictedBytes predict_bytes(const IndexOptions& options, size_t vectors, size_t dimension) {
  if (options.kind == IndexKind::graph) return predict_graph_bytes(options, vectors, dimension);
  if (options.kind == IndexKind::ivf) return predict_inverted_bytes(options, vectors, dimension);
  return predict_flat(options, vectors);
}

std::vector<std::vector<Scored>> VectorIndex::search_batch(ConstMatrix queries, size_t k,
                                                           const SearchOptions& options) const {
  constexpr size_t grain = 16;
  std::vector<std::vector<Scored>> answers(queries.rows);
  parallel_for(queries.rows, grain, [&](size_t begin, size_t end) {
    for (size_t q = begin; q < end; ++q) answers[q] = search(queries.row(q), k, options);
  });
  return answers;
}

std::unique_ptr<VectorIndex> VectorIndex::grown(const IndexOptions&, std::span<const uint32_t>, const VectorSource&,
                                                const std::function<void(size_t)>&) const {
  return nullptr;
}

TensorFileWriter VectorIndex::artifact(size_t slots) const {
  TensorFileWriter writer("vector_index", 1);
  writer.set("index", std::string(index_kind_name(kind_)));
  writer.set("metric", std::string(metric_name(metric_)));
  writer.set("dimension", std::to_string(dimension()));
  writer.set("slots", std::to_string(slots));
  return writer;
}

void check_index_memory(const IndexOptions& options, size_t vectors, size_t dimension) {
  if (options.memory_cap == 0) return;
  const size_t slots = std::min<size_t>(vectors, UINT32_MAX);  // there are no more
  const size_t needed = predict_bytes(options, slots, dimension).building;
  if (needed <= options.memory_cap) return;
  throw Error(ErrorCode::no_space, "the index would not fit the memory allowed for it",
              {.where = "index_memory",
               .expected = "at most " + std::to_string(options.memory_cap) + " bytes",
               .found = std::to_string(needed) + " bytes predicted for " + std::to_string(slots) + " vectors",
               .remedy = "Allow more memory, or take shorter codes or a smaller degree."});
}

std::unique_ptr<VectorIndex> build_index(const IndexOptions& options, const VectorSource& source,
                                         const Allowed* present, const std::function<void(size_t)>& advance) {
  check_index_options(options, source.dimension());
  check_source(source);
  check_index_memory(options, source.size(), source.dimension());
  if (options.kind == IndexKind::graph)
    return std::make_unique<GraphIndex>(options, source, present, advance);
  if (options.kind == IndexKind::ivf)
    return std::make_unique<InvertedIndex>(options, source, present, advance);
  return std::make_unique<FlatIndex>(options.metric, source, present, advance);
}

std::unique_ptr<VectorIndex> open_index(const Path& path, const VectorSource& source) {
  auto file = std::make_shared<const TensorFile>(path, "vector_index", 1);
  const std::string kind = file->get("index"), dimension = file->get("dimension");
  if (dimension != std::to_string(source.dimension())) {
    throw Error(ErrorCode::damaged, "an index does not fit its vectors",
                {.where = path.string(),
                 .expected = "dimension " + std::to_string(source.dimension()),
                 .found = dimension});
  }
  if (index_kind_of(kind) == IndexKind::graph) return std::make_unique<GraphIndex>(std::move(file), source);
  if (index_kind_of(kind) == IndexKind::ivf) return std::make_unique<InvertedIndex>(std::move(file), source);
  return std::make_unique<FlatIndex>(*file, source);
}

}  // namespace cowatch

#include "search/compute/vector_index.h"

#include "base/error.h"
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

void check_memory(const IndexOptions& options, size_t vectors, size_t dimension) {
  const size_t needed = predict_bytes(options, vectors, dimension).building;
  if (options.memory_cap == 0 || needed <= options.memory_cap) return;
  throw Error(ErrorCode::no_space, "the index would not fit the memory allowed for it",
              {.expected = "at most " + std::to_string(options.memory_cap) + " bytes",
               .found = std::to_string(needed) + " bytes predicted",
               .remedy = "Allow more memory, or take shorter codes or a smaller degree."});
}

}  // namespace

PredictedBytes predict_bytes(const IndexOptions& options, size_t vectors, size_t dimension) {
  if (options.kind == IndexKind::graph) return predict_graph_bytes(options, vectors, dimension);
  if (options.kind == IndexKind::ivf) return predict_inverted_bytes(options, vectors, dimension);
  return predict_flat(options, vectors);
}

std::unique_ptr<VectorIndex> build_index(const IndexOptions& options, const VectorSource& source,
                                         const Allowed* present, const std::function<void(size_t)>& advance) {
  check_index_options(options, source.dimension());
  check_source(source);
  check_memory(options, source.size(), source.dimension());
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

#include "search/embedding_index.h"

namespace cowatch {
namespace {

// Someone who pages through a large part of all videos gets it by a scan: a walk of the graph would visit as much.
constexpr size_t walked_share = 16;

VectorRows rows_of(const ExactIndex& table) {
  return VectorRows(ElementType::f32, table.size() > 0 ? table.row(0).data() : nullptr, table.size(), table.width(),
                    table.width());
}

}  // namespace

EmbeddingIndex EmbeddingIndex::open(const Path& embeddings) {
  return EmbeddingIndex(ExactIndex::open(embeddings));
}

EmbeddingIndex EmbeddingIndex::open(const Path& embeddings, const Path& graph) {
  EmbeddingIndex index = open(embeddings);
  index.rows_ = std::make_unique<const VectorRows>(rows_of(*index.table_));
  index.graph_ = open_index(graph, *index.rows_);
  return index;
}

void EmbeddingIndex::build(const Path& embeddings, const Path& graph, IndexOptions options,
                           const std::function<void(size_t)>& advance) {
  const ExactIndex table = ExactIndex::open(embeddings);
  const VectorRows rows = rows_of(table);
  Allowed present(table.size());
  for (uint32_t r = 0; r < table.size(); ++r)
    if (table.embedded(r)) present.add(r);
  options.kind = IndexKind::graph;
  options.metric = Metric::cosine;
  build_index(options, rows, &present, advance)->save(graph);
}

std::vector<Scored> EmbeddingIndex::search(std::span<const float> query, size_t k,
                                           const std::unordered_set<uint32_t>& excluded, Way way) const {
  if (!graph_ || way == Way::exact || k > size() / walked_share)
    return table_->search(query, k, [&](uint32_t row) { return excluded.contains(row); });
  const std::vector<uint32_t> out(excluded.begin(), excluded.end());
  const Allowed allowed = Allowed::all_but(size(), out);
  SearchOptions options;
  options.full_vectors = true;
  options.filter = out.empty() ? nullptr : &allowed;
  return graph_->search(query, k, options);
}

}  // namespace cowatch

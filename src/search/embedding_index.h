// What answers from the embeddings of a catalogue, row = item: the table itself, searched exactly, and for a large
// one a graph index beside it (compute/vector_index.h), of which every scored answer is scored again by the table.
// Read through memory maps: it opens in milliseconds. Safe for many threads.
#pragma once

#include <unordered_set>

#include "search/compute/vector_index.h"
#include "search/exact_index.h"

namespace cowatch {

class EmbeddingIndex {
 public:
  // The table alone. Throws as ExactIndex::open.
  static EmbeddingIndex open(const Path& embeddings);
  // With the graph index that build() wrote over the same table. Throws not_found, damaged, newer_version.
  static EmbeddingIndex open(const Path& embeddings, const Path& graph);
  // Writes a graph index over the rows that are embeddings. Throws as build_index.
  static void build(const Path& embeddings, const Path& graph, IndexOptions options,
                    const std::function<void(size_t)>& advance);

  size_t size() const { return table_->size(); }
  size_t width() const { return table_->width(); }
  std::span<const float> row(uint32_t index) const { return table_->row(index); }
  bool embedded(uint32_t index) const { return table_->embedded(index); }
  const std::string& model() const { return table_->model(); }
  IndexKind kind() const { return graph_ ? IndexKind::graph : IndexKind::exact; }
  size_t table_bytes() const { return size() * width() * sizeof(float); }
  size_t graph_bytes() const { return graph_ ? graph_->bytes() : 0; }

  enum class Way { best, exact };
  // The k best rows by cosine with `query` (width() numbers; bad_argument otherwise), without the excluded ones.
  std::vector<Scored> search(std::span<const float> query, size_t k, const std::unordered_set<uint32_t>& excluded,
                             Way way = Way::best) const;

 private:
  explicit EmbeddingIndex(ExactIndex table) : table_(std::make_unique<const ExactIndex>(std::move(table))) {}
  // Borrowed from by the ones below: they stay where they are when this moves.
  std::unique_ptr<const ExactIndex> table_;
  std::unique_ptr<const VectorRows> rows_;
  std::unique_ptr<const VectorIndex> graph_;
};

}  // namespace cowatch

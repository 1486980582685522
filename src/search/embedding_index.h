// What answers from the embeddings of a catalogue, row = item: the table itself, searched exactly, and for a
// large one an index beside it (compute/vector_index.h), whose answers are scored again by the table. Read
// through memory maps: it opens in milliseconds. Safe for many threads.
#pragma once

#include <unordered_set>

#include "search/compute/flat_index.h"

namespace cowatch {

class EmbeddingIndex {
 public:
  // The table alone (kind "embeddings"). Throws missing_stage when it is not there, damaged when it fails a
  // check.
  static EmbeddingIndex open(const Path& embeddings) { return EmbeddingIndex(embeddings); }
  // With the index that build() wrote over the same table. Throws not_found, damaged, newer_version.
  static EmbeddingIndex open(const Path& embeddings, const Path& index);
  // Writes an index over the rows that are embeddings. Throws as build_index.
  static void build(const Path& embeddings, const Path& index, const IndexOptions& options,
                    const std::function<void(size_t)>& advance);

  size_t size() const { return rows_->size(); }
  size_t width() const { return rows_->dimension(); }
  std::span<const float> row(uint32_t index) const {
    return {static_cast<const float*>(rows_->row(index)), width()};
  }
  bool embedded(uint32_t index) const;  // a row of zeros is a video without an embedding: never answered
  const std::string& model() const { return model_; }
  IndexKind kind() const { return index_ ? index_->kind() : IndexKind::exact; }
  size_t table_bytes() const { return size() * width() * sizeof(float); }
  size_t index_bytes() const { return index_ ? index_->bytes() : 0; }

  enum class Way { best, exact };
  // The k best rows by cosine with `query` (width() numbers; bad_argument otherwise), without the excluded
  // ones.
  std::vector<Scored> search(std::span<const float> query, size_t k,
                             const std::unordered_set<uint32_t>& excluded = {}, Way way = Way::best) const;
  // One list a row of `queries`, exactly.
  std::vector<std::vector<Scored>> search_batch(ConstMatrix queries, size_t k) const {
    return exact_->search_batch(queries, k, {});
  }

 private:
  explicit EmbeddingIndex(const Path& embeddings);
  // The rows that are embeddings.
  Allowed present(const RowCodes& codes) const;

  std::unique_ptr<const TensorFile> file_;
  std::string model_;
  // Borrowed from by the ones below: they stay where they are when this moves.
  std::unique_ptr<const VectorRows> rows_;
  std::unique_ptr<const VectorIndex> exact_, index_;
};

}  // namespace cowatch

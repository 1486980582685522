#include "search/embedding_index.h"

#include <algorithm>

namespace cowatch {
namespace {

// Someone who pages through a large part of all videos gets it by a scan: a search by the index would visit
// as much.
constexpr size_t indexed_share = 16;

// Files of former versions have no codes.
RowCodes codes_in(const TensorFile& file, const VectorRows& rows) {
  if (!file.has("codes")) return {};
  const auto records = file.tensor<uint8_t>("codes");
  const auto errors = file.tensor<float>("code_errors");
  if (records.size() != rows.size() * RowCodes::record_bytes(rows.dimension()) ||
      errors.size() != rows.size())
    throw Error(ErrorCode::damaged, "the codes are not those of the embeddings",
                {.where = file.path().string(), .remedy = "Run `cowatch embed WS`."});
  return {rows.dimension(), records, errors};
}

}  // namespace

EmbeddingIndex::EmbeddingIndex(const Path& embeddings) {
  if (!std::filesystem::exists(embeddings)) {
    throw Error(ErrorCode::missing_stage, "the videos are not embedded yet",
                {.where = embeddings.string(), .remedy = "Run `cowatch embed WS` (or `cowatch run WS`)."});
  }
  file_ = std::make_unique<const TensorFile>(embeddings, "embeddings", 1);
  const auto shape = file_->shape("embeddings");
  if (shape.size() != 2)
    throw Error(ErrorCode::damaged, "the embeddings are not a table", {.where = embeddings.string()});
  model_ = file_->get("model");
  rows_ = std::make_unique<const VectorRows>(
      ConstMatrix(file_->tensor<float>("embeddings").data(), shape[0], shape[1]));
  const RowCodes codes = codes_in(*file_, *rows_);
  exact_ = std::make_unique<const FlatIndex>(*rows_, present(codes), codes);
}

EmbeddingIndex EmbeddingIndex::open(const Path& embeddings, const Path& index) {
  EmbeddingIndex opened(embeddings);
  opened.index_ = open_index(index, *opened.rows_);
  return opened;
}

void EmbeddingIndex::build(const Path& embeddings, const Path& index, const IndexOptions& options,
                           const std::function<void(size_t)>& advance) {
  const EmbeddingIndex table(embeddings);
  const Allowed present = table.present({});
  build_index(options, *table.rows_, &present, advance)->save(index);
}

bool EmbeddingIndex::embedded(uint32_t index) const {
  return std::ranges::any_of(row(index), [](float value) { return value != 0; });
}

Allowed EmbeddingIndex::present(const RowCodes& codes) const {
  Allowed rows(size());
  for (uint32_t r = 0; r < size(); ++r)
    if (codes.misses(r) || embedded(r)) rows.add(r);
  return rows;
}

std::vector<Scored> EmbeddingIndex::search(std::span<const float> query, size_t k,
                                           const std::unordered_set<uint32_t>& excluded, Way way) const {
  const std::vector<uint32_t> out(excluded.begin(), excluded.end());
  const Allowed allowed = Allowed::all_but(size(), out);
  SearchOptions options;
  options.full_vectors = true;
  options.filter = out.empty() ? nullptr : &allowed;
  const bool scanned = !index_ || way == Way::exact || k > size() / indexed_share;
  return (scanned ? exact_ : index_)->search(query, k, options);
}

}  // namespace cowatch

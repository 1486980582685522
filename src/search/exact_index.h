// Exact nearest neighbours by cosine over the embeddings of a catalogue, read through a memory map: it opens
// in milliseconds and holds no copy. Where the file has codes of the rows (row_codes.h) they are looked at
// first, with the same answer. Safe for many threads.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/tensor_file.h"
#include "math/matrix.h"
#include "search/compute/top_k.h"
#include "search/row_codes.h"

namespace cowatch {

// True: the row may not be answered (watched, hidden, excluded).
using Exclude = std::function<bool(uint32_t)>;

class ExactIndex {
 public:
  // kind "embeddings". Throws missing_stage when the file is not there, damaged when it fails a check.
  static ExactIndex open(const Path& path);
  // Rows of unit length and their codes, borrowed.
  explicit ExactIndex(ConstMatrix rows, RowCodes codes = {}) : rows_(rows), codes_(codes) {}

  size_t size() const { return rows_.rows; }
  size_t width() const { return rows_.columns; }
  std::span<const float> row(uint32_t index) const { return rows_.row(index); }
  bool embedded(uint32_t index) const;  // a row of zeros is a video without an embedding: never answered
  const std::string& model() const { return model_; }

  // The k best rows by inner product with `query` (width() numbers; bad_argument otherwise).
  std::vector<Scored> search(std::span<const float> query, size_t k, const Exclude& exclude = {}) const;
  // One list a row of `queries`. Scores are products of blocks of matrices; the whole score matrix never
  // stands in memory.
  std::vector<std::vector<Scored>> search_batch(ConstMatrix queries, size_t k) const;

 private:
  void check_width(size_t columns) const;
  // Offers what may be answered of consecutive rows, the first of them `begin`.
  void offer(size_t begin, std::span<const float> scores, const Exclude& exclude, TopK& best) const;
  bool allowed(uint32_t row, float score, const Exclude& exclude) const;
  // The best of the rows [begin, end): by all their numbers, or by codes first.
  std::vector<Scored> scan(std::span<const float> query, size_t begin, size_t end, size_t k,
                           const Exclude& exclude) const;
  std::vector<Scored> scan_codes(std::span<const float> query, size_t begin, size_t end, size_t k,
                                 const Exclude& exclude) const;
  // The best of each query among rows [begin, begin + count), in the calling thread.
  std::vector<TopK> search_group(ConstMatrix queries, size_t begin, size_t count, size_t k) const;

  std::shared_ptr<const TensorFile> file_;
  ConstMatrix rows_;
  RowCodes codes_;
  std::string model_;
};

}  // namespace cowatch

// Exact nearest neighbours by cosine over the embeddings of a catalogue, read through a memory map: it opens
// in milliseconds and holds no copy. Safe for many threads.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/tensor_file.h"
#include "math/matrix.h"
#include "search/compute/top_k.h"

namespace cowatch {

// True: the row may not be answered (watched, hidden, excluded).
using Exclude = std::function<bool(uint32_t)>;

class ExactIndex {
 public:
  // kind "embeddings". Throws missing_stage when the file is not there, damaged when it fails a check.
  static ExactIndex open(const Path& path);
  // Rows of unit length, borrowed.
  explicit ExactIndex(ConstMatrix rows) : rows_(rows) {}

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
  // The best of each query among rows [begin, begin + count), in the calling thread.
  std::vector<TopK> search_group(ConstMatrix queries, size_t begin, size_t count, size_t k) const;

  std::shared_ptr<const TensorFile> file_;
  ConstMatrix rows_;
  std::string model_;
};

}  // namespace cowatch

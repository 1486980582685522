#include "search/exact_index.h"

#include "base/threads.h"
#include "search/compute/scan.h"

namespace cowatch {
namespace {

constexpr size_t block_rows = 4096;     // of one query's scan: scores stay in the first-level cache
constexpr size_t batch_rows = 2048;     // of a block of products: queries × 2,048 scores stay in the second-level cache

}  // namespace

ExactIndex ExactIndex::open(const Path& path) {
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorCode::missing_stage, "the videos are not embedded yet",
                {.where = path.string(), .remedy = "Run `cowatch embed WS` (or `cowatch run WS`)."});
  }
  auto file = std::make_shared<const TensorFile>(path, "embeddings", 1);
  const auto shape = file->shape("embeddings");
  if (shape.size() != 2) throw Error(ErrorCode::damaged, "the embeddings are not a table", {.where = path.string()});
  ExactIndex index(ConstMatrix(file->tensor<float>("embeddings").data(), shape[0], shape[1]));
  index.model_ = file->get("model");
  index.file_ = std::move(file);
  return index;
}

bool ExactIndex::embedded(uint32_t index) const {
  for (const float value : rows_.row(index)) {
    if (value != 0) return true;
  }
  return false;
}

std::vector<Scored> ExactIndex::search(std::span<const float> query, size_t k, const Exclude& exclude) const {
  if (query.size() != width()) {
    throw Error(ErrorCode::bad_argument, "the query has another dimension",
                {.expected = std::to_string(width()) + " numbers", .found = std::to_string(query.size())});
  }
  const size_t blocks = (size() + block_rows - 1) / block_rows;
  std::vector<std::vector<Scored>> found(blocks);
  parallel_for(blocks, 1, [&](size_t block, size_t) {
    const size_t begin = block * block_rows, count = std::min(block_rows, size() - begin);
    std::vector<float> scores(count);
    score_rows(query, rows_.rows_from(begin, count), scores);
    TopK best(k);
    for (size_t i = 0; i < count; ++i) {
      if (scores[i] < best.threshold()) continue;
      const auto row = static_cast<uint32_t>(begin + i);
      // A score of exactly 0 is what a row without an embedding gives.
      if ((scores[i] == 0 && !embedded(row)) || (exclude && exclude(row))) continue;
      best.offer({row, scores[i]});
    }
    found[block] = best.take();
  });
  TopK best(k);
  for (const auto& list : found) {
    for (const Scored& candidate : list) best.offer(candidate);
  }
  return best.take();
}

std::vector<std::vector<Scored>> ExactIndex::search_batch(ConstMatrix queries, size_t k) const {
  if (queries.columns != width()) {
    throw Error(ErrorCode::bad_argument, "the queries have another dimension",
                {.expected = std::to_string(width()) + " numbers", .found = std::to_string(queries.columns)});
  }
  std::vector<TopK> best(queries.rows, TopK(k));
  std::vector<float> scores(queries.rows * batch_rows);
  for (size_t begin = 0; begin < size(); begin += batch_rows) {
    const size_t count = std::min(batch_rows, size() - begin);
    const Matrix block(scores.data(), queries.rows, count);
    multiply(Transpose::no, Transpose::yes, 1, queries, rows_.rows_from(begin, count), 0, block);
    parallel_for(queries.rows, 64, [&](size_t first, size_t last) {
      for (size_t q = first; q < last; ++q) {
        const float* row = block.row(q).data();
        for (size_t i = 0; i < count; ++i) {
          if (row[i] < best[q].threshold()) continue;
          const auto index = static_cast<uint32_t>(begin + i);
          if (row[i] == 0 && !embedded(index)) continue;
          best[q].offer({index, row[i]});
        }
      }
    });
  }
  std::vector<std::vector<Scored>> found;
  for (TopK& list : best) found.push_back(list.take());
  return found;
}

}  // namespace cowatch

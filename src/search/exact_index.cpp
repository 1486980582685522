#include "search/exact_index.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/threads.h"
#include "search/compute/scan.h"

namespace cowatch {
namespace {

// One query: a thread takes ranges of rows, and blocks of them whose scores stay in the first-level cache.
constexpr size_t range_rows = 16384, block_rows = 1024;
// By codes a range is longer: each begins with no score to beat.
constexpr size_t coded_range_rows = 65536;
// Many queries: a thread takes a group of them and a range of rows, and makes products tile by tile; the
// scores of a tile (256 KiB) stay in the second-level cache until they are looked through.
constexpr size_t group_queries = 256, tile_rows = 256, batch_range_rows = 65536;

std::vector<Scored> merged(const std::vector<std::vector<Scored>>& lists, size_t k) {
  size_t candidates = 0;
  for (const auto& list : lists) candidates += list.size();
  TopK best(std::min(k, candidates));
  for (const auto& list : lists) {
    for (const Scored& candidate : list) best.offer(candidate);
  }
  return best.take();
}

// Files of former versions have no codes.
RowCodes codes_in(const TensorFile& file, const std::vector<size_t>& shape) {
  if (!file.has("codes")) return {};
  const auto records = file.tensor<uint8_t>("codes");
  const auto errors = file.tensor<float>("code_errors");
  if (records.size() != shape[0] * RowCodes::record_bytes(shape[1]) || errors.size() != shape[0])
    throw Error(ErrorCode::damaged, "the codes are not those of the embeddings",
                {.where = file.path().string(), .remedy = "Run `cowatch embed WS`."});
  return {shape[1], records, errors};
}

}  // namespace

ExactIndex ExactIndex::open(const Path& path) {
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorCode::missing_stage, "the videos are not embedded yet",
                {.where = path.string(), .remedy = "Run `cowatch embed WS` (or `cowatch run WS`)."});
  }
  auto file = std::make_shared<const TensorFile>(path, "embeddings", 1);
  const auto shape = file->shape("embeddings");
  if (shape.size() != 2)
    throw Error(ErrorCode::damaged, "the embeddings are not a table", {.where = path.string()});
  ExactIndex index(ConstMatrix(file->tensor<float>("embeddings").data(), shape[0], shape[1]),
                   codes_in(*file, shape));
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

void ExactIndex::check_width(size_t columns) const {
  if (columns == width()) return;
  throw Error(ErrorCode::bad_argument, "the query has another dimension",
              {.expected = std::to_string(width()) + " numbers", .found = std::to_string(columns)});
}

// A score of exactly 0 is what a row without an embedding gives.
bool ExactIndex::allowed(uint32_t row, float score, const Exclude& exclude) const {
  return (score != 0 || embedded(row)) && !(exclude && exclude(row));
}

void ExactIndex::offer(size_t begin, std::span<const float> scores, const Exclude& exclude,
                       TopK& best) const {
  size_t i = 0;
  while ((i = next_at_least(scores, i, best.threshold())) < scores.size()) {
    const auto row = static_cast<uint32_t>(begin + i);
    if (allowed(row, scores[i], exclude)) best.offer({row, scores[i]});
    ++i;
  }
}

std::vector<Scored> ExactIndex::scan(std::span<const float> query, size_t begin, size_t end, size_t k,
                                     const Exclude& exclude) const {
  TopK best(std::min(k, end - begin));
  std::array<float, block_rows> scores;
  for (size_t at = begin; at < end; at += block_rows) {
    const std::span<float> block(scores.data(), std::min(block_rows, end - at));
    score_rows(query, rows_.rows_from(at, block.size()), block);
    offer(at, block, exclude, best);
  }
  return best.take();
}

std::vector<Scored> ExactIndex::scan_codes(std::span<const float> query, size_t begin, size_t end, size_t k,
                                           const Exclude& exclude) const {
  std::vector<float> bounds(end - begin);
  codes_.bound_scores(query, begin, bounds);
  TopK best(std::min(k, end - begin));
  const auto score = [&](uint32_t row) {
    float exact = 0;
    score_rows(query, rows_.rows_from(row, 1), std::span(&exact, 1));
    if (allowed(row, exact, exclude)) best.offer({row, exact});
    bounds[row - begin] = -std::numeric_limits<float>::infinity();  // done
  };
  // The k rows that promise most come first: their scores are what all others have to reach.
  TopK promising(std::min(k, end - begin));
  offer(begin, bounds, exclude, promising);
  for (const Scored& row : promising.take()) score(row.index);
  for (size_t i = 0; (i = next_at_least(bounds, i, best.threshold())) < bounds.size(); ++i)
    if (bounds[i] > -std::numeric_limits<float>::infinity()) score(static_cast<uint32_t>(begin + i));
  return best.take();
}

std::vector<Scored> ExactIndex::search(std::span<const float> query, size_t k, const Exclude& exclude) const {
  check_width(query.size());
  const size_t length = codes_.empty() ? range_rows : coded_range_rows;
  std::vector<std::vector<Scored>> found((size() + length - 1) / length);
  parallel_for(size(), length, [&](size_t begin, size_t end) {
    found[begin / length] =
        codes_.empty() ? scan(query, begin, end, k, exclude) : scan_codes(query, begin, end, k, exclude);
  });
  return merged(found, k);
}

std::vector<std::vector<Scored>> ExactIndex::search_batch(ConstMatrix queries, size_t k) const {
  check_width(queries.columns);
  const size_t ranges = (size() + batch_range_rows - 1) / batch_range_rows;
  const size_t groups = (queries.rows + group_queries - 1) / group_queries;
  std::vector<std::vector<std::vector<Scored>>> found(queries.rows, std::vector<std::vector<Scored>>(ranges));
  parallel_for(groups * ranges, 1, [&](size_t first, size_t last) {
    for (size_t task = first; task < last; ++task) {
      const size_t range = task % ranges, query = task / ranges * group_queries,
                   row = range * batch_range_rows;
      auto lists = search_group(queries.rows_from(query, std::min(group_queries, queries.rows - query)), row,
                                std::min(batch_range_rows, size() - row), k);
      for (size_t q = 0; q < lists.size(); ++q) found[query + q][range] = lists[q].take();
    }
  });
  std::vector<std::vector<Scored>> answers;
  answers.reserve(queries.rows);
  for (const auto& lists : found) answers.push_back(merged(lists, k));
  return answers;
}

std::vector<TopK> ExactIndex::search_group(ConstMatrix queries, size_t begin, size_t count, size_t k) const {
  std::vector<TopK> best(queries.rows, TopK(std::min(k, count)));
  std::vector<float> scores(queries.rows * tile_rows);
  for (size_t at = begin; at < begin + count; at += tile_rows) {
    const Matrix tile(scores.data(), queries.rows, std::min(tile_rows, begin + count - at));
    multiply_here(Transpose::no, Transpose::yes, 1, queries, rows_.rows_from(at, tile.columns), 0, tile);
    for (size_t q = 0; q < queries.rows; ++q) offer(at, tile.row(q), {}, best[q]);
  }
  return best;
}

}  // namespace cowatch

#include "learn/relational/mining.h"

#include <algorithm>
#include <limits>

#include "base/threads.h"
#include "math/vectors.h"

namespace cowatch {
namespace {

// A tile of similarities: 256 × 768 float32 are .8 MB, which stays in a core's second cache.
constexpr size_t tile_rows = 256, tile_columns = 768;

// Rows of z that a list names, in the precision of the products.
Activations gathered(ConstMatrix z, const std::vector<uint32_t>& rows, Precision precision) {
  Activations all(precision);
  all.resize(rows.size(), z.columns);
  parallel_for(rows.size(), 256, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) all.store(i, 0, z.row(rows[i]));
  });
  return all;
}

class Pass {
 public:
  Pass(const Batch& batch, const Graph& graph, const std::vector<uint32_t>& column_row)
      : batch_(batch), graph_(graph), column_row_(column_row) {}

  // Looks through similarities of triplet i to columns `first` … on. Whether a column is forbidden is asked
  // of winners alone: a forbidden one is struck out and the row looked through again.
  void scan(size_t i, std::span<float> values, size_t first, float limit, BestBelow& best) const {
    while (true) {
      BestBelow found = best;
      best_below(values, limit, static_cast<uint32_t>(first), found);
      if (found.index == best.index || allowed(i, found.index)) {
        best = found;
        return;
      }
      values[found.index - first] = -std::numeric_limits<float>::infinity();
    }
  }

 private:
  bool allowed(size_t i, size_t column) const {
    const uint32_t row = column_row_[column];
    return row != batch_.anchor_row[i] && row != batch_.positive_row[i] &&
           !graph_.has_edge(batch_.anchor[i], batch_.rows[row]);
  }

  const Batch& batch_;
  const Graph& graph_;
  const std::vector<uint32_t>& column_row_;
};

// Distinct rows among the drawn negatives, in order of their first j.
std::vector<uint32_t> distinct_columns(const Batch& batch) {
  std::vector<uint8_t> seen(batch.rows.size());
  std::vector<uint32_t> columns;
  for (const uint32_t row : batch.negative_row) {
    if (seen[row]++ == 0) columns.push_back(row);
    seen[row] = 1;
  }
  return columns;
}

// Similarity of each anchor to its positive, by the same rounding of the inputs as the products.
std::vector<float> positive_similarities(const Activations& anchors, const Activations& positives) {
  std::vector<float> similarities(anchors.rows());
  parallel_for(anchors.rows(), 256, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      similarities[i] = dot(anchors.part().block(i, 1, 0, anchors.columns()),
                            positives.part().block(i, 1, 0, positives.columns()));
    }
  });
  return similarities;
}

}  // namespace

Mined mine_semi_hard(ConstMatrix z, const Batch& batch, const Graph& graph, Precision precision) {
  const size_t size = batch.size();
  const auto column_row = distinct_columns(batch);
  const Activations anchors = gathered(z, batch.anchor_row, precision);
  const Activations columns = gathered(z, column_row, precision);
  const auto limits = positive_similarities(anchors, gathered(z, batch.positive_row, precision));
  const Pass pass(batch, graph, column_row);
  std::vector<BestBelow> best(size);
  ScratchPool pool;
  parallel_for(size, tile_rows, [&](size_t begin, size_t end) {
    ScratchPool::Loan loan(pool, (end - begin) * tile_columns);
    for (size_t first = 0; first < column_row.size(); first += tile_columns) {
      const size_t count = std::min(tile_columns, column_row.size() - first);
      Matrix tile(loan.data(), end - begin, count);
      multiply_parts_here(Transpose::no, Transpose::yes, 1,
                          anchors.part().block(begin, end - begin, 0, z.columns),
                          columns.part().block(first, count, 0, z.columns), tile);
      for (size_t i = begin; i < end; ++i) pass.scan(i, tile.row(i - begin), first, limits[i], best[i]);
    }
  });
  Mined mined;
  mined.negative_row.resize(size);
  for (size_t i = 0; i < size; ++i) {
    const bool found = best[i].index != no_index;
    mined.negative_row[i] = found ? column_row[best[i].index] : batch.negative_row[i];
    mined.unmined += !found;
    mined.retained += found && mined.negative_row[i] == batch.negative_row[i];
  }
  mined.operations = 2.0 * static_cast<double>(size * column_row.size() * z.columns);
  return mined;
}

}  // namespace cowatch

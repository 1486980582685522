#include "learn/relational/mining.h"

#include <algorithm>
#include <numeric>

#include "base/threads.h"

namespace cowatch {
namespace {

// A tile of similarities: 384 × 768 float32 are 1.2 MB, which stays in a core's second cache and the last
// one.
constexpr size_t tile_rows = 384, tile_columns = 768;
constexpr size_t lanes = 16, block = 64;
constexpr float none = -4;  // below any similarity of unit rows

// Rows of z that a list names, in the precision of the products.
Activations gathered(ConstMatrix z, const std::vector<uint32_t>& rows, Precision precision) {
  Activations all(precision);
  all.resize(rows.size(), z.columns);
  parallel_for(rows.size(), 256, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) all.store(i, 1, z.row(rows[i]).data());
  });
  return all;
}

// Largest value below `limit` in 64 numbers, or `none`.
float block_best(const float* values, float limit) {
  float best[lanes];
  std::fill(best, best + lanes, none);
  for (size_t from = 0; from < block; from += lanes) {
    for (size_t k = 0; k < lanes; ++k) {
      const float value = values[from + k] < limit ? values[from + k] : none;
      best[k] = value > best[k] ? value : best[k];
    }
  }
  return *std::max_element(best, best + lanes);
}

struct Best {
  float similarity = none;
  uint32_t column = 0;
};

class Pass {
 public:
  Pass(const Batch& batch, const Graph& graph, const std::vector<uint32_t>& column_row)
      : batch_(batch), graph_(graph), column_row_(column_row) {}

  // Looks through similarities of triplet i to columns `first` … on. Blocks that cannot improve on the best
  // so far are passed over; the rest are looked at number by number, which is also where forbidden columns
  // are sorted out.
  void scan(size_t i, const float* values, size_t count, size_t first, float limit, Best& best) const {
    size_t from = 0;
    for (; from + block <= count; from += block) {
      if (block_best(values + from, limit) > best.similarity)
        look(i, values, from, from + block, first, limit, best);
    }
    look(i, values, from, count, first, limit, best);
  }

 private:
  void look(size_t i, const float* values, size_t from, size_t to, size_t first, float limit,
            Best& best) const {
    for (size_t c = from; c < to; ++c) {
      if (values[c] < limit && values[c] > best.similarity && allowed(i, first + c)) {
        best = {values[c], static_cast<uint32_t>(first + c)};
      }
    }
  }
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
      similarities[i] =
          dot(anchors.part(i, 1, 0, anchors.columns()), positives.part(i, 1, 0, positives.columns()));
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
  std::vector<Best> best(size);
  ScratchPool pool;
  parallel_for(size, tile_rows, [&](size_t begin, size_t end) {
    ScratchPool::Loan loan(pool, (end - begin) * tile_columns);
    for (size_t first = 0; first < column_row.size(); first += tile_columns) {
      const size_t count = std::min(tile_columns, column_row.size() - first);
      Matrix tile(loan.data(), end - begin, count);
      multiply_parts(Transpose::no, Transpose::yes, anchors.part(begin, end - begin, 0, z.columns),
                     columns.part(first, count, 0, z.columns), 0, tile);
      for (size_t i = begin; i < end; ++i)
        pass.scan(i, tile.row(i - begin).data(), count, first, limits[i], best[i]);
    }
  });
  Mined mined;
  mined.negative_row.resize(size);
  for (size_t i = 0; i < size; ++i) {
    const bool found = best[i].similarity > none;
    mined.negative_row[i] = found ? column_row[best[i].column] : batch.negative_row[i];
    mined.unmined += !found;
    mined.retained += found && mined.negative_row[i] == batch.negative_row[i];
  }
  mined.operations = 2.0 * static_cast<double>(size * column_row.size() * z.columns);
  return mined;
}

}  // namespace cowatch

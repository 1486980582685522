#include "learn/relational/losses.h"

#include <algorithm>
#include <cmath>

#include "base/threads.h"
#include "learn/relational/row_uses.h"
#include "math/vectors.h"

namespace cowatch {
namespace {

constexpr size_t grain = 256;         // rows a task
constexpr size_t softmax_rows = 512;  // rows of similarities in memory at once

std::vector<float> gathered(ConstMatrix z, std::span<const uint32_t> rows) {
  std::vector<float> all(rows.size() * z.columns);
  parallel_for(rows.size(), grain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i)
      std::copy_n(z.row(rows[i]).data(), z.columns, all.data() + i * z.columns);
  });
  return all;
}

// dz.row(r) = sum of the gradients of its uses; every row with a use is active.
std::vector<uint32_t> scatter(const std::vector<uint32_t>& rows_of_uses, ConstMatrix gradients, Matrix dz) {
  const RowUses uses(dz.rows, rows_of_uses);
  std::vector<uint32_t> active;
  for (uint32_t r = 0; r < dz.rows; ++r) {
    if (!uses.of(r).empty()) active.push_back(r);
  }
  parallel_for(dz.rows, grain, [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) {
      const auto to = dz.row(r);
      std::fill(to.begin(), to.end(), 0.0f);
      for (const uint32_t use : uses.of(r)) add_scaled(1, gradients.row(use), to);
    }
  });
  return active;
}

// Turns logits into probabilities times `weight` for all but the row's own term, which stands outside with
// logit `own`: returns log of the whole sum minus own, and own's probability.
struct Softmax {
  double loss, own_probability;
};
Softmax softmax(std::span<float> logits, double own, double weight) {
  double highest = own;
  for (const float logit : logits) highest = std::max(highest, double{logit});
  const double own_term = std::exp(own - highest);
  double sum = own_term;
  for (float& logit : logits) {
    logit = static_cast<float>(weight * std::exp(double{logit} - highest));  // exp(-inf) = 0: left out
    sum += logit;
  }
  for (float& logit : logits) logit = static_cast<float>(logit / sum);
  return {std::log(sum) - (own - highest), own_term / sum};
}

constexpr float left_out = -std::numeric_limits<float>::infinity();

// What anchors are compared with: the row of each column, the log of how many videos it stands for, and the
// column of each triplet's positive. First the positives' columns, then the negatives'.
struct Columns {
  std::vector<uint32_t> row;
  std::vector<float> log_weight;
  std::vector<uint32_t> own;
};

// A column a positive and a negative. Where a batch is larger than its catalogue, so that videos stand there
// twice and more, a column a video with the weight of all its places: the sums are the same and a batch of a
// thousand compares with the few videos there are.
Columns columns_of(const Batch& batch) {
  const size_t places = batch.positive_row.size() + batch.negative_row.size();
  const bool merged = places > 2 * batch.rows.size();
  Columns columns;
  std::vector<double> weight;
  std::vector<uint32_t> column_of(batch.rows.size(), UINT32_MAX);
  const auto add = [&](uint32_t row, double times) {
    if (merged && column_of[row] != UINT32_MAX) {
      weight[column_of[row]] += times;
      return column_of[row];
    }
    columns.row.push_back(row);
    weight.push_back(times);
    return column_of[row] = static_cast<uint32_t>(weight.size() - 1);
  };
  for (const uint32_t row : batch.positive_row) columns.own.push_back(add(row, 1));
  for (const uint32_t row : batch.negative_row) add(row, batch.negative_weight);
  for (const double times : weight) columns.log_weight.push_back(static_cast<float>(std::log(times)));
  return columns;
}

// Columns at which a video stands.
class ColumnPlaces {
 public:
  ColumnPlaces(const Batch& batch, std::span<const uint32_t> column_row)
      : batch_(batch), uses_(batch.rows.size(), column_row) {}
  template <typename Visit>
  void of_video(uint32_t video, const Visit& visit) const {
    const auto found = std::lower_bound(batch_.rows.begin(), batch_.rows.end(), video);
    if (found == batch_.rows.end() || *found != video) return;
    for (const uint32_t j : uses_.of(found - batch_.rows.begin())) visit(j);
  }

 private:
  const Batch& batch_;
  RowUses uses_;
};

}  // namespace

Loss triplet_loss(ConstMatrix z, const Batch& batch, std::span<const uint32_t> negative_row, double margin,
                  Matrix dz) {
  const size_t size = batch.size();
  std::vector<float> hinge(size);
  parallel_for(size, grain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      const auto anchor = z.row(batch.anchor_row[i]);
      const double near = dot(anchor, z.row(batch.positive_row[i])),
                   far = dot(anchor, z.row(negative_row[i]));
      const double value = 2 * far - 2 * near + margin;       // d = 2 - 2 a·b for unit rows
      hinge[i] = value <= 0 ? 0 : static_cast<float>(value);  // a NaN stays one
    }
  });
  std::vector<uint32_t> rows_of_uses(batch.anchor_row);
  rows_of_uses.insert(rows_of_uses.end(), batch.positive_row.begin(), batch.positive_row.end());
  rows_of_uses.insert(rows_of_uses.end(), negative_row.begin(), negative_row.end());
  const RowUses uses(z.rows, rows_of_uses);
  std::vector<uint8_t> touched(z.rows);
  const float share = 2 / static_cast<float>(size);
  parallel_for(z.rows, grain, [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) {
      const auto to = dz.row(r);
      for (const uint32_t use : uses.of(r)) {
        const size_t role = use / size, i = use % size;
        if (hinge[i] <= 0) continue;
        if (touched[r]++ == 0) std::fill(to.begin(), to.end(), 0.0f);
        touched[r] = 1;
        if (role == 0) {
          add_scaled(share, z.row(negative_row[i]), to);
          add_scaled(-share, z.row(batch.positive_row[i]), to);
        } else {
          add_scaled(role == 1 ? -share : share, z.row(batch.anchor_row[i]), to);
        }
      }
    }
  });
  Loss loss;
  for (const float value : hinge) loss.value += value;
  loss.value /= static_cast<double>(size);
  for (uint32_t r = 0; r < z.rows; ++r) {
    if (touched[r] != 0) loss.active.push_back(r);
  }
  return loss;
}

Loss in_batch_softmax(ConstMatrix z, const Batch& batch, const Graph& graph, double temperature, Matrix dz) {
  const size_t size = batch.size(), width = z.columns;
  const Columns compared_with = columns_of(batch);
  const std::vector<uint32_t>& column_row = compared_with.row;
  const size_t columns = column_row.size();
  const auto anchors = gathered(z, batch.anchor_row), compared = gathered(z, column_row);
  const ConstMatrix p(compared.data(), columns, width);
  std::vector<float> gradients((size + columns) * width);
  Matrix column_gradients(gradients.data() + size * width, columns, width);
  std::vector<float> logits(std::min(softmax_rows, size) * columns);
  std::vector<double> losses(size);
  const ColumnPlaces places(batch, column_row);
  const auto scale = static_cast<float>(1 / (temperature * static_cast<double>(size)));
  for (size_t begin = 0; begin < size;
       begin += softmax_rows) {  // in order: the columns' gradient is a sum over them
    const size_t count = std::min(softmax_rows, size - begin);
    const ConstMatrix a(anchors.data() + begin * width, count, width);
    Matrix block(logits.data(), count, columns);
    multiply(Transpose::no, Transpose::yes, static_cast<float>(1 / temperature), a, p, 0, block);
    parallel_for(count, 16, [&](size_t from, size_t to) {
      for (size_t r = from; r < to; ++r) {
        const size_t i = begin + r;
        const uint32_t own_column = compared_with.own[i];
        const auto row = block.row(r);
        const double own = row[own_column];
        const auto leave_out = [&](uint32_t j) { row[j] = left_out; };
        for (const uint32_t neighbour : graph.neighbours(batch.anchor[i]))
          places.of_video(neighbour, leave_out);
        places.of_video(batch.anchor[i], leave_out);
        row[own_column] = left_out;  // stands apart
        for (size_t j = 0; j < columns; ++j) row[j] += compared_with.log_weight[j];
        const Softmax result = softmax(row, own, 1);
        losses[i] = result.loss;
        row[own_column] = static_cast<float>(result.own_probability - 1);
        for (float& value : row) value *= scale;
      }
    });
    multiply(Transpose::no, Transpose::no, 1, block, p, 0,
             Matrix(gradients.data() + begin * width, count, width));
    multiply(Transpose::yes, Transpose::no, 1, block, a, begin == 0 ? 0.0f : 1.0f, column_gradients);
  }
  std::vector<uint32_t> rows_of_uses(batch.anchor_row);
  rows_of_uses.insert(rows_of_uses.end(), column_row.begin(), column_row.end());
  Loss loss;
  loss.active = scatter(rows_of_uses, ConstMatrix(gradients.data(), size + columns, width), dz);
  for (const double value : losses) loss.value += value / static_cast<double>(size);
  return loss;
}

Loss classification_loss(ConstMatrix z, const Batch& batch, std::span<const uint32_t> class_of_video,
                         ConstMatrix class_weights, std::span<const uint32_t> candidates, double temperature,
                         Matrix dz, Matrix class_gradient) {
  const size_t size = batch.size(), width = z.columns, compared = candidates.size();
  const auto anchors = gathered(z, batch.anchor_row), weights = gathered(class_weights, candidates);
  const ConstMatrix w(weights.data(), compared, width);
  std::vector<float> gradients(size * width), candidate_gradients(compared * width);
  std::vector<float> own_gradients(size), logits(std::min(softmax_rows, size) * compared);
  std::vector<double> losses(size);
  std::vector<uint32_t> place(class_weights.rows, UINT32_MAX);  // class → candidate
  for (uint32_t c = 0; c < compared; ++c) place[candidates[c]] = c;
  const double scale = 1 / (temperature * static_cast<double>(size));
  for (size_t begin = 0; begin < size; begin += softmax_rows) {
    const size_t count = std::min(softmax_rows, size - begin);
    const ConstMatrix a(anchors.data() + begin * width, count, width);
    Matrix block(logits.data(), count, compared);
    multiply(Transpose::no, Transpose::yes, static_cast<float>(1 / temperature), a, w, 0, block);
    parallel_for(count, 16, [&](size_t from, size_t to) {
      for (size_t r = from; r < to; ++r) {
        const size_t i = begin + r;
        const uint32_t own_class = class_of_video[batch.anchor[i]];
        const double own = dot(a.row(r), class_weights.row(own_class)) / temperature;
        const bool among = place[own_class] != UINT32_MAX;
        const auto row = block.row(r);
        if (among) row[place[own_class]] = left_out;
        const size_t others = compared - (among ? 1 : 0);
        const double weight =
            others == 0 ? 0 : static_cast<double>(class_weights.rows - 1) / static_cast<double>(others);
        const Softmax result = softmax(row, own, weight);
        losses[i] = result.loss;
        own_gradients[i] = static_cast<float>((result.own_probability - 1) * scale);
        for (float& value : row) value *= static_cast<float>(scale);
      }
    });
    multiply(Transpose::no, Transpose::no, 1, block, w, 0,
             Matrix(gradients.data() + begin * width, count, width));
    multiply(Transpose::yes, Transpose::no, 1, block, a, begin == 0 ? 0.0f : 1.0f,
             Matrix(candidate_gradients.data(), compared, width));
  }
  for (size_t r = 0; r < class_gradient.rows; ++r) std::ranges::fill(class_gradient.row(r), 0.0f);
  for (size_t c = 0; c < compared; ++c) {
    add_scaled(1, {candidate_gradients.data() + c * width, width}, class_gradient.row(candidates[c]));
  }
  Loss loss;
  for (size_t i = 0; i < size; ++i) {  // the own class, apart from the candidates
    const uint32_t own_class = class_of_video[batch.anchor[i]];
    add_scaled(own_gradients[i], class_weights.row(own_class), {gradients.data() + i * width, width});
    add_scaled(own_gradients[i], {anchors.data() + i * width, width}, class_gradient.row(own_class));
    loss.value += losses[i] / static_cast<double>(size);
  }
  loss.active = scatter(batch.anchor_row, ConstMatrix(gradients.data(), size, width), dz);
  return loss;
}

}  // namespace cowatch

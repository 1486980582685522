#include "learn/relational/perceptron.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "base/threads.h"

namespace cowatch {
namespace {

// Rows whose activations pass at once: 512 × 4000 float32 are 8 MB, a part of a core's share of the last
// cache.
constexpr size_t chunk = 512;
constexpr uint32_t initial_stream = 0x696e6974, dropout_stream = 0x64726f70;

// Adds the bias, cuts at zero and leaves out units, in place.
void finish_hidden(float* row, std::span<const float> bias, const Random& random, const Dropout& dropout,
                   uint32_t threshold, float kept_scale, size_t row_number) {
  const size_t units = bias.size();
  for (size_t k = 0; k < units; ++k) row[k] = std::max(0.0f, row[k] + bias[k]);
  if (threshold == 0) return;
  const size_t draws = (units + 15) / 16;  // sixteen bytes a draw
  for (size_t draw = 0; draw < draws; ++draw) {
    const auto words = random.words(dropout.step, static_cast<uint32_t>(row_number * draws + draw));
    const size_t first = draw * 16, count = std::min<size_t>(16, units - first);
    for (size_t k = 0; k < count; ++k) {
      const uint32_t byte = words[k / 4] >> (k % 4 * 8) & 0xff;
      row[first + k] = byte < threshold ? 0 : row[first + k] * kept_scale;
    }
  }
}

void column_sums(ConstMatrix matrix, std::span<float> sums) {
  std::fill(sums.begin(), sums.end(), 0.0f);
  for (size_t r = 0; r < matrix.rows; ++r) {
    const auto row = matrix.row(r);
    for (size_t k = 0; k < row.size(); ++k) sums[k] += row[k];
  }
}

}  // namespace

PerceptronShape::Offsets PerceptronShape::offsets(size_t tower) const {
  Offsets at{};
  for (size_t t = 0; t <= tower; ++t) {
    at.first = at.end;
    at.first_bias = at.first + towers[t].hidden * towers[t].inputs();
    at.second = at.first_bias + towers[t].hidden;
    at.second_bias = at.second + outputs * towers[t].hidden;
    at.end = at.second_bias + outputs;
  }
  return at;
}

void initialise(const PerceptronShape& shape, uint64_t seed, uint64_t network, std::span<float> parameters) {
  const Random random(seed, initial_stream);
  std::fill(parameters.begin(), parameters.end(), 0.0f);
  for (size_t t = 0; t < shape.towers.size(); ++t) {
    const auto at = shape.offsets(t);
    const auto fill = [&](size_t begin, size_t end, double deviation) {
      parallel_for(end - begin, 1 << 14, [&](size_t from, size_t to) {
        for (size_t k = begin + from; k < begin + to; ++k) {
          parameters[k] = static_cast<float>(deviation * random.normal(network, static_cast<uint32_t>(k)));
        }
      });
    };
    fill(at.first, at.first_bias,
         std::sqrt(2.0 / static_cast<double>(std::max<size_t>(1, shape.towers[t].inputs()))));
    fill(at.second, at.second_bias,
         std::sqrt(1.0 / static_cast<double>(std::max<size_t>(1, shape.towers[t].hidden))));
  }
}

Perceptron::Perceptron(PerceptronShape shape, Precision precision)
    : shape_(std::move(shape)),
      precision_(precision),
      input_(precision),
      hidden_(shape_.towers.size(), Activations(precision)),
      y_(shape_.towers.size()),
      first_copy_(precision),
      second_copy_(precision),
      dy_copy_(precision) {}

void Perceptron::set_input(size_t rows, size_t width, const std::function<void(size_t, float*)>& fill) {
  input_.resize(rows, width);
  parallel_for(rows, 64, [&](size_t begin, size_t end) {
    std::vector<float> buffer(input_.direct(begin) == nullptr ? width : 0);
    for (size_t r = begin; r < end; ++r) {
      if (float* row = input_.direct(r)) {
        fill(r, row);
      } else {
        fill(r, buffer.data());
        input_.store(r, 1, buffer.data());
      }
    }
  });
}

MatrixPart Perceptron::weights(std::span<const float> values, size_t rows, size_t columns,
                               Activations& copy) const {
  if (precision_ == Precision::float32)
    return {.single = values.data(), .rows = rows, .columns = columns, .stride = columns};
  copy.resize(rows, columns);
  parallel_for(rows, 64, [&](size_t begin, size_t end) {
    copy.store(begin, end - begin, values.data() + begin * columns);
  });
  return copy.part();
}

void Perceptron::forward_tower(std::span<const float> parameters, size_t tower, const Dropout& dropout) {
  const TowerShape& shape = shape_.towers[tower];
  const auto at = shape_.offsets(tower);
  const size_t rows = input_.rows(), outputs = shape_.outputs;
  const auto w1 = weights(parameters.subspan(at.first, at.first_bias - at.first), shape.hidden,
                          shape.inputs(), first_copy_);
  const auto w2 =
      weights(parameters.subspan(at.second, at.second_bias - at.second), outputs, shape.hidden, second_copy_);
  const auto b1 = parameters.subspan(at.first_bias, shape.hidden),
             b2 = parameters.subspan(at.second_bias, outputs);
  const auto threshold = static_cast<uint32_t>(std::lround(dropout.rate * 256));
  kept_scale_ = 256.0f / static_cast<float>(256 - threshold);
  const Random random(dropout.seed, dropout_stream + static_cast<uint32_t>(tower));
  Activations& hidden = hidden_[tower];
  hidden.resize(rows, shape.hidden);
  if (y_[tower].size() < rows * outputs) y_[tower].resize(rows * outputs);
  parallel_for(rows, chunk, [&](size_t begin, size_t end) {
    const size_t count = end - begin;
    ScratchPool::Loan loan(pool_, hidden.direct(0) == nullptr ? count * shape.hidden : 0);
    float* block = hidden.direct(begin) != nullptr ? hidden.direct(begin) : loan.data();
    multiply_parts(Transpose::no, Transpose::yes, input_.part(begin, count, shape.begin, shape.inputs()), w1,
                   0, Matrix(block, count, shape.hidden));
    for (size_t r = 0; r < count; ++r) {
      finish_hidden(block + r * shape.hidden, b1, random, dropout, threshold, kept_scale_, begin + r);
    }
    if (hidden.direct(0) == nullptr) hidden.store(begin, count, block);
    Matrix y(y_[tower].data() + begin * outputs, count, outputs);
    multiply_parts(Transpose::no, Transpose::yes, hidden.part(begin, count, 0, shape.hidden), w2, 0, y);
    for (size_t r = 0; r < count; ++r) {
      const auto row = y.row(r);
      for (size_t k = 0; k < outputs; ++k) row[k] += b2[k];
    }
  });
  operations_ +=
      2.0 * static_cast<double>(rows) * static_cast<double>(shape.hidden * (shape.inputs() + outputs));
}

void Perceptron::forward(std::span<const float> parameters, const Dropout& dropout, Matrix z) {
  for (size_t t = 0; t < shape_.towers.size(); ++t) forward_tower(parameters, t, dropout);
  lengths_.resize(z.rows);
  parallel_for(z.rows, chunk, [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) {
      const auto row = z.row(r);
      std::copy_n(y_[0].data() + r * row.size(), row.size(), row.data());
      for (size_t t = 1; t < y_.size(); ++t) {
        const float* other = y_[t].data() + r * row.size();
        for (size_t k = 0; k < row.size(); ++k) row[k] *= other[k];
      }
      double square = 0;
      for (const float value : row) square += double{value} * value;
      lengths_[r] = static_cast<float>(std::sqrt(square));
      const float scale = lengths_[r] > 0 ? 1 / lengths_[r] : 0;
      for (float& value : row) value *= scale;
    }
  });
}

// dy = (dz - z (z · dz)) / |y|
void Perceptron::backward_norm(ConstMatrix z, ConstMatrix dz, const std::vector<uint32_t>& active) {
  const size_t outputs = shape_.outputs;
  if (dy_.size() < active.size() * outputs) dy_.resize(active.size() * outputs);
  parallel_for(active.size(), chunk, [&](size_t begin, size_t end) {
    for (size_t k = begin; k < end; ++k) {
      const auto from = dz.row(active[k]), unit = z.row(active[k]);
      double along = 0;
      for (size_t c = 0; c < outputs; ++c) along += double{from[c]} * unit[c];
      const float scale = lengths_[active[k]] > 0 ? 1 / lengths_[active[k]] : 0;
      float* to = dy_.data() + k * outputs;
      for (size_t c = 0; c < outputs; ++c) to[c] = (from[c] - unit[c] * static_cast<float>(along)) * scale;
    }
  });
}

void Perceptron::backward(std::span<const float> parameters, ConstMatrix z, ConstMatrix dz,
                          const std::vector<uint32_t>& active, std::span<float> gradient) {
  if (active.empty()) {
    std::fill(gradient.begin(), gradient.end(), 0.0f);
    return;
  }
  backward_norm(z, dz, active);
  if (active.size() < input_.rows()) input_.keep_rows(active);
  for (size_t t = 0; t < shape_.towers.size(); ++t) backward_tower(parameters, t, active, gradient);
}

// Turns the tower's hidden activations into their gradient: dh = (dy · W2) where h > 0.
void Perceptron::backward_hidden(const MatrixPart& dy, std::span<const float> second, size_t tower,
                                 std::span<float> bias_gradient) {
  Activations& hidden = hidden_[tower];
  const size_t units = hidden.columns(), chunks = (hidden.rows() + chunk - 1) / chunk;
  std::vector<float> partial(chunks * units);  // sums of each chunk, added up in order afterwards
  const MatrixPart w2 = weights(second, shape_.outputs, units, second_copy_);
  parallel_for(hidden.rows(), chunk, [&](size_t begin, size_t end) {
    const size_t count = end - begin;
    ScratchPool::Loan loan(pool_, count * units);
    MatrixPart part = dy;
    part.rows = count;
    if (part.single != nullptr) part.single += begin * part.stride;
    if (part.brain != nullptr) part.brain += begin * part.stride;
    multiply_parts(Transpose::no, Transpose::no, part, w2, 0, Matrix(loan.data(), count, units));
    std::vector<uint8_t> mask(units);
    for (size_t r = 0; r < count; ++r) {
      float* row = loan.data() + r * units;
      hidden.positive(begin + r, mask.data());
      for (size_t k = 0; k < units; ++k) row[k] = mask[k] != 0 ? row[k] * kept_scale_ : 0;
    }
    column_sums(ConstMatrix(loan.data(), count, units), {partial.data() + begin / chunk * units, units});
    hidden.store(begin, count, loan.data());
  });
  column_sums(ConstMatrix(partial.data(), chunks, units), bias_gradient);
}

void Perceptron::backward_tower(std::span<const float> parameters, size_t tower,
                                const std::vector<uint32_t>& active, std::span<float> gradient) {
  const TowerShape& shape = shape_.towers[tower];
  const auto at = shape_.offsets(tower);
  const size_t rows = active.size(), outputs = shape_.outputs;
  const float* own_dy = dy_.data();
  if (shape_.towers.size() > 1) {  // dy of this tower: times the other towers' outputs
    tower_dy_.resize(rows * outputs);
    for (size_t k = 0; k < rows; ++k) {
      for (size_t c = 0; c < outputs; ++c) {
        float value = dy_[k * outputs + c];
        for (size_t t = 0; t < y_.size(); ++t) {
          if (t != tower) value *= y_[t][active[k] * outputs + c];
        }
        tower_dy_[k * outputs + c] = value;
      }
    }
    own_dy = tower_dy_.data();
  }
  Activations& hidden = hidden_[tower];
  if (rows < hidden.rows()) hidden.keep_rows(active);
  const MatrixPart dy = weights({own_dy, rows * outputs}, rows, outputs, dy_copy_);
  column_sums(ConstMatrix(own_dy, rows, outputs), gradient.subspan(at.second_bias, outputs));
  multiply_parts(Transpose::yes, Transpose::no, dy, hidden.part(), 0,
                 Matrix(gradient.data() + at.second, outputs, shape.hidden));
  backward_hidden(dy, parameters.subspan(at.second, at.second_bias - at.second), tower,
                  gradient.subspan(at.first_bias, shape.hidden));
  multiply_parts(Transpose::yes, Transpose::no, hidden.part(),
                 input_.part(0, rows, shape.begin, shape.inputs()), 0,
                 Matrix(gradient.data() + at.first, shape.hidden, shape.inputs()));
  operations_ +=
      2.0 * static_cast<double>(rows) * static_cast<double>(shape.hidden * (shape.inputs() + 2 * outputs));
}

}  // namespace cowatch

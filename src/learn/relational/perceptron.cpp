#include "learn/relational/perceptron.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "base/threads.h"
#include "math/vectors.h"

namespace cowatch {
namespace {

// A task is `chunk` rows; their hidden units pass in blocks of at most `block`: a block of float32 results is
// 3 MB, which stays near the core until bias, ReLU and conversion have been over it, and is large enough for
// the products to reach their rate.
constexpr size_t chunk = 768, block = 1024;
constexpr uint32_t initial_stream = 0x696e6974, dropout_stream = 0x64726f70;

constexpr size_t units_a_draw = 16;  // a byte decides on a unit
static_assert(block % units_a_draw == 0);

uint32_t threshold_of(const Dropout& dropout) {
  return static_cast<uint32_t>(std::lround(dropout.rate * 256));
}

void column_sums(ConstMatrix matrix, std::span<float> sums) {
  std::fill(sums.begin(), sums.end(), 0.0f);
  for (size_t r = 0; r < matrix.rows; ++r) add_scaled(1, matrix.row(r), sums);
}

// The active rows, such that as many as possible stay where they are: the places of inactive ones among the
// first active.size() are taken by the active ones beyond.
std::vector<uint32_t> compact_order(const std::vector<uint32_t>& active) {
  constexpr uint32_t nothing = UINT32_MAX;
  std::vector<uint32_t> order(active.size(), nothing);
  size_t next = 0;
  for (; next < active.size() && active[next] < active.size(); ++next) order[active[next]] = active[next];
  for (uint32_t& row : order) {
    if (row == nothing) row = active[next++];
  }
  return order;
}

}  // namespace

void drop_units(const Dropout& dropout, size_t tower, size_t row_number, size_t first, size_t all,
                std::span<float> row) {
  const Random random(dropout.seed, dropout_stream + static_cast<uint32_t>(tower));
  const uint32_t threshold = threshold_of(dropout);
  const float scale = kept_scale(dropout);
  const size_t first_draw = row_number * ((all + units_a_draw - 1) / units_a_draw) + first / units_a_draw;
  for (size_t begin = 0; begin < row.size(); begin += units_a_draw) {
    const auto words = random.words(dropout.step, static_cast<uint32_t>(first_draw + begin / units_a_draw));
    const size_t count = std::min(units_a_draw, row.size() - begin);
    for (size_t k = 0; k < count; ++k) {
      const uint32_t byte = words[k / 4] >> (k % 4 * 8) & 0xff;
      row[begin + k] = byte < threshold ? 0 : row[begin + k] * scale;
    }
  }
}

float kept_scale(const Dropout& dropout) {
  return 256.0f / static_cast<float>(256 - threshold_of(dropout));
}

bool is_masked(const PerceptronShape& shape, size_t tower, const float* input) {
  if (shape.towers.size() == 1) return false;
  const TowerShape& own = shape.towers[tower];
  return std::all_of(input + own.begin, input + own.end, [](float value) { return value == 0; });
}

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

double PerceptronShape::forward_operations() const {
  double sum = 0;
  for (const TowerShape& tower : towers)
    sum += 2.0 * static_cast<double>(tower.hidden * (tower.inputs() + outputs));
  return sum;
}

double PerceptronShape::backward_operations() const {
  double sum = 0;
  for (const TowerShape& tower : towers)
    sum += 2.0 * static_cast<double>(tower.hidden * (tower.inputs() + 2 * outputs));
  return sum;
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
  const size_t towers = shape_.towers.size();
  input_.resize(rows, width);
  masked_.resize(rows * towers);
  parallel_for(rows, 64, [&](size_t begin, size_t end) {
    std::vector<float> buffer(input_.direct(begin) == nullptr ? width : 0);
    for (size_t r = begin; r < end; ++r) {
      float* const direct = input_.direct(r);
      float* const row = direct != nullptr ? direct : buffer.data();
      fill(r, row);
      if (direct == nullptr) input_.store(r, 0, buffer);
      for (size_t t = 0; t < towers; ++t) masked_[r * towers + t] = is_masked(shape_, t, row);
    }
  });
}

MatrixPart Perceptron::in_precision(std::span<const float> values, size_t rows, size_t columns,
                                    Activations& copy) const {
  if (precision_ == Precision::float32)
    return {.single = values.data(), .rows = rows, .columns = columns, .stride = columns};
  copy.resize(rows, columns);
  parallel_for(rows, 64, [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) copy.store(r, 0, values.subspan(r * columns, columns));
  });
  return copy.part();
}

// Hidden units of the rows `first` on: relu(input · W1ᵀ + bias), some left out.
void Perceptron::forward_hidden(const MatrixPart& input, const MatrixPart& w1, std::span<const float> bias,
                                size_t first, const Dropout& dropout, size_t tower) {
  Activations& hidden = hidden_[tower];
  const size_t units = hidden.columns(), edge = even_edge(units, block);
  const bool direct = hidden.direct(0) != nullptr;
  ScratchPool::Loan loan(pool_, direct ? 0 : input.rows * edge);
  for (size_t column = 0; column < units; column += edge) {
    const size_t width = std::min(edge, units - column);
    const Matrix part = direct ? Matrix(hidden.direct(first) + column, input.rows, width, units)
                               : Matrix(loan.data(), input.rows, width);
    multiply_parts_here(Transpose::no, Transpose::yes, 1, input, w1.block(column, width, 0, w1.columns),
                        part);
    for (size_t r = 0; r < part.rows; ++r) {
      add_bias_relu(bias.subspan(column, width), part.row(r));
      if (dropout.rate > 0) drop_units(dropout, tower, first + r, column, units, part.row(r));
      if (!direct) hidden.store(first + r, column, part.row(r));
    }
  }
}

void Perceptron::forward_tower(std::span<const float> parameters, size_t tower, const Dropout& dropout) {
  const TowerShape& shape = shape_.towers[tower];
  const auto at = shape_.offsets(tower);
  const size_t rows = input_.rows(), outputs = shape_.outputs;
  const auto w1 = in_precision(parameters.subspan(at.first, at.first_bias - at.first), shape.hidden,
                               shape.inputs(), first_copy_);
  const auto w2 = in_precision(parameters.subspan(at.second, at.second_bias - at.second), outputs,
                               shape.hidden, second_copy_);
  const auto b1 = parameters.subspan(at.first_bias, shape.hidden),
             b2 = parameters.subspan(at.second_bias, outputs);
  kept_scale_ = kept_scale(dropout);
  Activations& hidden = hidden_[tower];
  hidden.resize(rows, shape.hidden);
  if (y_[tower].size() < rows * outputs) y_[tower].resize(rows * outputs);
  parallel_for(rows, chunk, [&](size_t begin, size_t end) {
    const size_t count = end - begin;
    forward_hidden(input_.part().block(begin, count, shape.begin, shape.inputs()), w1, b1, begin, dropout,
                   tower);
    const Matrix y(y_[tower].data() + begin * outputs, count, outputs);
    multiply_parts_here(Transpose::no, Transpose::yes, 1, hidden.part().block(begin, count, 0, shape.hidden),
                        w2, y);
    for (size_t r = 0; r < count; ++r) {
      add_scaled(1, b2, y.row(r));
      if (masked_[(begin + r) * shape_.towers.size() + tower] != 0) std::ranges::fill(y.row(r), 1.0f);
    }
  });
}

void Perceptron::forward(std::span<const float> parameters, const Dropout& dropout, Matrix z) {
  for (size_t t = 0; t < shape_.towers.size(); ++t) forward_tower(parameters, t, dropout);
  operations_ += static_cast<double>(z.rows) * shape_.forward_operations();
  lengths_.resize(z.rows);
  parallel_for(z.rows, chunk, [&](size_t begin, size_t end) {
    for (size_t r = begin; r < end; ++r) {
      const auto row = z.row(r);
      std::copy_n(y_[0].data() + r * row.size(), row.size(), row.data());
      for (size_t t = 1; t < y_.size(); ++t) {
        const float* other = y_[t].data() + r * row.size();
        for (size_t k = 0; k < row.size(); ++k) row[k] *= other[k];
      }
      lengths_[r] = normalise(row);
    }
  });
}

// dy = (dz - z (z · dz)) / |y|
void Perceptron::backward_norm(ConstMatrix z, ConstMatrix dz, const std::vector<uint32_t>& order) {
  const size_t outputs = shape_.outputs;
  if (dy_.size() < order.size() * outputs) dy_.resize(order.size() * outputs);
  parallel_for(order.size(), chunk, [&](size_t begin, size_t end) {
    for (size_t k = begin; k < end; ++k) {
      const auto from = dz.row(order[k]), unit = z.row(order[k]);
      const float along = dot(from, unit), length = lengths_[order[k]];
      const float scale = length == 0 ? 0 : 1 / length;
      float* to = dy_.data() + k * outputs;
      for (size_t c = 0; c < outputs; ++c) to[c] = (from[c] - unit[c] * along) * scale;
    }
  });
}

void Perceptron::backward(std::span<const float> parameters, ConstMatrix z, ConstMatrix dz,
                          const std::vector<uint32_t>& active, std::span<float> gradient) {
  if (active.empty()) {
    std::fill(gradient.begin(), gradient.end(), 0.0f);
    return;
  }
  const std::vector<uint32_t> order = compact_order(active);
  backward_norm(z, dz, order);
  input_.keep_rows(order);
  for (size_t t = 0; t < shape_.towers.size(); ++t) backward_tower(parameters, t, order, gradient);
  operations_ += static_cast<double>(order.size()) * shape_.backward_operations();
}

// Turns the tower's hidden activations into their gradient: dh = (dy · W2) where h > 0.
void Perceptron::backward_hidden(const MatrixPart& dy, std::span<const float> second, size_t tower,
                                 std::span<float> bias_gradient) {
  Activations& hidden = hidden_[tower];
  const size_t units = hidden.columns(), chunks = (hidden.rows() + chunk - 1) / chunk,
               edge = even_edge(units, block);
  std::vector<float> partial(chunks * units);  // sums of each chunk, added up in order afterwards
  const MatrixPart w2 = in_precision(second, shape_.outputs, units, second_copy_);
  parallel_for(hidden.rows(), chunk, [&](size_t begin, size_t end) {
    const size_t count = end - begin;
    ScratchPool::Loan loan(pool_, count * edge);
    for (size_t column = 0; column < units; column += edge) {
      const size_t width = std::min(edge, units - column);
      const std::span<float> sums(partial.data() + begin / chunk * units + column, width);
      const Matrix part(loan.data(), count, width);
      multiply_parts_here(Transpose::no, Transpose::no, kept_scale_, dy.block(begin, count, 0, dy.columns),
                          w2.block(0, w2.rows, column, width), part);
      for (size_t r = 0; r < count; ++r) {
        hidden.relu_gradient(begin + r, column, part.row(r));
        add_scaled(1, part.row(r), sums);
        hidden.store(begin + r, column, part.row(r));
      }
    }
  });
  column_sums(ConstMatrix(partial.data(), chunks, units), bias_gradient);
}

// The gradient of one tower's outputs: that of the product, times the other towers' outputs; none where it is
// masked.
std::span<const float> Perceptron::backward_product(size_t tower, const std::vector<uint32_t>& order) {
  const size_t rows = order.size(), outputs = shape_.outputs;
  if (shape_.towers.size() == 1) return std::span(dy_).first(rows * outputs);
  tower_dy_.resize(rows * outputs);
  parallel_for(rows, chunk, [&](size_t begin, size_t end) {
    for (size_t k = begin; k < end; ++k) {
      float* to = tower_dy_.data() + k * outputs;
      if (masked_[order[k] * y_.size() + tower] != 0) {
        std::fill_n(to, outputs, 0.0f);
        continue;
      }
      std::copy_n(dy_.data() + k * outputs, outputs, to);
      for (size_t t = 0; t < y_.size(); ++t) {
        const float* other = y_[t].data() + order[k] * outputs;
        for (size_t c = 0; c < outputs && t != tower; ++c) to[c] *= other[c];
      }
    }
  });
  return tower_dy_;
}

void Perceptron::backward_tower(std::span<const float> parameters, size_t tower,
                                const std::vector<uint32_t>& order, std::span<float> gradient) {
  const TowerShape& shape = shape_.towers[tower];
  const auto at = shape_.offsets(tower);
  const size_t rows = order.size(), outputs = shape_.outputs;
  const std::span<const float> own_dy = backward_product(tower, order);
  Activations& hidden = hidden_[tower];
  hidden.keep_rows(order);
  const MatrixPart dy = in_precision(own_dy, rows, outputs, dy_copy_);
  column_sums(ConstMatrix(own_dy.data(), rows, outputs), gradient.subspan(at.second_bias, outputs));
  multiply_parts(Transpose::yes, Transpose::no, dy, hidden.part(),
                 Matrix(gradient.data() + at.second, outputs, shape.hidden));
  backward_hidden(dy, parameters.subspan(at.second, at.second_bias - at.second), tower,
                  gradient.subspan(at.first_bias, shape.hidden));
  multiply_parts(Transpose::yes, Transpose::no, hidden.part(),
                 input_.part().block(0, rows, shape.begin, shape.inputs()),
                 Matrix(gradient.data() + at.first, shape.hidden, shape.inputs()));
}

}  // namespace cowatch

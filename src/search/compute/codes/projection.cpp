#include "search/compute/codes/projection.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/error.h"
#include "math/eigen.h"
#include "math/vectors.h"
#include "search/compute/codes/rotation.h"
#include "search/compute/scan.h"

namespace cowatch {
namespace {

constexpr double orthonormal_tolerance = 1e-3;
// Of the average singular value: what the former rotation adds to a matrix that may lack directions.
constexpr float kept_share = 1e-3f;
constexpr int newton_steps = 40;

double orthonormal_error(ConstMatrix rows) {
  std::vector<float> products(rows.rows * rows.rows);
  multiply(Transpose::no, Transpose::yes, 1, rows, rows, 0, Matrix(products.data(), rows.rows, rows.rows));
  double worst = 0;
  for (size_t i = 0; i < products.size(); ++i) {
    const double error = std::abs(products[i] - (i / rows.rows == i % rows.rows ? 1.0 : 0.0));
    worst = error <= worst ? worst : error;  // a NaN is the worst
  }
  return worst;
}

}  // namespace

Projection::Projection(size_t outputs, size_t inputs, std::vector<float> rows, std::vector<float> mean)
    : inputs_(inputs), outputs_(outputs), rows_(std::move(rows)), mean_(std::move(mean)) {
  if (outputs == 0 || outputs > inputs ||
      (rows_.empty() ? outputs != inputs : rows_.size() != outputs * inputs) ||
      (!mean_.empty() && mean_.size() != inputs)) {
    throw Error(
        ErrorCode::bad_input, "a rotation does not fit its vectors",
        {.expected = "at most " + std::to_string(inputs) + " rows of as many numbers, and a mean of those",
         .found = std::to_string(rows_.size()) + " numbers in " + std::to_string(outputs) +
                  " rows, a mean of " + std::to_string(mean_.size())});
  }
  for (const float value : mean_) {
    if (!std::isfinite(value))
      throw Error(ErrorCode::bad_input, "a mean has numbers that are not finite",
                  {.found = std::to_string(value)});
  }
  if (rows_.empty()) return;
  const double error = orthonormal_error(this->rows());
  if (!(error <= orthonormal_tolerance)) {
    throw Error(
        ErrorCode::bad_input, "the rows of a rotation are not orthonormal",
        {.expected = "products of rows within " + std::to_string(orthonormal_tolerance) + " of 0 or 1",
         .found = "off by " + std::to_string(error)});
  }
}

void Projection::turn(std::span<const float> x, std::span<float> y) const {
  if (rows_.empty()) {
    std::copy(x.begin(), x.end(), y.begin());
  } else {
    score_rows(x, rows(), y.first(outputs_));
  }
}

void Projection::apply(std::span<const float> x, std::span<float> y) const {
  if (mean_.empty()) return turn(x, y);
  std::vector<float> centred(x.begin(), x.end());
  for (size_t i = 0; i < inputs_; ++i) centred[i] -= mean_[i];
  turn(centred, y);
}

void Projection::apply_all(ConstMatrix x, Matrix y) const {
  if (rows_.empty()) {
    for (size_t r = 0; r < x.rows; ++r) {
      for (size_t i = 0; i < inputs_; ++i) y.row(r)[i] = x.row(r)[i] - (mean_.empty() ? 0 : mean_[i]);
    }
    return;
  }
  std::vector<float> shift(outputs_);
  if (!mean_.empty()) score_rows(mean_, rows(), shift);
  for (size_t r = 0; r < x.rows; ++r) std::copy(shift.begin(), shift.end(), y.row(r).begin());
  multiply_here(Transpose::no, Transpose::yes, 1, x, rows(), -1, y);
}

Projection Projection::then(const Projection& next) const {
  if (next.rows_.empty()) return *this;
  if (rows_.empty()) return {next.outputs_, inputs_, next.rows_, mean_};
  std::vector<float> both(next.outputs_ * inputs_);
  multiply(Transpose::no, Transpose::no, 1, next.rows(), rows(), 0,
           Matrix(both.data(), next.outputs_, inputs_));
  return {next.outputs_, inputs_, std::move(both), mean_};
}

void Projection::save(TensorFileWriter& writer) const {
  if (!rows_.empty()) writer.add<float>("projection", {outputs_, inputs_}, rows_);
  if (!mean_.empty()) writer.add<float>("mean", {inputs_}, mean_);
}

Projection Projection::load(const TensorFile& file, size_t inputs) {
  std::vector<float> rows, mean;
  size_t outputs = inputs;
  if (file.has("projection")) {
    const auto values = file.tensor<float>("projection");
    rows.assign(values.begin(), values.end());
    const auto& shape = file.shape("projection");
    outputs = shape.empty() ? 0 : shape[0];  // of a single number: refused
  }
  if (file.has("mean")) {
    const auto values = file.tensor<float>("mean");
    mean.assign(values.begin(), values.end());
  }
  return {outputs, inputs, std::move(rows), std::move(mean)};
}

Projection random_rotation(size_t dimension, uint64_t seed) {
  const Rotation rotation(dimension, seed);
  std::vector<float> rows(dimension * dimension), turned(dimension);
  for (size_t i = 0; i < dimension; ++i) {
    std::fill(turned.begin(), turned.end(), 0.0f);
    turned[i] = 1;
    rotation.apply(turned);
    for (size_t r = 0; r < dimension; ++r) rows[r * dimension + i] = turned[r];
  }
  return {dimension, dimension, std::move(rows), {}};
}

Projection principal_directions(ConstMatrix rows, size_t kept, bool centred) {
  const size_t width = rows.columns;
  std::vector<float> mean(centred ? width : 0), shifted(rows.rows * width), spread(width * width);
  std::vector<double> sums(width);
  for (size_t r = 0; r < rows.rows; ++r) {
    for (size_t i = 0; i < width; ++i) sums[i] += rows.row(r)[i];
  }
  for (size_t i = 0; i < mean.size(); ++i)
    mean[i] = static_cast<float>(sums[i] / static_cast<double>(rows.rows));
  const Matrix centred_rows(shifted.data(), rows.rows, width);
  Projection(width, width, {}, mean).apply_all(rows, centred_rows);
  multiply(Transpose::yes, Transpose::no, 1.0f / static_cast<float>(rows.rows), centred_rows, centred_rows, 0,
           Matrix(spread.data(), width, width));
  const Eigen eigen = leading_eigen(ConstMatrix(spread.data(), width, width), kept);
  return {kept, width, {eigen.vectors.begin(), eigen.vectors.end()}, std::move(mean)};
}

std::vector<float> nearest_orthonormal(ConstMatrix m, ConstMatrix before) {
  const size_t rows = m.rows, columns = m.columns;
  std::vector<float> r(rows * columns), square(rows * rows), step(rows * columns);
  double total = 0;
  for (size_t i = 0; i < rows; ++i) total += dot(m.row(i), m.row(i));
  const auto norm = static_cast<float>(std::sqrt(total));
  const float share = norm * kept_share / std::sqrt(static_cast<float>(rows));
  double scaled = 0;
  for (size_t i = 0; i < r.size(); ++i) {
    r[i] = m.row(i / columns)[i % columns] + share * before.row(i / columns)[i % columns];
    scaled += double{r[i]} * r[i];
  }
  // Singular values below √3 converge; the sum of their squares bounds the largest.
  const float inverse = scaled > 0 ? static_cast<float>(1 / std::sqrt(scaled)) : 0;
  for (float& value : r) value *= inverse;
  const Matrix now(r.data(), rows, columns), gram(square.data(), rows, rows),
      next(step.data(), rows, columns);
  for (int i = 0; i < newton_steps; ++i) {
    multiply(Transpose::no, Transpose::yes, 1, now, now, 0, gram);
    std::copy(r.begin(), r.end(), step.begin());
    multiply(Transpose::no, Transpose::no, -0.5f, gram, now, 1.5f, next);
    std::swap_ranges(r.begin(), r.end(), step.begin());
  }
  return r;
}

}  // namespace cowatch

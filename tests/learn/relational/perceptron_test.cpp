#include "learn/relational/perceptron.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "base/random.h"
#include "base/threads.h"

namespace cowatch {
namespace {

std::vector<float> normals(size_t count, uint64_t seed) {
  const Random random(seed, 11);
  std::vector<float> values(count);
  for (size_t k = 0; k < count; ++k)
    values[k] = static_cast<float>(random.normal(0, static_cast<uint32_t>(k)));
  return values;
}

// The network written out in float64.
std::vector<double> slow_forward(const PerceptronShape& shape, const std::vector<float>& p,
                                 const std::vector<float>& x, size_t rows, size_t width) {
  std::vector<double> z(rows * shape.outputs, 1.0);
  for (size_t r = 0; r < rows; ++r) {
    for (size_t t = 0; t < shape.towers.size(); ++t) {
      const auto& tower = shape.towers[t];
      const auto at = shape.offsets(t);
      double input = 0;
      for (size_t k = tower.begin; k < tower.end; ++k) input += std::abs(x[r * width + k]);
      if (shape.towers.size() > 1 && input == 0) continue;  // masked
      std::vector<double> hidden(tower.hidden);
      for (size_t h = 0; h < tower.hidden; ++h) {
        double sum = p[at.first_bias + h];
        for (size_t k = 0; k < tower.inputs(); ++k)
          sum += double{p[at.first + h * tower.inputs() + k]} * x[r * width + tower.begin + k];
        hidden[h] = std::max(0.0, sum);
      }
      for (size_t o = 0; o < shape.outputs; ++o) {
        double sum = p[at.second_bias + o];
        for (size_t h = 0; h < tower.hidden; ++h)
          sum += double{p[at.second + o * tower.hidden + h]} * hidden[h];
        z[r * shape.outputs + o] *= sum;
      }
    }
    double square = 0;
    for (size_t o = 0; o < shape.outputs; ++o) square += z[r * shape.outputs + o] * z[r * shape.outputs + o];
    for (size_t o = 0; o < shape.outputs; ++o) z[r * shape.outputs + o] /= std::sqrt(square);
  }
  return z;
}

class PerceptronShapes : public ::testing::TestWithParam<bool> {
 protected:
  static PerceptronShape shape() {
    PerceptronShape shape;
    shape.outputs = 4;
    if (GetParam()) {
      shape.towers = {{0, 3, 6}, {3, 7, 5}};
    } else {
      shape.towers = {{0, 7, 9}};
    }
    return shape;
  }
  static constexpr size_t rows = 6, width = 7;
  std::vector<float> parameters = normals(shape().parameters(), 1), x = inputs(), c = normals(rows * 4, 3);
  // Row 2 lacks what the first of two towers sees, row 4 what the second does, row 5 both.
  static std::vector<float> inputs() {
    std::vector<float> x = normals(rows * width, 2);
    const auto clear = [&](size_t row, size_t begin, size_t end) {
      for (size_t k = begin; k < end; ++k) x[row * width + k] = 0;
    };
    clear(2, 0, 3);
    clear(4, 3, 7);
    clear(5, 0, 7);
    return x;
  }
};

TEST_P(PerceptronShapes, ForwardIsTheFormula) {
  Perceptron network(shape(), Precision::float32);
  std::vector<float> z(rows * 4);
  network.set_input(rows, width,
                    [&](size_t r, float* row) { std::copy_n(x.data() + r * width, width, row); });
  network.forward(parameters, {}, Matrix(z.data(), rows, 4));
  const auto expected = slow_forward(shape(), parameters, x, rows, width);
  for (size_t k = 0; k < z.size(); ++k) EXPECT_NEAR(z[k], expected[k], 1e-5);
}

// The loss Σ c·z over some rows only, so that the others must not count.
TEST_P(PerceptronShapes, BackwardIsTheDifferenceQuotient) {
  const std::vector<uint32_t> active = {1, 2, 4};
  Perceptron network(shape(), Precision::float32);
  std::vector<float> z(rows * 4), gradient(parameters.size(), 7);
  network.set_input(rows, width,
                    [&](size_t r, float* row) { std::copy_n(x.data() + r * width, width, row); });
  network.forward(parameters, {}, Matrix(z.data(), rows, 4));
  network.backward(parameters, ConstMatrix(z.data(), rows, 4), ConstMatrix(c.data(), rows, 4), active,
                   gradient);
  const auto loss = [&] {
    const auto out = slow_forward(shape(), parameters, x, rows, width);
    double sum = 0;
    for (const uint32_t r : active) {
      for (size_t o = 0; o < 4; ++o) sum += c[r * 4 + o] * out[r * 4 + o];
    }
    return sum;
  };
  for (size_t k = 0; k < parameters.size(); ++k) {
    const float kept = parameters[k], step = 1e-3f;
    parameters[k] = kept + step;
    const double above = loss(), up = parameters[k];
    parameters[k] = kept - step;
    const double below = loss(), down = parameters[k];
    parameters[k] = kept;
    EXPECT_NEAR(gradient[k], (above - below) / (up - down), 2e-3 * (1 + std::abs(gradient[k])))
        << "parameter " << k;
  }
}

TEST_P(PerceptronShapes, Bfloat16StaysNear) {
  std::vector<float> z(rows * 4), other(rows * 4), gradient(parameters.size()), rough(parameters.size());
  std::vector<uint32_t> all(rows);
  std::iota(all.begin(), all.end(), 0u);
  for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
    Perceptron network(shape(), precision);
    auto& out = precision == Precision::float32 ? z : other;
    network.set_input(rows, width,
                      [&](size_t r, float* row) { std::copy_n(x.data() + r * width, width, row); });
    network.forward(parameters, {}, Matrix(out.data(), rows, 4));
    network.backward(parameters, ConstMatrix(out.data(), rows, 4), ConstMatrix(c.data(), rows, 4), all,
                     precision == Precision::float32 ? gradient : rough);
  }
  for (size_t k = 0; k < z.size(); ++k) EXPECT_NEAR(z[k], other[k], 0.05);
  double along = 0, exact = 0, approximate = 0;
  for (size_t k = 0; k < gradient.size(); ++k) {
    along += double{gradient[k]} * rough[k];
    exact += double{gradient[k]} * gradient[k];
    approximate += double{rough[k]} * rough[k];
  }
  EXPECT_GT(along / std::sqrt(exact * approximate), 0.98);
}

INSTANTIATE_TEST_SUITE_P(Towers, PerceptronShapes, ::testing::Bool());

// More rows than a task, more hidden units than a block, and active rows with gaps: the gradient of Σ c·z,
// written out in float64.
struct Large {
  static constexpr size_t rows = 1700, width = 3, outputs = 4, hidden = 1100;
  PerceptronShape shape{{{0, width, hidden}}, outputs};
  std::vector<float> parameters = normals(shape.parameters(), 1), x = normals(rows * width, 2),
                     c = normals(rows * outputs, 3), z = std::vector<float>(rows * outputs);
  std::vector<uint32_t> active;

  Large() {
    for (uint32_t r = 0; r < rows; ++r) {
      if (r % 5 != 0) active.push_back(r);
    }
  }

  std::vector<float> gradient(Precision precision) {
    Perceptron network(shape, precision);
    std::vector<float> gradient(parameters.size(), 7);
    network.set_input(rows, width,
                      [&](size_t r, float* row) { std::copy_n(x.data() + r * width, width, row); });
    network.forward(parameters, {}, Matrix(z.data(), rows, outputs));
    network.backward(parameters, ConstMatrix(z.data(), rows, outputs), ConstMatrix(c.data(), rows, outputs),
                     active, gradient);
    return gradient;
  }

  std::vector<double> slow_gradient() const {
    const auto at = shape.offsets(0);
    std::vector<double> gradient(parameters.size());
    for (const uint32_t r : active) {
      std::vector<double> h(hidden), y(outputs), dy(outputs);
      for (size_t k = 0; k < hidden; ++k) {
        h[k] = parameters[at.first_bias + k];
        for (size_t i = 0; i < width; ++i)
          h[k] += double{parameters[at.first + k * width + i]} * x[r * width + i];
        h[k] = std::max(0.0, h[k]);
      }
      double square = 0, along = 0;
      for (size_t o = 0; o < outputs; ++o) {
        y[o] = parameters[at.second_bias + o];
        for (size_t k = 0; k < hidden; ++k) y[o] += double{parameters[at.second + o * hidden + k]} * h[k];
        square += y[o] * y[o];
        along += y[o] * c[r * outputs + o];
      }
      for (size_t o = 0; o < outputs; ++o) {
        dy[o] = (c[r * outputs + o] - y[o] * along / square) / std::sqrt(square);
        gradient[at.second_bias + o] += dy[o];
      }
      for (size_t k = 0; k < hidden; ++k) {
        double dh = 0;
        for (size_t o = 0; o < outputs; ++o) {
          gradient[at.second + o * hidden + k] += dy[o] * h[k];
          dh += dy[o] * parameters[at.second + o * hidden + k];
        }
        if (h[k] == 0) continue;
        gradient[at.first_bias + k] += dh;
        for (size_t i = 0; i < width; ++i) gradient[at.first + k * width + i] += dh * x[r * width + i];
      }
    }
    return gradient;
  }
};

TEST(Perceptron, GradientOverManyTasksAndBlocksIsThePlainLoops) {
  Large large;
  const auto expected = large.slow_gradient();
  const auto exact = large.gradient(Precision::float32), rough = large.gradient(Precision::bfloat16);
  double along = 0, squares = 0, rough_squares = 0;
  for (size_t k = 0; k < expected.size(); ++k) {
    ASSERT_NEAR(exact[k], expected[k], 1e-4 * (1 + std::abs(expected[k]))) << "parameter " << k;
    along += expected[k] * rough[k];
    squares += expected[k] * expected[k];
    rough_squares += double{rough[k]} * rough[k];
  }
  EXPECT_GT(along / std::sqrt(squares * rough_squares), 0.999);
  EXPECT_NEAR(std::sqrt(rough_squares / squares), 1,
              0.05);  // rows with a short y weigh most, and round worst
}

TEST(Perceptron, HasTheSameBytesForAnyNumberOfThreads) {
  for (const Precision precision : {Precision::float32, Precision::bfloat16}) {
    std::vector<std::vector<float>> gradients;
    for (const size_t count : {1, 2, 4}) {
      set_threads(count);
      gradients.push_back(Large().gradient(precision));
    }
    set_threads(0);
    EXPECT_EQ(gradients[1], gradients[0]);
    EXPECT_EQ(gradients[2], gradients[0]);
  }
}

// The units left out do not depend on the blocks that they are computed in.
TEST(Dropout, ReachesEveryBlock) {
  constexpr size_t units = 2100, rows = 900;
  PerceptronShape shape{{{0, 1, units}}, 2};
  std::vector<float> parameters(shape.parameters());
  const auto at = shape.offsets(0);
  std::fill_n(parameters.begin() + static_cast<ptrdiff_t>(at.first), units, 1.0f);
  parameters[at.second_bias + 1] = 1;
  for (const size_t begin :
       {size_t{0}, size_t{700}, size_t{1400}}) {  // output 0: mean of a third of the units
    std::fill_n(parameters.begin() + static_cast<ptrdiff_t>(at.second), units, 0.0f);
    std::fill_n(parameters.begin() + static_cast<ptrdiff_t>(at.second + begin), 700, 1.0f / 700);
    Perceptron network(shape, Precision::float32);
    std::vector<float> z(rows * 2);
    network.set_input(rows, 1, [](size_t, float* row) { row[0] = 1; });
    network.forward(parameters, {.rate = 0.5, .seed = 3, .step = 5}, Matrix(z.data(), rows, 2));
    double sum = 0, square = 0;
    for (size_t r = 0; r < rows; ++r) {
      const double mean = z[2 * r] / z[2 * r + 1];
      sum += mean / rows;
      square += mean * mean / rows;
    }
    EXPECT_NEAR(sum, 1, 0.01);
    EXPECT_NEAR(std::sqrt(square - sum * sum), std::sqrt(1.0 / 700), 0.008);  // each unit is 0 or 2
  }
}

// Biases far from zero keep every unit on its side of the ReLU, so that forward() itself is smooth enough to
// be differenced in float32. The mask depends on seed and step alone: it is the same at every point.
TEST(Dropout, BackwardIsTheDifferenceQuotientOfForward) {
  constexpr size_t rows = 5, width = 4, hidden = 60, outputs = 2;
  const PerceptronShape shape{{{0, 2, hidden}, {2, 4, hidden}}, outputs};
  std::vector<float> parameters = normals(shape.parameters(), 21), x = normals(rows * width, 22);
  const std::vector<float> c = normals(rows * outputs, 23);
  for (size_t tower = 0; tower < 2; ++tower) {
    for (size_t h = 0; h < hidden; ++h)
      parameters[shape.offsets(tower).first_bias + h] = h % 4 == 0 ? -9.0f : 9.0f;
  }
  const Dropout dropout{.rate = 0.5, .seed = 3, .step = 5};
  Perceptron network(shape, Precision::float32);
  const auto forward = [&](std::vector<float>& z, const Dropout& left_out) {
    network.set_input(rows, width,
                      [&](size_t r, float* row) { std::copy_n(x.data() + r * width, width, row); });
    network.forward(parameters, left_out, Matrix(z.data(), rows, outputs));
  };
  std::vector<float> z(rows * outputs), all(z), gradient(parameters.size(), 7);
  forward(all, {});
  forward(z, dropout);
  EXPECT_NE(z, all);
  network.backward(parameters, ConstMatrix(z.data(), rows, outputs), ConstMatrix(c.data(), rows, outputs),
                   {0, 1, 2, 3, 4}, gradient);
  const auto loss = [&] {
    forward(z, dropout);
    double sum = 0;
    for (size_t k = 0; k < z.size(); ++k) sum += double{c[k]} * z[k];
    return sum;
  };
  double largest = 0;
  for (const float value : gradient) largest = std::max(largest, std::abs(double{value}));
  for (size_t k = 0; k < parameters.size(); ++k) {
    const float kept = parameters[k], step = 2e-2f;
    parameters[k] = kept + step;
    const double above = loss(), up = parameters[k];
    parameters[k] = kept - step;
    const double below = loss(), down = parameters[k];
    parameters[k] = kept;
    EXPECT_NEAR(gradient[k], (above - below) / (up - down), 2e-3 * largest) << "parameter " << k;
  }
}

TEST(Dropout, LeavesOutTheShareAndScalesTheRest) {
  Perceptron again(PerceptronShape{{{0, 1, 4096}}, 2}, Precision::float32);
  std::vector<float> wide(again.shape().parameters());
  const auto two = again.shape().offsets(0);
  for (size_t h = 0; h < 4096; ++h) {
    wide[two.first + h] = 1;
    wide[two.second + h] = 1.0f / 4096;  // output 0: mean of the hidden units
  }
  wide[two.second_bias + 1] = 1;  // output 1: the yardstick
  std::vector<float> pair(2);
  again.set_input(1, 1, [](size_t, float* row) { row[0] = 1; });
  again.forward(wide, {.rate = 0.25, .seed = 3, .step = 5}, Matrix(pair.data(), 1, 2));
  EXPECT_NEAR(pair[0] / pair[1], 1, 0.05);  // scaled up to the same mean
  again.forward(wide, {.rate = 0.25, .seed = 3, .step = 6}, Matrix(pair.data(), 1, 2));
  EXPECT_NE(pair[0] / pair[1], 1);
}

}  // namespace
}  // namespace cowatch

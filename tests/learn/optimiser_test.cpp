#include "learn/optimiser.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "base/random.h"
#include "base/threads.h"

namespace cowatch {
namespace {

std::vector<float> normals(size_t count, uint64_t step) {
  const Random random(4, 2);
  std::vector<float> values(count);
  for (size_t k = 0; k < count; ++k)
    values[k] = static_cast<float>(random.normal(step, static_cast<uint32_t>(k)));
  return values;
}

constexpr size_t count = 100'003;
constexpr uint64_t steps = 4;

// AdamW as its paper's algorithm 2 writes it, in float64.
TEST(Optimiser, AdamWIsThePapersAlgorithm) {
  OptimiserSettings settings;
  settings.weight_decay = 0.1;
  Optimiser optimiser(settings, count);
  auto parameters = normals(count, 9);
  std::vector<double> expected(parameters.begin(), parameters.end()), first(count), second(count);
  for (uint64_t step = 0; step < steps; ++step) {
    const auto gradient = normals(count, step);
    const double rate = 0.01 * static_cast<double>(step + 1), t = static_cast<double>(step + 1);
    optimiser.update(parameters, gradient, rate, step);
    for (size_t k = 0; k < count; ++k) {
      first[k] = 0.9 * first[k] + 0.1 * gradient[k];
      second[k] = 0.999 * second[k] + 0.001 * double{gradient[k]} * gradient[k];
      const double m = first[k] / (1 - std::pow(0.9, t)), v = second[k] / (1 - std::pow(0.999, t));
      expected[k] -= rate * 0.1 * expected[k] + rate * m / (std::sqrt(v) + 1e-8);
    }
  }
  for (size_t k = 0; k < count; ++k) ASSERT_NEAR(parameters[k], expected[k], 1e-5) << k;
}

TEST(Optimiser, SgdKeepsMomentumOnlyWhenAsked) {
  for (const double momentum : {0.0, 0.9}) {
    Optimiser optimiser({.kind = OptimiserKind::sgd, .momentum = momentum, .weight_decay = 0.1}, count);
    EXPECT_EQ(optimiser.state().size(), momentum > 0 ? count : 0);
    auto parameters = normals(count, 9);
    std::vector<double> expected(parameters.begin(), parameters.end()), velocity(count);
    for (uint64_t step = 0; step < steps; ++step) {
      const auto gradient = normals(count, step);
      optimiser.update(parameters, gradient, 0.05, step);
      for (size_t k = 0; k < count; ++k) {
        velocity[k] = momentum * velocity[k] + gradient[k];
        expected[k] -= 0.05 * (0.1 * expected[k] + velocity[k]);
      }
    }
    for (size_t k = 0; k < count; ++k) ASSERT_NEAR(parameters[k], expected[k], 1e-5) << k;
  }
}

TEST(Optimiser, DoesNotDependOnThreads) {
  std::vector<std::vector<float>> ends;
  for (const size_t threads : {1, 2}) {
    set_threads(threads);
    Optimiser optimiser({}, count);
    auto& parameters = ends.emplace_back(normals(count, 9));
    for (uint64_t step = 0; step < steps; ++step)
      optimiser.update(parameters, normals(count, step), 0.01, step);
  }
  set_threads(0);
  EXPECT_EQ(ends[0], ends[1]);
}

TEST(LearningRate, WarmsUpAndThenFollowsItsSchedule) {
  OptimiserSettings settings{.rate = 2, .schedule = ScheduleKind::constant, .warm_up = 4};
  EXPECT_DOUBLE_EQ(learning_rate(settings, 0, 100), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(settings, 3, 100), 2);
  EXPECT_DOUBLE_EQ(learning_rate(settings, 99, 100), 2);
  settings.schedule = ScheduleKind::cosine;
  EXPECT_DOUBLE_EQ(learning_rate(settings, 25, 100), 1 + std::cos(std::numbers::pi / 4));
  EXPECT_NEAR(learning_rate(settings, 100, 100), 0, 1e-12);
  settings.schedule = ScheduleKind::decay;
  settings.decay = 0.5;
  settings.decay_every = 10;
  EXPECT_DOUBLE_EQ(learning_rate(settings, 9, 100), 2);
  EXPECT_DOUBLE_EQ(learning_rate(settings, 29, 100), 0.5);
}

}  // namespace
}  // namespace cowatch

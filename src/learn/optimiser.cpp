#include "learn/optimiser.h"

#include <cmath>
#include <numbers>

#include "base/threads.h"

namespace cowatch {
namespace {

constexpr size_t grain = 1 << 16;
constexpr double first_decay = 0.9, second_decay = 0.999, epsilon = 1e-8;  // the paper's

size_t state_size(const OptimiserSettings& settings, size_t parameters) {
  if (settings.kind == OptimiserKind::adamw) return 2 * parameters;
  return settings.momentum > 0 ? parameters : 0;
}

}  // namespace

double learning_rate(const OptimiserSettings& settings, uint64_t step, uint64_t steps) {
  const double done = static_cast<double>(step) / static_cast<double>(steps);
  double factor = 1;
  if (settings.schedule == ScheduleKind::cosine) factor = 0.5 * (1 + std::cos(std::numbers::pi * done));
  if (settings.schedule == ScheduleKind::decay) {
    factor = std::pow(settings.decay, static_cast<double>(step / settings.decay_every));
  }
  if (step < settings.warm_up)
    factor *= static_cast<double>(step + 1) / static_cast<double>(settings.warm_up);
  return settings.rate * factor;
}

Optimiser::Optimiser(const OptimiserSettings& settings, size_t parameters)
    : settings_(settings), parameters_(parameters), state_(state_size(settings, parameters)) {}

void Optimiser::update(std::span<float> parameters, std::span<const float> gradient, double rate,
                       uint64_t step) {
  const auto keep = static_cast<float>(1 - rate * settings_.weight_decay);
  const auto step_rate = static_cast<float>(rate);
  float* first = state_.data();
  if (settings_.kind == OptimiserKind::sgd) {
    const auto momentum = static_cast<float>(settings_.momentum);
    const bool has_momentum = !state_.empty();
    parallel_for(parameters_, grain, [&](size_t begin, size_t end) {
      for (size_t k = begin; k < end; ++k) {
        float direction = gradient[k];
        if (has_momentum) direction = first[k] = momentum * first[k] + direction;
        parameters[k] = keep * parameters[k] - step_rate * direction;
      }
    });
    return;
  }
  float* second = first + parameters_;
  const auto t = static_cast<double>(step + 1);
  const auto first_scale = static_cast<float>(rate / (1 - std::pow(first_decay, t)));
  const auto second_scale = static_cast<float>(1 / (1 - std::pow(second_decay, t)));
  parallel_for(parameters_, grain, [&](size_t begin, size_t end) {
    constexpr float m = first_decay, v = second_decay, e = epsilon;
    for (size_t k = begin; k < end; ++k) {
      const float g = gradient[k];
      first[k] = m * first[k] + (1 - m) * g;
      second[k] = v * second[k] + (1 - v) * g * g;
      parameters[k] =
          keep * parameters[k] - first_scale * first[k] / (std::sqrt(second[k] * second_scale) + e);
    }
  });
}

}  // namespace cowatch

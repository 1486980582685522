// Optimisers over one flat array of parameters: stochastic gradient descent with momentum, and AdamW
// (Loshchilov and Hutter, ICLR 2019). Also the learning rate's schedule.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace cowatch {

enum class OptimiserKind { sgd, adamw };
enum class ScheduleKind { constant, cosine, decay };

struct OptimiserSettings {
  OptimiserKind kind = OptimiserKind::adamw;
  double rate = 1e-3;          // at its highest
  double momentum = 0;         // of sgd
  double weight_decay = 1e-2;  // decoupled: parameter -= rate · decay · parameter
  ScheduleKind schedule = ScheduleKind::cosine;
  uint64_t warm_up = 20;  // steps of linear rise
  double decay = 0.98;    // of `decay`: factor every `decay_every` steps
  uint64_t decay_every = 300'000;
};

// The rate of step `step` (from 0) of `steps`.
double learning_rate(const OptimiserSettings& settings, uint64_t step, uint64_t steps);

// Keeps the state of one training. Results do not depend on the number of threads.
class Optimiser {
 public:
  Optimiser(const OptimiserSettings& settings, size_t parameters);
  // One update; `step` counts from 0. The sizes are the constructor's.
  void update(std::span<float> parameters, std::span<const float> gradient, double rate, uint64_t step);
  // All state, for checkpoints: as many numbers for a kind and size of network.
  std::span<float> state() { return state_; }
  std::span<const float> state() const { return state_; }

 private:
  OptimiserSettings settings_;
  size_t parameters_;
  std::vector<float> state_;  // momentum; or first, then second moments
};

}  // namespace cowatch

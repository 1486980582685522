// The one trainer of relational embeddings (methods §1.4 to §1.7): draws a batch, runs the network, mines,
// takes the loss, updates. Same options and seed: the same bytes for any number of threads, and after a stop
// and a resume at any step; on libtorch (options.device) as far as its own sums are the same.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/file.h"
#include "graph/triplets.h"
#include "learn/features.h"
#include "learn/relational/batch.h"
#include "learn/relational/network.h"
#include "learn/relational/options.h"
#include "learn/relational/perceptron.h"
#include "learn/relational/trainable_network.h"

namespace cowatch {

struct StepReport {
  uint64_t step = 0;  // from 1
  double loss = 0, rate = 0;
  double retained = 0;  // shares of the batch: drawn negatives that mining kept by choice (0 without mining),
  double unmined = 0;   // triplets without a semi-hard negative,
  double climbed = 0;   // negatives drawn above the level asked for
  NegativeLevel level = NegativeLevel::random;
};

struct EpochReport {
  uint64_t epoch = 0, step = 0;  // from 1; the step it ended with
  double loss = 0;               // this and the others are means over its steps
  // Nothing where there are none: without mining, and without negatives that are drawn.
  std::optional<double> retained, unmined, climbed;
  NegativeLevel level = NegativeLevel::random;  // of its last step
};

class RelationalTrainer {
 public:
  // Borrows all three, of the same videos (row r = video r). Throws bad_input for a graph without edges or
  // features that never differ; bad_argument for options that cannot be met, unsupported for a device that
  // is not there.
  RelationalTrainer(const FeatureTable& features, const Graph& graph, const AffinityTree& tree,
                    RelationalOptions options);

  uint64_t step() const { return step_; }  // steps done
  uint64_t steps() const { return options_.steps; }
  uint64_t epoch_steps() const {
    return epoch_steps_;
  }  // steps that show each video with neighbours once on average
  // Throws bad_argument, before anything changes, when the loss is not finite: the training diverged.
  StepReport train_step();
  const std::vector<EpochReport>& epochs() const { return epochs_; }  // ended so far
  const RelationalOptions& options() const { return options_; }       // with the number of steps chosen
  Branch branch() const;                             // the network as it is now, with weight 1
  double operations() const { return operations_; }  // multiplications and additions of all products so far

  // A checkpoint holds parameters, optimiser state, step, epochs and the fingerprint of options, features,
  // graph and tree. Loading one of something else, or of an older version, throws conflict, and one whose
  // numbers cannot be damaged; either changes nothing.
  void save(const Path& path) const;
  void load(const Path& path);
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  double step_loss(const Batch& batch, ConstMatrix z, Matrix dz, StepReport& report,
                   std::vector<uint32_t>& active);
  void set_input(const Batch& batch);
  NegativeLevel level_now() const;
  void end_epoch(NegativeLevel level);
  using EpochMeans = std::array<double, 4>;  // loss, retained, unmined, climbed
  EpochReport epoch_report(uint64_t step, NegativeLevel level, const EpochMeans& means) const;
  std::optional<std::vector<EpochReport>> epochs_from(std::span<const double> numbers, uint64_t step) const;
  std::span<float> class_weights() { return std::span(parameters_).subspan(shape_.parameters()); }

  const FeatureTable& features_;
  const Graph& graph_;
  RelationalOptions options_;
  TripletSampler sampler_;
  Normalisation normalisation_;
  PerceptronShape shape_;
  std::unique_ptr<TrainableNetwork> network_;
  std::vector<uint32_t> class_of_video_;  // of classification
  size_t classes_ = 0;
  std::vector<float> parameters_, gradient_;
  Optimiser optimiser_;
  std::vector<float> z_, dz_;
  uint64_t step_ = 0, epoch_steps_ = 1;
  EpochMeans sums_{};  // of the steps of the epoch under way
  std::vector<EpochReport> epochs_;
  uint32_t curriculum_stage_ = 0;  // 0: random … 3: L0, of Curriculum::retained
  double operations_ = 0;
  std::string fingerprint_;
};

}  // namespace cowatch

// How a relational embedding is trained. Every variant of methods §1.7 is a value of these options; the
// trainer is one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/settings.h"
#include "graph/triplets.h"
#include "learn/optimiser.h"
#include "learn/relational/normalisation.h"
#include "math/matrix_kernel.h"

namespace cowatch {

enum class Objective { triplet, in_batch_softmax, classification };
enum class Curriculum {
  none,      // the level asked for, from the first step
  schedule,  // random, L2, L1, L0: a quarter of the steps each
  retained,  // to the next level when an epoch's retained share has reached `curriculum_share`
};

// Where the network's products are made (learn/torch/torch_network.h). torch_cpu is what cuda does, by libtorch on the
// processor.
enum class Device { cpu, cuda, torch_cpu };
std::string_view device_name(Device device);

struct RelationalOptions {
  Objective objective = Objective::triplet;
  NegativeLevel level = NegativeLevel::random;
  bool mining = true;
  Curriculum curriculum = Curriculum::none;
  double curriculum_share = 0.05;
  double margin = 0.5;
  double temperature = 0.1;        // of the softmax losses
  size_t class_round = 2;          // a video's class is its cluster after this round of the tree
  size_t class_samples = 4096;     // classes compared against in a step; all when there are no more
  bool product_of_towers = false;  // a tower for each modality, multiplied
  double modality_dropout = 0;     // chance that a step hides one of an item's modalities, never its last
  double hidden_dropout = 0;
  NormalisationKind normalisation = NormalisationKind::columns;
  TripletSettings sampling;
  OptimiserSettings optimiser;
  size_t hidden = 4000, outputs = 256;  // hidden: at most 16 for each video it learns from
  size_t batch = 1000;
  uint64_t steps = 0;  // 0: chosen by the number of videos (training_steps())
  uint64_t seed = 1;
  uint64_t network = 0;  // keeps several networks of one seed apart
  Precision precision = Precision::float32;
  Device device = Device::cpu;

  // Whether each anchor takes another negative than the one drawn for it.
  bool mines() const { return draws_negatives() && mining; }
  bool draws_negatives() const { return objective == Objective::triplet; }
  // One line a value, in a fixed order: for fingerprints and for people.
  std::string text() const;
};

// Steps of a training on `anchors` videos with neighbours: thirty passes, at least 100 and at most 400 steps.
// More passes over a small corpus fit it by heart, and validation videos then lose (docs/relational.md).
uint64_t training_steps(const RelationalOptions& options, size_t anchors);

// Options of sections [train] with the method `train.method` on top.
RelationalOptions relational_options(const Settings& settings);

// Names of the methods that are one network: "random", "random_mined", "l0", … (not "raw" and "default").
const std::vector<std::string_view>& network_methods();
// Throws bad_argument for a name that is not among `names`, naming the nearest of them.
void check_method(std::string_view method, const std::vector<std::string>& names);
// Sets what the method's name says and leaves the rest. Throws bad_argument for an unknown name, naming the
// nearest.
void apply_method(std::string_view method, RelationalOptions& options);

}  // namespace cowatch

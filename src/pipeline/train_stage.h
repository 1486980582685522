// The stage that learns relational embeddings: features, graph and tree in, model.safetensors out.
#pragma once

#include <string>

#include "base/settings.h"
#include "learn/relational/joint.h"
#include "store/workspace.h"

namespace cowatch {

struct TrainSummary {
  std::string method, why;  // why: of "default", what was chosen on validation videos
  uint64_t videos = 0, edges = 0, trainings = 0, steps = 0;
  uint64_t constant_columns = 0, inputs = 0, outputs = 0;
  uint64_t anchors = 0, batch = 0;  // videos with neighbours, and triplets a step
  EpochReport last_epoch;           // of the last training
  double seconds = 0;
};

// What the model depends on: section [train], [tree] and the bytes of features, graph and tree.
std::string train_fingerprint(const Workspace& workspace, const Settings& settings);
bool model_is_current(const Workspace& workspace, const Settings& settings);

// Trains with the method of `train.method`. Checkpoints go to checkpoints/, curves to curves/; a killed
// training goes on from its last checkpoint and ends in the same bytes. A checkpoint of other settings or
// data is reported and not used. Throws missing_stage, unsupported for a device that this build cannot use.
TrainSummary run_train_stage(const Workspace& workspace, const Settings& settings);

// Options of a join from the sections [train] and [tree].
JointOptions joint_options(const Settings& settings);

}  // namespace cowatch

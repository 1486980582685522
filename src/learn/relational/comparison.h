// Methods compared on one cold-start split (methods §1.8): graph, tree and training see the training videos
// only; the test videos' features are embedded and find each other's neighbours in the true graph.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "learn/evaluation.h"
#include "learn/relational/joint.h"

namespace cowatch {

struct MethodResult {
  std::string method;
  RetrievalScores scores;
  std::optional<double> retained;   // of a network that mines: mean over the last epoch
  double seconds = 0;               // to train, without evaluation
  std::vector<EpochReport> epochs;  // of methods that are one network
  std::string why;                  // of "default": what was chosen
};

// Names that Comparison::run() knows: "raw", network_methods() and "default".
const std::vector<std::string>& compared_methods();

// The training side of a split, made once for all methods.
class Comparison {
 public:
  // Borrows features and truth, of the same videos. Throws bad_input when no training video has a neighbour.
  Comparison(const FeatureTable& features, const Graph& truth, const TreeSettings& tree, double train_share,
             uint64_t seed);

  size_t train_videos() const { return split_.train.size(); }
  size_t test_videos() const { return split_.test.size(); }
  const Graph& train_graph() const { return train_graph_; }
  // `method`: one of compared_methods().
  MethodResult run(const std::string& method, const JointOptions& options, const TrainNetwork& train) const;

 private:
  VideoSplit split_;
  FeatureTable train_features_, test_features_;
  Graph train_graph_, test_graph_;
  AffinityTree tree_;
};

// Trains to the end and looks for interrupts.
void train_quietly(const std::string& name, RelationalTrainer& trainer);

}  // namespace cowatch

// The default method: a join of branches whose weights are chosen on validation videos (docs/relational.md).
//
// No single method is best on every graph: a network falls below the raw features where these are strong and
// the corpus is small, and far above them elsewhere. So a part of the training videos is set aside, at least
// twice; the features as they are (plain, at equal strength of columns, rare words first), closed-form maps
// (relational/linear.h: linear, and of random units) and a few networks are made from the rest, and weights
// of their cosines are chosen that rank the neighbours among the videos set aside best
// (relational/weights.h). What gets a weight is then made anew from all training videos, a network with much
// weight several times: the mean of two trainings ranks better than either. A branch that does not help gets
// weight 0; all weight on one branch is that method alone.
//
// Time: at most `budget` trainings of one network, and the closed forms. A table of validation holds at most
// most_queries × most_videos cosines a candidate, whatever the size of the catalogue.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "graph/tree.h"
#include "learn/evaluation.h"
#include "learn/relational/network.h"
#include "learn/relational/options.h"
#include "learn/relational/trainer.h"

namespace cowatch {

// Networks of width w join into at most this many times w directions, unless features are kept as they are.
inline constexpr size_t joint_widths = 2;

struct JointOptions {
  RelationalOptions network;  // of the networks; each sets its method and normalisation on top
  TreeSettings tree;
  size_t splits = 3;                                // into videos to fit and videos set aside
  // Neighbours to find, and videos that ask for one, that all splits together should hold: a dense graph among few
  // videos has many of the former and few of the latter, and then chance decides.
  size_t wanted_pairs = 3000, wanted_queries = 1000;
  double least_share = 0.1, most_share = 0.3;       // of the training videos, that a split may set aside
  size_t most_queries = 800, most_videos = 10'000;  // of a split
  // Trainings of a network: as many kinds of network as splits + 1 of each stay within it; what is left goes
  // to further starts of those with the most weight.
  size_t budget = 16;
};

// One branch that was tried.
struct JointCandidate {
  std::string name;
  bool made = false;      // not when it does not suit the features, or the budget is too small
  RetrievalScores alone;  // on validation videos, mean of the splits
  double weight = 0;      // chosen
  size_t starts = 0;  // how often it is made from all videos: of networks, trainings that share its weight
};

struct JointChoice {
  std::vector<JointCandidate> candidates;
  RetrievalScores joint;  // of the weights chosen, on the same videos
  size_t splits = 0;
  std::string text() const;  // why, in words
};

// How a network is trained: the caller may keep checkpoints and curves. Called with a name for each training
// ("split 1 infonce", "infonce"); trains to the end.
using TrainNetwork = std::function<void(const std::string& name, RelationalTrainer& trainer)>;

struct JointResult {
  Network network;
  JointChoice choice;
};

// Row r of `features` is video r of `graph`. Same options: the same bytes for any number of threads. Throws
// bad_input for a graph without edges. Where the graph is too small to set videos with neighbours aside, all
// candidates weigh the same.
JointResult train_joint(const FeatureTable& features, const Graph& graph, const JointOptions& options,
                        const TrainNetwork& train);

}  // namespace cowatch

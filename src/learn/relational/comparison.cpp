#include "learn/relational/comparison.h"


#include "base/clock.h"
#include "base/error.h"
#include "base/progress.h"

namespace cowatch {
const std::vector<std::string>& compared_methods() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = {"raw"};
    all.insert(all.end(), network_methods().begin(), network_methods().end());
    all.push_back("default");
    return all;
  }();
  return names;
}

Comparison::Comparison(const FeatureTable& features, const Graph& truth, const TreeSettings& tree,
                       double train_share, uint64_t seed)
    : split_(split_videos(truth.nodes(), train_share, seed)) {
  if (features.items() != truth.nodes()) {
    throw Error(ErrorCode::bad_input, "features and graph are not of the same videos",
                {.expected = std::to_string(truth.nodes()) + " rows of features",
                 .found = std::to_string(features.items())});
  }
  train_features_ = features.select(split_.train);
  test_features_ = features.select(split_.test);
  train_graph_ = truth.induced(split_.train);
  test_graph_ = truth.induced(split_.test);
  if (train_graph_.edges() == 0 || test_graph_.edges() == 0) {
    throw Error(
        ErrorCode::bad_input, "the graph is too small for a cold-start evaluation",
        {.expected = "neighbours among the training and among the test videos",
         .found = std::to_string(train_graph_.edges()) + " and " + std::to_string(test_graph_.edges()) +
                  " edges, of " + std::to_string(truth.edges()) + " in all, with " +
                  to_text(SettingValue(train_share)) + " of the videos for training",
         .remedy = "Evaluate on more videos and edges, or with another share where it can be set."});
  }
  tree_ = build_tree(train_graph_, tree);
}

MethodResult Comparison::run(const std::string& method, const JointOptions& options,
                             const TrainNetwork& train) const {
  MethodResult result;
  result.method = method;
  Network network;
  const double start = seconds_now();
  if (method == "raw") {
    Branch branch;
    branch.name = "features";
    branch.normalisation = normalisation_of(train_features_, NormalisationKind::none);
    network = Network(train_features_.modalities(), {branch});
  } else if (method == "default") {
    JointResult joint = train_joint(train_features_, train_graph_, options, train);
    network = std::move(joint.network);
    result.why = joint.choice.text();
  } else {
    RelationalOptions one = options.network;
    apply_method(method, one);
    RelationalTrainer trainer(train_features_, train_graph_, tree_, one);
    train(method, trainer);
    result.epochs = trainer.epochs();
    if (!result.epochs.empty()) result.retained = result.epochs.back().retained;
    network = Network(train_features_.modalities(), {trainer.branch()});
  }
  result.seconds = seconds_now() - start;
  std::vector<float> rows(test_videos() * network.outputs());
  const Matrix embeddings(rows.data(), test_videos(), network.outputs());
  network.embed(test_features_, 0, embeddings);
  result.scores = evaluate_retrieval(embeddings, test_graph_);
  return result;
}

void train_quietly(const std::string&, RelationalTrainer& trainer) {
  while (trainer.step() < trainer.steps()) {
    throw_if_interrupted();
    trainer.train_step();
  }
}

}  // namespace cowatch

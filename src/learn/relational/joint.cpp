#include "learn/relational/joint.h"

#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "learn/eigen.h"
#include "learn/relational/linear.h"
#include "learn/relational/weights.h"

namespace cowatch {
namespace {

constexpr double dampings[] = {0.1, 1};

// A network among the candidates.
struct Kind {
  std::string_view name, method;
  NormalisationKind normalisation;
};
// The two that win most often alone, and one that sees the columns at their own weight: joins gain most from
// unlike members.
constexpr Kind kinds[] = {{"infonce", "infonce", NormalisationKind::columns},
                          {"random_mined", "random_mined", NormalisationKind::columns},
                          {"infonce, table", "infonce", NormalisationKind::table}};

Branch features_branch(const FeatureTable& features) {
  Branch branch;
  branch.name = "features";
  branch.normalisation = normalisation_of(features, NormalisationKind::none);
  return branch;
}

RelationalOptions options_of(const JointOptions& options, size_t kind, size_t training) {
  RelationalOptions network = options.network;
  apply_method(kinds[kind].method, network);
  network.normalisation = kinds[kind].normalisation;
  network.network = training * std::size(kinds) + kind + 1;
  return network;
}

Branch trained(const FeatureTable& features, const Graph& graph, const AffinityTree& tree,
               const JointOptions& options, size_t kind, size_t training, const TrainNetwork& train) {
  RelationalTrainer trainer(features, graph, tree, options_of(options, kind, training));
  const std::string name(kinds[kind].name);
  train(training == 0 ? name : "split " + std::to_string(training) + " " + name, trainer);
  Branch branch = trainer.branch();
  branch.name = name;
  return branch;
}

std::vector<std::string> candidate_names() {
  std::vector<std::string> names{"features"};
  for (const double damping : dampings) names.push_back("linear " + to_text(SettingValue(damping)));
  for (const Kind& kind : kinds) names.emplace_back(kind.name);
  return names;
}

void add_candidate(CosineTable& table, const Branch& branch, const FeatureTable& features) {
  const Network alone(features.modalities(), {branch});
  std::vector<float> rows(features.items() * alone.outputs());
  const Matrix embeddings(rows.data(), features.items(), alone.outputs());
  alone.embed(features, 0, embeddings);
  table.add(embeddings);
}

// One validation split and how the candidates do on it. The graph of the videos set aside outlives the table.
struct Split {
  Graph truth;
  std::vector<CosineTable> table;  // one
};

// Videos of a split with enough neighbours on both sides to say anything; nothing otherwise.
std::unique_ptr<Split> try_split(const FeatureTable& features, const Graph& graph,
                                 const JointOptions& options, size_t number, const TrainNetwork& train) {
  const auto videos = split_videos(graph.nodes(), 1 - options.validation_share,
                                   options.network.seed + (uint64_t{number} << 32));
  const Graph seen = graph.induced(videos.train);
  auto split = std::make_unique<Split>();
  split->truth = graph.induced(videos.test);
  if (seen.edges() == 0 || split->truth.edges() == 0) return nullptr;
  const FeatureTable fit = features.select(videos.train), held = features.select(videos.test);
  CosineTable table(split->truth, options.most_queries);
  add_candidate(table, features_branch(features), held);
  for (const Branch& branch : linear_branches(fit, seen, dampings, options.network.outputs))
    add_candidate(table, branch, held);
  const AffinityTree tree = build_tree(seen, options.tree);
  for (size_t kind = 0; kind < std::size(kinds); ++kind) {
    add_candidate(table, trained(fit, seen, tree, options, kind, number, train), held);
  }
  split->table.push_back(std::move(table));
  return split;
}

// Principal directions of the joint embedding over the videos, when it is wider than allowed. Uncentred:
// cosines keep their zero.
std::vector<float> projection_of(const Network& network, const FeatureTable& features, size_t outputs) {
  const size_t width = network.joint_width();
  if (width <= outputs) return {};
  constexpr size_t block = 4096;
  std::vector<float> rows(std::min(block, features.items()) * width), gram(width * width);
  for (size_t first = 0; first < features.items(); first += block) {
    const size_t count = std::min(block, features.items() - first);
    const Matrix part(rows.data(), count, width);
    network.embed_joint(features, first, part);
    multiply(Transpose::yes, Transpose::no, 1, part, part, first == 0 ? 0.0f : 1.0f,
             Matrix(gram.data(), width, width));
  }
  const Eigen eigen = leading_eigen(ConstMatrix(gram.data(), width, width), outputs);
  return {eigen.vectors.begin(), eigen.vectors.end()};
}

JointChoice choose(const FeatureTable& features, const Graph& graph, const JointOptions& options,
                   const TrainNetwork& train) {
  JointChoice choice;
  std::vector<std::unique_ptr<Split>> splits;
  size_t pairs = 0;
  for (size_t number = 1; number <= options.most_splits && pairs < options.wanted_pairs; ++number) {
    auto split = try_split(features, graph, options, number, train);
    if (split == nullptr) break;
    pairs += 2 * split->truth.edges();
    splits.push_back(std::move(split));
  }
  const auto names = candidate_names();
  choice.splits = splits.size();
  std::vector<double> weights(names.size(), 1.0 / static_cast<double>(names.size()));
  std::vector<CosineTable> tables;
  for (auto& split : splits) tables.push_back(std::move(split->table.front()));
  if (!tables.empty()) weights = search_weights(tables);
  for (size_t c = 0; c < names.size(); ++c) {
    Candidate candidate{names[c], {}, weights[c]};
    std::vector<double> alone(names.size());
    alone[c] = 1;
    if (!tables.empty()) candidate.alone = mean_score(tables, alone);
    choice.candidates.push_back(std::move(candidate));
  }
  if (!tables.empty()) choice.joint = mean_score(tables, weights);
  return choice;
}

}  // namespace

std::string JointChoice::text() const {
  std::string text = splits == 0
                         ? "too few neighbours to set any aside: all branches weigh the same"
                         : "weights chosen on validation videos, " + std::to_string(splits) + " split(s):";
  char line[160];
  for (const Candidate& candidate : candidates) {
    std::snprintf(line, sizeof line, "\n  %-16s weight %.3f, alone MAP %.4f NDCG@10 %.4f",
                  candidate.name.c_str(), candidate.weight, candidate.alone.map, candidate.alone.ndcg_10);
    text += line;
  }
  std::snprintf(line, sizeof line, "\n  joined           MAP %.4f NDCG@10 %.4f", joint.map, joint.ndcg_10);
  return text + line;
}

JointResult train_joint(const FeatureTable& features, const Graph& graph, const JointOptions& options,
                        const TrainNetwork& train) {
  JointResult result;
  result.choice = choose(features, graph, options, train);
  std::vector<Branch> branches;
  const auto& candidates = result.choice.candidates;
  const auto take = [&](size_t candidate, Branch branch) {
    branch.weight = candidates[candidate].weight;
    branches.push_back(std::move(branch));
  };
  if (candidates[0].weight > 0) take(0, features_branch(features));
  for (size_t d = 0; d < std::size(dampings); ++d) {
    if (candidates[1 + d].weight > 0)
      take(1 + d, linear_branches(features, graph, {&dampings[d], 1}, options.network.outputs)[0]);
  }
  const size_t first_network = 1 + std::size(dampings);
  std::optional<AffinityTree> tree;
  for (size_t kind = 0; kind < std::size(kinds); ++kind) {
    if (candidates[first_network + kind].weight == 0) continue;
    if (!tree) tree = build_tree(graph, options.tree);
    take(first_network + kind, trained(features, graph, *tree, options, kind, 0, train));
  }
  const Network joint(features.modalities(), branches);
  result.network = Network(features.modalities(), std::move(branches),
                           projection_of(joint, features, options.network.outputs));
  return result;
}

}  // namespace cowatch

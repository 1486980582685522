#include "learn/relational/joint.h"

#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "learn/relational/linear.h"
#include "learn/relational/weights.h"
#include "math/eigen.h"

namespace cowatch {
namespace {

constexpr double dampings[] = {0.03, 0.3, 3}, unit_dampings[] = {0.03, 0.3};
constexpr size_t random_units = 1024;
constexpr size_t widest_projection = 1024;
// Wider features get no random units, which only fit them by heart, and no second copy at equal strength of
// columns, which does not rank bags of words.
constexpr size_t narrow = 512;

// A network among the candidates.
struct Kind {
  std::string_view name, method;
  NormalisationKind normalisation;
  double hidden_dropout;
};
// The two that win most often alone, and one that sees the columns at their own weight and never twice with
// the same units: joins gain most from unlike members.
constexpr Kind kinds[] = {{"infonce", "infonce", NormalisationKind::columns, 0},
                          {"random_mined", "random_mined", NormalisationKind::columns, 0},
                          {"infonce, table", "infonce", NormalisationKind::table, 0.3}};

constexpr std::string_view feature_names[] = {"features", "features, columns", "features, rare"};
constexpr size_t first_linear = std::size(feature_names), first_units = first_linear + std::size(dampings),
                 first_network = first_units + std::size(unit_dampings),
                 members = first_network + std::size(kinds);

std::string member_name(size_t member) {
  if (member < first_linear) return std::string(feature_names[member]);
  if (member < first_units) return "linear " + to_text(SettingValue(dampings[member - first_linear]));
  if (member < first_network) return "units " + to_text(SettingValue(unit_dampings[member - first_units]));
  return std::string(kinds[member - first_network].name);
}

Branch features_branch(const FeatureTable& features, size_t member) {
  Branch branch;
  if (member == 2) {
    branch.normalisation = inverse_frequency(features);
  } else {
    branch.normalisation =
        normalisation_of(features, member == 1 ? NormalisationKind::columns : NormalisationKind::none);
  }
  return branch;
}

Branch trained(const FeatureTable& features, const Graph& graph, const AffinityTree& tree,
               const JointOptions& options, const Kind& kind, size_t training, const TrainNetwork& train) {
  RelationalOptions network = options.network;
  apply_method(kind.method, network);
  network.normalisation = kind.normalisation;
  network.hidden_dropout = std::max(network.hidden_dropout, kind.hidden_dropout);
  network.network = training * std::size(kinds) + static_cast<size_t>(&kind - kinds) + 1;
  RelationalTrainer trainer(features, graph, tree, network);
  const std::string name(kind.name);
  train(training == 0 ? name : "split " + std::to_string(training) + " " + name, trainer);
  return trainer.branch();
}

// Makes the members that `wanted` names from the videos of `graph`; `training` 0 is the last one, on all
// videos. Members that do not suit the features are missing from the result.
class Members {
 public:
  Members(const FeatureTable& features, const Graph& graph, const JointOptions& options, size_t training,
          const TrainNetwork& train)
      : features_(features), graph_(graph), options_(options), training_(training), train_(train) {}

  std::vector<std::optional<Branch>> make(const std::vector<bool>& wanted) {
    std::vector<std::optional<Branch>> made(members);
    for (size_t m = 0; m < first_linear; ++m) {
      if (wanted[m] && (m != 1 || features_.width() <= narrow)) made[m] = features_branch(features_, m);
    }
    add(made, wanted, first_linear, dampings, [&](std::span<const double> chosen) {
      return linear_branches(features_, graph_, chosen, options_.network.outputs);
    });
    add(made, wanted, first_units, unit_dampings, [&](std::span<const double> chosen) {
      if (features_.width() > narrow) return std::vector<Branch>();
      return random_unit_branches(features_, graph_, random_units, chosen, options_.network.outputs,
                                  options_.network.seed);
    });
    std::optional<AffinityTree> tree;
    for (size_t m = first_network; m < members; ++m) {
      if (!wanted[m]) continue;
      if (!tree) tree = build_tree(graph_, options_.tree);
      made[m] = trained(features_, graph_, *tree, options_, kinds[m - first_network], training_, train_);
    }
    for (size_t m = 0; m < members; ++m) {
      if (made[m]) made[m]->name = member_name(m);
    }
    return made;
  }

 private:
  // The closed forms share their sums: all dampings wanted are made at once.
  static void add(std::vector<std::optional<Branch>>& made, const std::vector<bool>& wanted, size_t first,
                  std::span<const double> all,
                  const std::function<std::vector<Branch>(std::span<const double>)>& make) {
    std::vector<double> chosen;
    std::vector<size_t> places;
    for (size_t d = 0; d < all.size(); ++d) {
      if (!wanted[first + d]) continue;
      chosen.push_back(all[d]);
      places.push_back(first + d);
    }
    if (chosen.empty()) return;
    try {
      auto branches = make(chosen);
      for (size_t d = 0; d < branches.size(); ++d) made[places[d]] = std::move(branches[d]);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::bad_input) throw;
    }
  }

  const FeatureTable& features_;
  const Graph& graph_;
  const JointOptions& options_;
  size_t training_;
  const TrainNetwork& train_;
};

// A member that could not be made is one that ranks nothing: all its cosines are 0.
void add_candidate(CosineTable& table, const std::optional<Branch>& branch, const FeatureTable& features) {
  if (!branch) {
    const std::vector<float> nothing(features.items());
    return table.add(ConstMatrix(nothing.data(), features.items(), 1));
  }
  const Network alone(features.modalities(), {*branch});
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
  Members made(fit, seen, options, number, train);
  for (const auto& branch : made.make(std::vector<bool>(members, true))) add_candidate(table, branch, held);
  split->table.push_back(std::move(table));
  return split;
}

// Width of the final embedding. Features that rank well as they are (bags of words) lose what they know in few
// directions: where they have a weight, their width is kept, up to `widest_projection`.
size_t projected_width(const std::vector<Branch>& branches, size_t width, size_t outputs) {
  const bool as_they_are = std::ranges::any_of(
      branches, [](const Branch& branch) { return branch.kind == Branch::Kind::features; });
  return as_they_are ? std::max(outputs, std::min(width, widest_projection)) : outputs;
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
  choice.splits = splits.size();
  std::vector<double> weights(members, 1.0 / static_cast<double>(members));
  std::vector<CosineTable> tables;
  for (auto& split : splits) tables.push_back(std::move(split->table.front()));
  if (!tables.empty()) weights = search_weights(tables);
  for (size_t c = 0; c < members; ++c) {
    Candidate candidate{member_name(c), {}, weights[c]};
    std::vector<double> alone(members);
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
    std::snprintf(line, sizeof line, "\n  %-18s weight %.3f, alone MAP %.4f NDCG@10 %.4f",
                  candidate.name.c_str(), candidate.weight, candidate.alone.map, candidate.alone.ndcg_10);
    text += line;
  }
  std::snprintf(line, sizeof line, "\n  joined             MAP %.4f NDCG@10 %.4f", joint.map, joint.ndcg_10);
  return text + line;
}

JointResult train_joint(const FeatureTable& features, const Graph& graph, const JointOptions& options,
                        const TrainNetwork& train) {
  JointResult result;
  result.choice = choose(features, graph, options, train);
  std::vector<bool> wanted;
  for (const Candidate& candidate : result.choice.candidates) wanted.push_back(candidate.weight > 0);
  const auto made = Members(features, graph, options, 0, train).make(wanted);
  std::vector<Branch> branches;
  for (size_t m = 0; m < members; ++m) {
    if (!made[m]) continue;
    branches.push_back(*made[m]);
    branches.back().weight = result.choice.candidates[m].weight;
  }
  if (branches.empty()) {  // only closed forms were chosen, and none of them is left on all videos
    branches.push_back(features_branch(features, 0));
    branches.back().name = member_name(0);
  }
  const Network joint(features.modalities(), branches);
  const size_t outputs = projected_width(branches, features.width(), options.network.outputs);
  result.network =
      Network(features.modalities(), std::move(branches), projection_of(joint, features, outputs));
  return result;
}

}  // namespace cowatch

#include "learn/relational/joint.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/error.h"
#include "base/progress.h"
#include "learn/relational/linear.h"
#include "learn/relational/weights.h"
#include "math/eigen.h"

namespace cowatch {
namespace {

constexpr double dampings[] = {0.03, 0.3, 3}, unit_damping = 0.03;
constexpr size_t random_units = 1024;
constexpr size_t widest_projection = 1024;
// Wider features get no random units, which only fit them by heart, and no second copy at equal strength of
// columns, which does not rank bags of words.
constexpr size_t narrow = 512;
constexpr NormalisationKind unit_kinds[] = {NormalisationKind::columns, NormalisationKind::table};

// A network among the candidates.
struct Kind {
  std::string_view name, method;
  NormalisationKind normalisation;
  double hidden_dropout;
};
// In the order in which a small budget takes them. The two that win most often alone, and one that sees the
// columns at their own weight and never twice with the same units, because joins gain most from unlike
// members.
constexpr Kind kinds[] = {{"infonce", "infonce", NormalisationKind::columns, 0},
                          {"random_mined", "random_mined", NormalisationKind::columns, 0},
                          {"infonce, table", "infonce", NormalisationKind::table, 0.3}};

constexpr std::string_view feature_names[] = {"features", "features, columns", "features, rare"};
constexpr size_t first_linear = std::size(feature_names), first_units = first_linear + std::size(dampings),
                 first_network = first_units + std::size(unit_kinds),
                 members = first_network + std::size(kinds);

std::string member_name(size_t member) {
  if (member < first_linear) return std::string(feature_names[member]);
  if (member < first_units) return "linear " + to_text(SettingValue(dampings[member - first_linear]));
  if (member < first_network) return member == first_units ? "units" : "units, table";
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

// Makes members from the videos of `graph`, which are those that split 1, 2, … leaves to learn from, or all
// (split 0). Members that do not suit the features are missing from the result.
class Members {
 public:
  Members(const FeatureTable& features, const Graph& graph, const JointOptions& options, size_t split,
          const TrainNetwork& train)
      : features_(features), graph_(graph), options_(options), split_(split), train_(train) {}

  std::vector<std::optional<Branch>> make(const std::vector<bool>& wanted) {
    std::vector<std::optional<Branch>> made(members);
    for (size_t m = 0; m < first_linear; ++m) {
      if (wanted[m] && (m != 1 || features_.width() <= narrow)) made[m] = features_branch(features_, m);
    }
    add_linear(made, wanted);
    for (size_t m = first_units; m < first_network; ++m) {
      if (!wanted[m] || features_.width() > narrow) continue;
      throw_if_interrupted();
      made[m] = unless_nothing_shared([&] {
        return random_unit_branch(features_, graph_, unit_kinds[m - first_units], random_units, unit_damping,
                                  options_.network.outputs, options_.network.seed + m);
      });
    }
    for (size_t m = first_network; m < members; ++m) {
      if (wanted[m]) made[m] = trained(m, 0);
    }
    for (size_t m = 0; m < members; ++m) {
      if (made[m]) made[m]->name = member_name(m);
    }
    return made;
  }

  // A network; each start is another training of the same kind.
  Branch trained(size_t member, size_t start) {
    throw_if_interrupted();
    if (!tree_) tree_ = build_tree(graph_, options_.tree);
    const size_t number = member - first_network;
    RelationalOptions network = options_.network;
    apply_method(kinds[number].method, network);
    network.normalisation = kinds[number].normalisation;
    network.hidden_dropout = std::max(network.hidden_dropout, kinds[number].hidden_dropout);
    network.network = (start * (options_.splits + 1) + split_) * std::size(kinds) + number + 1;
    RelationalTrainer trainer(features_, graph_, *tree_, network);
    std::string name = member_name(member);
    if (split_ > 0) name = "split " + std::to_string(split_) + " " + name;
    if (start > 0) name += ", start " + std::to_string(start + 1);
    train_(name, trainer);
    Branch branch = trainer.branch();
    branch.name = member_name(member);
    return branch;
  }

 private:
  // Neighbours may share nothing that a closed form could find.
  template <typename Make>
  static auto unless_nothing_shared(const Make& make) -> std::optional<decltype(make())> {
    try {
      return make();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::bad_input) throw;
      return std::nullopt;
    }
  }

  // The linear maps share their sums: all dampings wanted are made at once.
  void add_linear(std::vector<std::optional<Branch>>& made, const std::vector<bool>& wanted) {
    std::vector<double> chosen;
    std::vector<size_t> places;
    for (size_t d = 0; d < std::size(dampings); ++d) {
      if (!wanted[first_linear + d]) continue;
      chosen.push_back(dampings[d]);
      places.push_back(first_linear + d);
    }
    if (chosen.empty()) return;
    auto branches = unless_nothing_shared(
        [&] { return linear_branches(features_, graph_, chosen, options_.network.outputs); });
    if (!branches) return;
    for (size_t d = 0; d < branches->size(); ++d) made[places[d]] = std::move((*branches)[d]);
  }

  const FeatureTable& features_;
  const Graph& graph_;
  const JointOptions& options_;
  size_t split_;
  const TrainNetwork& train_;
  std::optional<AffinityTree> tree_;  // of networks
};

// Share of the videos that a split sets aside: the least that leaves, in all splits together, enough neighbours to find,
// of whom both ends must be among them, and enough videos that ask for one.
double share_of_split(const Graph& graph, const JointOptions& options) {
  const auto splits = static_cast<double>(options.splits);
  const auto enough = [&](double share) {
    double pairs = 0, queries = 0;
    for (uint32_t video = 0; video < graph.nodes(); ++video) {
      const auto degree = static_cast<double>(graph.degree(video));
      pairs += share * share * degree;
      queries += share * (1 - std::pow(1 - share, degree));
    }
    return splits * pairs >= static_cast<double>(options.wanted_pairs) &&
           splits * queries >= static_cast<double>(options.wanted_queries);
  };
  double least = options.least_share, most = options.most_share;
  if (enough(least)) return least;
  while (most - least > 0.005) (enough((least + most) / 2) ? most : least) = (least + most) / 2;
  return most;
}

// One validation split and how the candidates do on it. The graph of the videos set aside outlives the table.
struct Split {
  Graph truth;
  std::optional<CosineTable> table;
};

// Of the videos set aside those that are looked at: all, or where they are many some with neighbours, these
// neighbours, and others evenly chosen.
std::vector<uint32_t> looked_at(const std::vector<uint32_t>& held, const Graph& graph,
                                const JointOptions& options) {
  if (held.size() <= options.most_videos) return held;
  const auto is_held = [&](uint32_t video) { return std::ranges::binary_search(held, video); };
  std::vector<uint32_t> askers, chosen;
  for (const uint32_t video : held) {
    if (std::ranges::any_of(graph.neighbours(video), is_held)) askers.push_back(video);
  }
  const auto every = [](const std::vector<uint32_t>& all, size_t most, const auto& take) {
    const size_t count = std::min(most, all.size());
    for (size_t k = 0; k < count; ++k) take(all[k * all.size() / count]);
  };
  every(askers, options.most_queries, [&](uint32_t asker) {
    chosen.push_back(asker);
    std::ranges::copy_if(graph.neighbours(asker), std::back_inserter(chosen), is_held);
  });
  chosen.resize(std::min(chosen.size(), options.most_videos));
  every(held, options.most_videos - chosen.size(), [&](uint32_t video) { chosen.push_back(video); });
  std::ranges::sort(chosen);
  chosen.erase(std::unique(chosen.begin(), chosen.end()), chosen.end());
  return chosen;
}

// Videos of a split with enough neighbours on both sides to say anything; nothing otherwise. A wanted member
// that could not be made ranks nothing, its cosines are all 0, and is wanted no more.
std::unique_ptr<Split> try_split(const FeatureTable& features, const Graph& graph,
                                 const JointOptions& options, size_t number, const TrainNetwork& train,
                                 std::vector<bool>& wanted) {
  const auto videos = split_videos(graph.nodes(), 1 - share_of_split(graph, options),
                                   options.network.seed + (uint64_t{number} << 32));
  const auto asked = looked_at(videos.test, graph, options);
  const Graph seen = graph.induced(videos.train);
  auto split = std::make_unique<Split>();
  split->truth = graph.induced(asked);
  if (seen.edges() == 0 || split->truth.edges() == 0) return nullptr;
  const FeatureTable fit = features.select(videos.train), held = features.select(asked);
  split->table.emplace(split->truth, options.most_queries);
  const auto made = Members(fit, seen, options, number, train).make(wanted);
  for (size_t m = 0; m < members; ++m) {
    wanted[m] = made[m].has_value();
    const std::vector<float> nothing(held.items());
    if (made[m]) {
      const Network alone(held.modalities(), {*made[m]});
      std::vector<float> rows(held.items() * alone.outputs());
      const Matrix embeddings(rows.data(), held.items(), alone.outputs());
      alone.embed(held, 0, embeddings);
      split->table->add(embeddings);
    } else {
      split->table->add(ConstMatrix(nothing.data(), held.items(), 1));
    }
  }
  return split;
}

// Width of the final embedding. What several members see does not fit the width of one. Features that rank well as
// they are (bags of words) lose what they know in few directions: where they have a weight, their width is kept, up to
// `widest_projection`.
size_t projected_width(const std::vector<Branch>& branches, size_t width, size_t outputs) {
  const bool as_they_are = std::ranges::any_of(
      branches, [](const Branch& branch) { return branch.kind == Branch::Kind::features; });
  if (as_they_are) return std::max(outputs, std::min(width, widest_projection));
  return branches.size() > 1 ? joint_widths * outputs : outputs;
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

// Networks that the budget leaves room for: one training a split and one on all videos.
size_t networks_within(const JointOptions& options) {
  return std::min(std::size(kinds), options.budget / (options.splits + 1));
}

// Sets how often each member is made from all videos.
void set_starts(const JointOptions& options, std::vector<JointCandidate>& candidates) {
  std::vector<double> weights;
  for (const JointCandidate& candidate : candidates) weights.push_back(candidate.weight);
  const auto starts = starts_of(std::span(weights).subspan(first_network),
                                options.budget - networks_within(options) * options.splits);
  for (size_t m = 0; m < members; ++m)
    candidates[m].starts = m < first_network ? weights[m] > 0 : starts[m - first_network];
}

JointChoice choose(const FeatureTable& features, const Graph& graph, const JointOptions& options,
                   const TrainNetwork& train) {
  std::vector<bool> made(members, true);
  std::fill(made.begin() + static_cast<ptrdiff_t>(first_network + networks_within(options)), made.end(),
            false);
  std::vector<std::unique_ptr<Split>> splits;
  for (size_t number = 1; number <= options.splits; ++number) {
    auto split = try_split(features, graph, options, number, train, made);
    if (split != nullptr) splits.push_back(std::move(split));
  }
  std::vector<CosineTable> tables;
  for (auto& split : splits) tables.push_back(std::move(*split->table));
  JointChoice choice;
  choice.splits = splits.size();
  std::vector<double> weights(members);
  const auto count = static_cast<double>(std::ranges::count(made, true));
  for (size_t c = 0; c < members; ++c) weights[c] = made[c] ? 1 / count : 0;
  std::vector<bool> growing(members);
  for (size_t m = first_units; m < members; ++m) growing[m] = made[m];
  if (!tables.empty()) weights = search_weights(tables, growing);
  for (size_t c = 0; c < members; ++c) {
    JointCandidate candidate{member_name(c), made[c], {}, weights[c], 0};
    std::vector<double> alone(members);
    alone[c] = 1;
    if (!tables.empty() && made[c]) candidate.alone = mean_score(tables, alone);
    choice.candidates.push_back(std::move(candidate));
  }
  if (!tables.empty()) choice.joint = mean_score(tables, weights);
  set_starts(options, choice.candidates);
  return choice;
}

}  // namespace

std::string JointChoice::text() const {
  std::string text = splits == 0
                         ? "too few neighbours to set any aside: all branches weigh the same"
                         : "weights chosen on validation videos, " + std::to_string(splits) + " split(s):";
  char line[160];
  for (const JointCandidate& candidate : candidates) {
    if (!candidate.made) continue;
    std::snprintf(line, sizeof line, "\n  %-18s weight %.3f, alone MAP %.4f NDCG@10 %.4f",
                  candidate.name.c_str(), candidate.weight, candidate.alone.map, candidate.alone.ndcg_10);
    text += line;
    if (candidate.starts > 1) text += ", mean of " + std::to_string(candidate.starts) + " trainings";
  }
  if (splits == 0) return text;
  std::snprintf(line, sizeof line, "\n  joined             MAP %.4f NDCG@10 %.4f", joint.map, joint.ndcg_10);
  return text + line;
}

JointResult train_joint(const FeatureTable& features, const Graph& graph, const JointOptions& options,
                        const TrainNetwork& train) {
  JointResult result;
  result.choice = choose(features, graph, options, train);
  const auto& candidates = result.choice.candidates;
  std::vector<bool> wanted;
  for (const JointCandidate& candidate : candidates) wanted.push_back(candidate.starts > 0);
  Members all(features, graph, options, 0, train);
  const auto made = all.make(wanted);
  std::vector<Branch> branches;
  for (size_t m = 0; m < members; ++m) {
    if (!made[m]) continue;
    for (size_t start = 0; start < candidates[m].starts; ++start) {
      branches.push_back(start == 0 ? *made[m] : all.trained(m, start));
      branches.back().weight = candidates[m].weight / static_cast<double>(candidates[m].starts);
    }
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

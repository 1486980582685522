#include "learn/relational/joint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "base/error.h"
#include "base/threads.h"
#include "learn/relational/comparison.h"
#include "learn/relational/weights.h"
#include "support/graphs.h"
#include "support/small_world.h"

namespace cowatch {
namespace {

JointOptions small_options() {
  JointOptions options;
  options.network.hidden = 20;
  options.network.outputs = 12;
  options.network.batch = 64;
  options.network.steps = 12;
  return options;
}

std::vector<float> embed(const Network& network, const FeatureTable& features) {
  std::vector<float> rows(features.items() * network.outputs());
  network.embed(features, 0, Matrix(rows.data(), features.items(), network.outputs()));
  return rows;
}

std::vector<float> unit_rows(size_t rows, size_t columns, uint32_t stream) {
  const Random random(6, stream);
  std::vector<float> values(rows * columns);
  for (size_t k = 0; k < values.size(); ++k)
    values[k] = static_cast<float>(random.normal(0, static_cast<uint32_t>(k)));
  normalise_rows(Matrix(values.data(), rows, columns));
  return values;
}

// A sum of cosines is the cosine of rows set side by side, each times the root of its weight.
TEST(CosineTable, ScoresAsTheJoinedRowsDo) {
  constexpr size_t videos = 70;
  const Graph truth = Graph::from_edges(videos, test::random_edges(videos, 150, 1, 3));
  const auto a = unit_rows(videos, 3, 1), b = unit_rows(videos, 5, 2);
  CosineTable table(truth, 1000);
  table.add(ConstMatrix(a.data(), videos, 3));
  table.add(ConstMatrix(b.data(), videos, 5));
  for (const auto& weights : {std::vector{1.0, 0.0}, std::vector{0.0, 1.0}, std::vector{0.25, 0.75}}) {
    std::vector<float> joined;
    for (size_t v = 0; v < videos; ++v) {
      for (size_t k = 0; k < 3; ++k)
        joined.push_back(static_cast<float>(std::sqrt(weights[0])) * a[v * 3 + k]);
      for (size_t k = 0; k < 5; ++k)
        joined.push_back(static_cast<float>(std::sqrt(weights[1])) * b[v * 5 + k]);
    }
    const auto expected = evaluate_retrieval(ConstMatrix(joined.data(), videos, 8), truth);
    const auto scores = table.score(weights);
    EXPECT_EQ(scores.queries, expected.queries);
    EXPECT_NEAR(scores.map, expected.map, 1e-6);
    EXPECT_NEAR(scores.ndcg_10, expected.ndcg_10, 1e-6);
  }
}

TEST(SearchWeights, LeavesOutWhatOnlyHarms) {
  constexpr size_t videos = 60;
  std::vector<Edge> edges;
  for (uint32_t v = 0; v + 1 < videos; v += 2) edges.push_back({v, v + 1, 1});
  const Graph truth = Graph::from_edges(videos, edges);
  std::vector<float> right(videos * videos / 2);  // each pair an axis of its own
  for (size_t v = 0; v < videos; ++v) right[v * (videos / 2) + v / 2] = 1;
  std::vector<float> wrong = unit_rows(videos, 4, 5);
  for (uint32_t v = 1; v < videos; v += 2) {  // each the opposite of its partner
    for (size_t k = 0; k < 4; ++k) wrong[v * 4 + k] = -wrong[(v - 1) * 4 + k];
  }
  std::vector<CosineTable> tables;
  tables.emplace_back(truth, 1000);
  tables[0].add(ConstMatrix(wrong.data(), videos, 4));
  tables[0].add(ConstMatrix(right.data(), videos, videos / 2));
  const auto weights = search_weights(tables, {false, false});
  EXPECT_NEAR(mean_score(tables, weights).map, 1, 1e-12);
  EXPECT_GT(weights[1], weights[0]);
  EXPECT_NEAR(weights[0] + weights[1], 1, 1e-12);
}

// Two candidates that rank the same but for chance, one of them growing: the move is as the header says,
// unless it costs what the better one reaches.
TEST(SearchWeights, LeanTowardsWhatGrowsAsFarAsItRanksAsWell) {
  constexpr size_t videos = 80;
  const Graph truth = Graph::from_edges(videos, test::random_edges(videos, 160, 1, 3));
  const auto a = unit_rows(videos, 3, 1), b = unit_rows(videos, 5, 2);
  std::vector<CosineTable> tables;
  tables.emplace_back(truth, 1000);
  tables[0].add(ConstMatrix(a.data(), videos, 3));
  tables[0].add(ConstMatrix(b.data(), videos, 5));
  const auto worth = [&](std::vector<double> weights) {
    const RetrievalScores scores = tables[0].score(weights);
    return scores.map + scores.ndcg_10;
  };
  const double alone[] = {worth({1, 0}), worth({0, 1})}, best = std::max(alone[0], alone[1]);
  const auto chosen = search_weights(tables, {false, false});
  for (const size_t grows : {0, 1}) {
    const auto found = search_weights(tables, {grows == 0, grows == 1});
    const double share = std::pow(alone[grows] / best, 8) / 2;
    std::vector<double> moved(2);
    moved[grows] = chosen[grows] + share * (1 - chosen[grows]);
    moved[1 - grows] = 1 - moved[grows];
    EXPECT_NEAR(found[grows], worth(moved) >= best ? moved[grows] : chosen[grows], 1e-12);
    EXPECT_NEAR(found[0] + found[1], 1, 1e-12);
  }
}

// One network far above the others: neither chance nor the move towards the others may cost what it reaches.
TEST(SearchWeights, NeverRankBelowTheBestCandidateAlone) {
  constexpr size_t videos = 80;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    const Graph truth = Graph::from_edges(videos, test::random_edges(videos, 160, 1, seed));
    std::vector<CosineTable> tables;
    tables.emplace_back(truth, 1000);
    for (const size_t width : {3, 4, 6}) {
      const auto rows = unit_rows(videos, width, seed + 100 * width);
      tables[0].add(ConstMatrix(rows.data(), videos, width));
    }
    const auto worth = [&](const std::vector<double>& weights) {
      const RetrievalScores scores = tables[0].score(weights);
      return scores.map + scores.ndcg_10;
    };
    const double best = std::max({worth({1, 0, 0}), worth({0, 1, 0}), worth({0, 0, 1})});
    EXPECT_GE(worth(search_weights(tables, {true, true, true})), best - 1e-12) << seed;
  }
}

TEST(TrainJoint, IsTheSameForAnyNumberOfThreadsAndNoWorseThanItsParts) {
  const auto world = test::small_world(150);
  std::vector<std::vector<float>> results;
  for (const size_t count : {1, 2, 4}) {
    set_threads(count);
    const JointResult joint = train_joint(world.features, world.graph, small_options(), train_quietly);
    results.push_back(embed(joint.network, world.features));
    double sum = 0;
    size_t branches = 0;
    const auto worth = [](const RetrievalScores& scores) { return scores.map + scores.ndcg_10; };
    for (const JointCandidate& candidate : joint.choice.candidates) {
      // a little is given up for weights that do not follow the chance of the queries
      EXPECT_GE(1.02 * worth(joint.choice.joint), worth(candidate.alone)) << candidate.name;
      sum += candidate.weight;
      branches += candidate.starts;
      EXPECT_EQ(candidate.starts > 0, candidate.weight > 0) << candidate.name;
    }
    EXPECT_NEAR(sum, 1, 1e-9);
    EXPECT_EQ(joint.network.branches().size(), branches) << joint.choice.text();
    EXPECT_LE(joint.network.outputs(), 12u);
  }
  set_threads(0);
  EXPECT_EQ(results[1], results[0]);
  EXPECT_EQ(results[2], results[0]);
}

// The budget counts trainings of a network: of each kind one a split and one on all videos.
TEST(TrainJoint, KeepsToItsBudget) {
  const auto world = test::small_world(150);
  for (const size_t budget : {0, 3, 4, 9}) {
    JointOptions options = small_options();
    options.budget = budget;
    size_t trainings = 0;
    const auto count = [&](const std::string& name, RelationalTrainer& trainer) {
      ++trainings;
      train_quietly(name, trainer);
    };
    const JointResult joint = train_joint(world.features, world.graph, options, count);
    EXPECT_LE(trainings, budget);
    EXPECT_GE(trainings + options.splits + 1, budget);
    EXPECT_EQ(joint.choice.text().find("infonce") == std::string::npos, budget < 4) << joint.choice.text();
  }
}

TEST(Starts, GoToWhatCarriesMost) {
  using Starts = std::vector<size_t>;
  EXPECT_EQ(starts_of(std::vector{0.2, 0.0, 0.25}, 9), (Starts{1, 0, 1}));
  EXPECT_EQ(starts_of(std::vector{0.3, 0.0, 0.1}, 9), (Starts{2, 0, 1}));
  EXPECT_EQ(starts_of(std::vector{0.3, 0.0, 0.1}, 2), (Starts{1, 0, 1}));
  EXPECT_EQ(starts_of(std::vector{0.4, 0.6}, 3), (Starts{1, 2}));
  EXPECT_EQ(starts_of(std::vector{0.4, 0.6}, 9), (Starts{2, 3}));
  EXPECT_EQ(starts_of(std::vector{0.0, 1.0}, 9), (Starts{0, 4}));
  EXPECT_EQ(starts_of(std::vector{0.0, 1.0}, 3), (Starts{0, 3}));
  EXPECT_EQ(starts_of({}, 3), Starts{});
}

// Groups on a line through the centre, their videos on either side of it: cosines and linear maps see half of
// them, a network all. Columns of noise keep random units out.
test::SmallWorld opposite_world() {
  constexpr size_t videos = 150, group = 6, width = 513;
  const Random noise(8, 1);
  std::vector<float> values(videos * width);
  std::vector<Edge> edges;
  for (uint32_t v = 0; v < videos; ++v) {
    const double angle = 3.14159265 * static_cast<double>(v / group) * group / videos,
                 side = v % 2 == 0 ? 1 : -1;
    for (uint32_t k = 0; k < width; ++k) {
      const double place = k == 0 ? std::cos(angle) : k == 1 ? std::sin(angle) : 0;
      values[v * width + k] = static_cast<float>(side * place + 0.002 * noise.normal(v, k));
    }
    for (uint32_t other = v + 1; other < videos && other / group == v / group; ++other)
      edges.push_back({v, other, 1});
  }
  return {FeatureTable(videos, {{"place", 0, width}}, std::move(values)), Graph::from_edges(videos, edges)};
}

// What the budget leaves goes to networks of much weight, which share it among their trainings.
TEST(TrainJoint, TrainsHeavyNetworksAgain) {
  const auto world = opposite_world();
  JointOptions options = small_options();
  options.network.hidden = 64;
  options.network.steps = 150;
  std::set<std::string> names;
  std::set<std::vector<float>> results;
  size_t trainings = 0;
  const auto count = [&](const std::string& name, RelationalTrainer& trainer) {
    ++trainings;
    train_quietly(name, trainer);
    names.insert(name);
    results.insert(trainer.branch().parameters);
  };
  const JointResult joint = train_joint(world.features, world.graph, options, count);
  EXPECT_EQ(names.size(), trainings) << "checkpoints are kept by name";
  EXPECT_EQ(results.size(), trainings) << "no two trainings are the same";
  EXPECT_LE(trainings, options.budget);
  size_t most = 0;
  for (const JointCandidate& candidate : joint.choice.candidates) {
    double sum = 0;
    size_t found = 0;
    for (const Branch& branch : joint.network.branches()) {
      if (branch.name != candidate.name) continue;
      sum += branch.weight;
      ++found;
    }
    EXPECT_EQ(found, candidate.starts) << candidate.name;
    EXPECT_NEAR(sum, candidate.weight, 1e-9) << candidate.name;
    most = std::max(most, found);
  }
  EXPECT_GT(most, 1u) << joint.choice.text();
}

TEST(TrainJoint, LooksAtNoMoreVideosThanAsked) {
  const auto world = test::small_world(400);
  JointOptions options = small_options();
  options.budget = 0;
  options.most_videos = 40;
  options.most_queries = 10;
  const JointResult joint = train_joint(world.features, world.graph, options, train_quietly);
  EXPECT_EQ(joint.choice.splits, options.splits);
  EXPECT_GT(joint.choice.joint.map, 0.1);
}

// Wider features get neither random units nor a copy at equal strength of columns (docs/relational.md).
TEST(TrainJoint, LeavesOutOfWideFeaturesWhatDoesNotSuitThem) {
  constexpr size_t videos = 60;
  const Graph graph = test::small_world(videos).graph;
  for (const size_t width : {512, 513}) {
    const FeatureTable features(videos, {{"words", 0, width}}, unit_rows(videos, width, 7));
    JointOptions options = small_options();
    options.budget = 0;
    options.splits = 1;
    const JointResult joint = train_joint(features, graph, options, train_quietly);
    for (const JointCandidate& candidate : joint.choice.candidates) {
      const bool of_narrow = candidate.name == "features, columns" || candidate.name.starts_with("units");
      const bool of_any = candidate.name.starts_with("features") || candidate.name.starts_with("linear");
      EXPECT_EQ(candidate.made, of_narrow ? width == 512 : of_any) << candidate.name << " of " << width;
    }
  }
}

// With fewer videos than outputs the projection loses nothing: cosines stay those of the weighted branches.
TEST(TrainJoint, WithoutAnythingToSetAsideAllBranchesWeighTheSame) {
  const auto features = test::small_world(10).features;
  const Graph graph = Graph::from_edges(10, {{0, 1, 1}});
  JointOptions options = small_options();
  const JointResult joint = train_joint(features, graph, options, train_quietly);
  EXPECT_EQ(joint.choice.splits, 0u);
  const auto& branches = joint.network.branches();
  ASSERT_EQ(branches.size(), joint.choice.candidates.size());
  for (const Branch& branch : branches)
    EXPECT_NEAR(branch.weight, 1.0 / static_cast<double>(branches.size()), 1e-9);
  ASSERT_GT(joint.network.joint_width(), joint.network.outputs());
  const auto rows = embed(joint.network, features);
  std::vector<std::vector<float>> parts;
  for (const Branch& branch : branches)
    parts.push_back(embed(Network(features.modalities(), {branch}), features));
  const auto cosine = [](const std::vector<float>& all, size_t a, size_t b) {
    const size_t width = all.size() / 10;
    double sum = 0;
    for (size_t k = 0; k < width; ++k) sum += all[a * width + k] * all[b * width + k];
    return sum;
  };
  for (size_t a = 0; a < 10; ++a) {
    for (size_t b = 0; b < a; ++b) {
      double mean = 0;
      for (const auto& part : parts) mean += cosine(part, a, b) / static_cast<double>(parts.size());
      EXPECT_NEAR(cosine(rows, a, b), mean, 1e-4);
    }
  }
}

// Whatever test videos look like and whoever watches them, training ends in the same bytes.
TEST(Comparison, TrainingNeverSeesATestVideo) {
  constexpr size_t videos = 150;
  const VideoSplit split = split_videos(videos, 0.7, 3);
  // An edge between a training and a test video is out of the training graph either way: leave none.
  const auto other = test::small_world(videos, split.test);
  const auto same = test::small_world(videos);
  const auto is_test = [&](uint32_t video) {
    return std::binary_search(split.test.begin(), split.test.end(), video);
  };
  size_t crossing = 0;
  for (const Edge& edge : same.graph.edge_list()) crossing += is_test(edge.u) != is_test(edge.v);
  EXPECT_GT(crossing, 10u) << "the first world has edges to lose";
  std::map<std::string, std::vector<std::vector<float>>> trained;
  std::map<std::string, std::vector<std::string>> fingerprints;
  std::vector<double> scores;
  for (const test::SmallWorld* world : {&same, &other}) {
    const Comparison comparison(world->features, world->graph, {}, 0.7, 3);
    EXPECT_EQ(comparison.train_videos(), split.train.size());
    const Graph expected = same.graph.induced(split.train);
    EXPECT_EQ(comparison.train_graph().edges(), expected.edges());
    JointOptions options = small_options();
    for (const char* name_of_method : {"l0_mined", "pseudo_class", "default"}) {
      const std::string method = name_of_method;
      const auto record = [&](const std::string& name, RelationalTrainer& trainer) {
        train_quietly(name, trainer);
        trained[method + " " + name].push_back(trainer.branch().parameters);
        fingerprints[method + " " + name].push_back(trainer.fingerprint());
      };
      scores.push_back(comparison.run(method, options, record).scores.map);
    }
  }
  EXPECT_GE(trained.size(), 5u);
  for (const auto& [name, results] : trained) {
    ASSERT_EQ(results.size(), 2u) << name;
    EXPECT_EQ(results[0], results[1]) << name;
    EXPECT_EQ(fingerprints[name][0], fingerprints[name][1]) << name;
  }
  EXPECT_NE(scores[0], scores[3]) << "but the test is another";
}

TEST(Comparison, NamesWhatIsTooSmall) {
  const auto world = test::small_world(20);
  const Graph empty = Graph::from_edges(20, {});
  EXPECT_THROW(Comparison(world.features, empty, {}, 0.7, 1), Error);
  EXPECT_THROW(Comparison(world.features.select({1, 2}), world.graph, {}, 0.7, 1), Error);
}

}  // namespace
}  // namespace cowatch

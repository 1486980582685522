#include "learn/relational/linear.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/threads.h"
#include "math/eigen.h"
#include "support/small_world.h"

namespace cowatch {
namespace {

constexpr size_t videos = 1300, width = 10;  // more rows than pass at once

// C = XᵀX / n + λ · mean variance and K = Xᵀ N X / n, entry by entry.
struct Slow {
  std::vector<double> x, own, shared;

  Slow(const FeatureTable& features, const Graph& graph, const Normalisation& centre, double damping)
      : x(videos * width), own(width * width), shared(width * width) {
    std::vector<float> row(width);
    for (uint32_t video = 0; video < videos; ++video) {
      features.copy_row(video, row.data());
      centre.apply(features, video, row.data());
      std::copy(row.begin(), row.end(), x.begin() + static_cast<ptrdiff_t>(video * width));
    }
    double trace = 0;
    for (size_t i = 0; i < width; ++i) {
      for (size_t j = 0; j < width; ++j) {
        for (uint32_t v = 0; v < videos; ++v) {
          own[i * width + j] += x[v * width + i] * x[v * width + j] / videos;
          for (const uint32_t u : graph.neighbours(v)) {
            shared[i * width + j] +=
                x[v * width + i] * x[u * width + j] /
                (videos * std::sqrt(static_cast<double>(graph.degree(u) * graph.degree(v))));
          }
        }
      }
      trace += own[i * width + i];
    }
    for (size_t i = 0; i < width; ++i) own[i * width + i] += damping * trace / width;
  }
};

double form(const float* a, const std::vector<double>& matrix, const float* b) {
  double sum = 0;
  for (size_t i = 0; i < width; ++i) {
    for (size_t j = 0; j < width; ++j) sum += a[i] * matrix[i * width + j] * b[j];
  }
  return sum;
}

// Rows m_i of the map solve K m = s C m, with m_i C m_j = s_i for i = j and 0 otherwise, s falling; and there
// are as many as K has positive eigenvalues (Sylvester's law of inertia).
TEST(LinearBranches, SolveTheGeneralisedEigenproblem) {
  const auto world = test::small_world(videos);
  const std::vector<double> dampings{0.1, 1};
  const auto branches = linear_branches(world.features, world.graph, dampings, 64);
  ASSERT_EQ(branches.size(), 2u);
  for (size_t d = 0; d < 2; ++d) {
    const Branch& branch = branches[d];
    const Slow slow(world.features, world.graph, branch.normalisation, dampings[d]);
    const Eigen shared = symmetric_eigen(slow.shared, width);
    const auto positive = static_cast<size_t>(
        std::count_if(shared.values.begin(), shared.values.end(), [](double value) { return value > 1e-9; }));
    ASSERT_EQ(branch.shape.outputs, positive);
    double before = 1e9;
    for (size_t i = 0; i < positive; ++i) {
      const float* m = branch.parameters.data() + i * width;
      const double s = form(m, slow.own, m);
      EXPECT_LE(s, before);
      before = s;
      EXPECT_NEAR(form(m, slow.shared, m), s * s, 2e-4);
      for (size_t j = 0; j < i; ++j) {
        const float* other = branch.parameters.data() + j * width;
        EXPECT_NEAR(form(m, slow.own, other), 0, 2e-4);
        EXPECT_NEAR(form(m, slow.shared, other), 0, 2e-4);
      }
    }
  }
}

TEST(LinearBranches, KeepTheStrongestAndAreTheSameForAnyNumberOfThreads) {
  const auto world = test::small_world(videos);
  const std::vector<double> dampings{0.5};
  std::vector<std::vector<float>> maps;
  for (const size_t count : {1, 2, 4}) {
    set_threads(count);
    maps.push_back(linear_branches(world.features, world.graph, dampings, 3)[0].parameters);
  }
  set_threads(0);
  EXPECT_EQ(maps[0].size(), 3 * width);
  EXPECT_EQ(maps[1], maps[0]);
  EXPECT_EQ(maps[2], maps[0]);
}

TEST(LinearBranches, NeighboursThatAreOppositesShareNothing) {
  const auto features = FeatureTable::of_rows(4, 1, {1, -1, 2, -2});
  const Graph graph = Graph::from_edges(4, {{0, 1, 1}, {2, 3, 1}});
  const std::vector<double> dampings{0.1};
  EXPECT_THROW(linear_branches(features, graph, dampings, 4), Error);
}

// The slow copy computes every video's units from the branch's own first layer, one number at a time, and
// asks of the second layer what the linear map must satisfy on them.
TEST(RandomUnitBranch, AreTheLinearMapOfTheirUnits) {
  constexpr size_t units = 12;
  const auto world = test::small_world(videos);
  const std::vector<double> dampings{0.3};
  const Branch branch =
      random_unit_branch(world.features, world.graph, NormalisationKind::columns, units, dampings[0], 64, 5);
  ASSERT_EQ(branch.kind, Branch::Kind::towers);
  ASSERT_EQ(branch.shape.towers.size(), 1u);
  const float* first = branch.parameters.data();
  std::vector<float> hidden(videos * units), row(width);
  for (uint32_t video = 0; video < videos; ++video) {
    world.features.copy_row(video, row.data());
    branch.normalisation.apply(world.features, video, row.data());
    for (size_t u = 0; u < units; ++u) {
      double sum = first[units * width + u];
      for (size_t k = 0; k < width; ++k) sum += first[u * width + k] * row[k];
      hidden[video * units + u] = static_cast<float>(std::max(0.0, sum));
    }
  }
  const FeatureTable table(videos, {{"units", 0, units}}, hidden);
  const Branch linear = linear_branches(table, world.graph, dampings, 64)[0];
  const size_t outputs = linear.shape.outputs;
  ASSERT_EQ(branch.shape.outputs, outputs);
  std::vector<float> rows(videos * outputs), expected(videos * outputs);
  Network(world.features.modalities(), {branch})
      .embed(world.features, 0, Matrix(rows.data(), videos, outputs));
  Network(table.modalities(), {linear}).embed(table, 0, Matrix(expected.data(), videos, outputs));
  // Directions may change sign or turn where two are equally strong: cosines may not.
  for (uint32_t a = 0; a < videos; a += 37) {
    if (!world.features.known(a)) continue;
    for (uint32_t b = 0; b < videos; b += 41) {
      if (!world.features.known(b)) continue;
      double found = 0, right = 0;
      for (size_t k = 0; k < outputs; ++k) {
        found += rows[a * outputs + k] * rows[b * outputs + k];
        right += expected[a * outputs + k] * expected[b * outputs + k];
      }
      EXPECT_NEAR(found, right, 2e-3) << a << " " << b;
    }
  }
}

// Few of very many videos have neighbours: each of these is learned from, wherever it stands.
TEST(RandomUnitBranch, LearnsFromTheVideosWithNeighboursOfALargeCatalogue) {
  constexpr uint32_t many = 100'002, step = 2;  // every second video is seen at most; these are the others
  std::vector<float> values(size_t{many} * 2);
  const Random noise(3, 1);
  std::vector<Edge> edges;
  for (uint32_t k = 0; k < values.size(); ++k) values[k] = static_cast<float>(noise.normal(0, k));
  for (uint32_t video = 1; video + step < 400; video += 2 * step) {
    for (uint32_t k = 0; k < 2; ++k) values[(video + step) * 2 + k] = values[video * 2 + k];
    edges.push_back({video, video + step, 1});
  }
  const auto features = FeatureTable::of_rows(many, 2, std::move(values));
  const Graph graph = Graph::from_edges(many, edges);
  EXPECT_GT(random_unit_branch(features, graph, NormalisationKind::table, 4, 0.3, 2, 1).shape.outputs, 0u);
}

TEST(RandomUnitBranch, DependOnTheSeedAndNotOnTheThreads) {
  const auto world = test::small_world(videos);
  const auto parameters = [&](uint64_t seed, size_t count) {
    set_threads(count);
    return random_unit_branch(world.features, world.graph, NormalisationKind::table, 20, 0.3, 8, seed)
        .parameters;
  };
  const auto once = parameters(1, 1);
  EXPECT_EQ(parameters(1, 4), once);
  EXPECT_NE(parameters(2, 1), once);
  set_threads(0);
}

}  // namespace
}  // namespace cowatch

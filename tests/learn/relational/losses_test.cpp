#include "learn/relational/losses.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/random.h"
#include "learn/relational/network.h"

namespace cowatch {
namespace {

constexpr size_t embedding_width = 5;

// `times` the same triplets.
std::vector<Triplet> repeated(size_t times) {
  std::vector<Triplet> all;
  for (size_t k = 0; k < times; ++k) all.insert(all.end(), {{0, 1}, {1, 2}, {3, 4}, {0, 5}, {1, 0}});
  return all;
}

// Eight videos; 0–1, 1–2, 3–4 are neighbours. The batch repeats videos in several roles.
struct Case {
  Graph graph;
  Batch batch;
  std::vector<float> z;

  explicit Case(const std::vector<uint32_t>& negatives = {6, 6, 0, 7, 3}, size_t times = 1)
      : Case(Graph::from_edges(8, {{0, 1, 1}, {1, 2, 1}, {3, 4, 1}, {0, 5, 1}}),
             make_batch(repeated(times), negatives)) {}
  Case(Graph given_graph, Batch given_batch)
      : graph(std::move(given_graph)), batch(std::move(given_batch)), z(batch.rows.size() * embedding_width) {
    const Random random(7, 1);
    for (size_t k = 0; k < z.size(); ++k)
      z[k] = static_cast<float>(random.normal(0, static_cast<uint32_t>(k)));
    normalise_rows(Matrix(z.data(), batch.rows.size(), embedding_width));
  }
  ConstMatrix rows() const { return {z.data(), batch.rows.size(), embedding_width}; }
};

double dot(const float* a, const float* b) {
  double sum = 0;
  for (size_t k = 0; k < embedding_width; ++k) sum += double{a[k]} * b[k];
  return sum;
}

// Central differences of `value` by every number of z, treated as free (the losses are functions of z as it
// is).
void expect_gradient(Case& c, const std::vector<float>& dz, const std::function<double()>& value) {
  constexpr float step = 1e-3f;
  for (size_t k = 0; k < c.z.size(); ++k) {
    const float kept = c.z[k];
    c.z[k] = kept + step;
    const double above = value();
    c.z[k] = kept - step;
    const double below = value();
    c.z[k] = kept;
    EXPECT_NEAR(dz[k], (above - below) / (2 * double{step}), 2e-4) << "number " << k;
  }
}

// The same along random directions, of all rows and of a few: for a batch of more numbers than one can go
// through one by one.
void expect_slopes(Case& c, const std::vector<float>& dz, const std::function<double()>& value) {
  const std::vector<float> kept = c.z;
  for (const size_t every : {1, 1, 7, 101}) {
    const Random random(every, static_cast<uint32_t>(every + 20));
    const auto move = [&](float step) {
      for (size_t k = 0; k < c.z.size(); ++k) {
        const bool moves = k / embedding_width % every == 0;
        const auto far = static_cast<float>(moves ? random.normal(1, static_cast<uint32_t>(k)) : 0.0);
        c.z[k] = kept[k] + step * far;
      }
      return std::pair(c.z, value());
    };
    const auto [up, above] = move(1e-3f);
    const auto [down, below] = move(-1e-3f);
    double slope = 0, size = 0;
    for (size_t k = 0; k < dz.size(); ++k) {
      slope += dz[k] * (double{up[k]} - down[k]);
      size += std::abs(dz[k] * (double{up[k]} - down[k]));
    }
    EXPECT_NEAR(above - below, slope, 1e-3 * size + 1e-9) << "each row in " << every;
  }
  c.z = kept;
}

// 1,100 triplets, which are three blocks of rows of similarities, on a ring of videos.
Case case_of_blocks(size_t videos, const std::vector<uint32_t>& negatives) {
  std::vector<Edge> edges;
  std::vector<Triplet> triplets;
  for (uint32_t v = 0; v < videos; ++v) edges.push_back({v, static_cast<uint32_t>((v + 1) % videos), 1});
  for (uint32_t i = 0; i < 1100; ++i) {
    const auto anchor = static_cast<uint32_t>(i * 7 % videos);
    triplets.push_back(
        {anchor, static_cast<uint32_t>((anchor + (i % 2 == 0 ? 1 : videos - 1)) % videos), 0, 0});
  }
  return {Graph::from_edges(videos, edges), make_batch(triplets, negatives)};
}

// With free z the distance of the loss is 2 - 2 a·b, as the closed form takes it.
double slow_triplet(const Case& c, double margin) {
  double sum = 0;
  for (size_t i = 0; i < c.batch.size(); ++i) {
    const float* a = c.z.data() + c.batch.anchor_row[i] * embedding_width;
    const double near = 2 - 2 * dot(a, c.z.data() + c.batch.positive_row[i] * embedding_width);
    const double far = 2 - 2 * dot(a, c.z.data() + c.batch.negative_row[i] * embedding_width);
    sum += std::max(0.0, near - far + margin);
  }
  return sum / static_cast<double>(c.batch.size());
}

TEST(TripletLoss, IsTheMeanHingeAndItsGradient) {
  for (const double margin : {0.1, 0.5, 4.5}) {
    Case c;
    std::vector<float> dz(c.z.size(), 99);
    const Loss loss = triplet_loss(c.rows(), c.batch, c.batch.negative_row, margin,
                                   Matrix(dz.data(), c.batch.rows.size(), embedding_width));
    EXPECT_NEAR(loss.value, slow_triplet(c, margin), 1e-6);
    std::vector<float> whole(dz.size());
    for (const uint32_t row : loss.active)
      std::copy_n(dz.data() + row * embedding_width, embedding_width, whole.data() + row * embedding_width);
    expect_gradient(c, whole, [&] { return slow_triplet(c, margin); });
  }
}

TEST(TripletLoss, SatisfiedTripletsTouchNothing) {
  Case c;
  for (auto& value : c.z) value = 0;
  for (size_t r = 0; r < c.batch.rows.size(); ++r) c.z[r * embedding_width] = c.batch.rows[r] == 6 ? -1.0f : 1.0f;
  Batch batch = make_batch({{0, 1, 6, 0}}, true);
  std::vector<float> z = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, -1, 0, 0, 0, 0}, dz(15, 5);
  const Loss loss = triplet_loss(ConstMatrix(z.data(), 3, embedding_width), batch, batch.negative_row, 0.5,
                                 Matrix(dz.data(), 3, embedding_width));
  EXPECT_EQ(loss.value, 0);
  EXPECT_TRUE(loss.active.empty());
  EXPECT_EQ(dz, std::vector<float>(15, 5));
}

double slow_softmax(const Case& c, double temperature) {
  double sum = 0;
  const auto& b = c.batch;
  for (size_t i = 0; i < b.size(); ++i) {
    const float* a = c.z.data() + b.anchor_row[i] * embedding_width;
    const double own = dot(a, c.z.data() + b.positive_row[i] * embedding_width) / temperature;
    double total = std::exp(own);
    const auto add = [&](uint32_t row, double weight) {
      const uint32_t other = b.rows[row];
      if (other == b.anchor[i] || c.graph.has_edge(b.anchor[i], other)) return;  // p_i is a neighbour
      total += weight * std::exp(dot(a, c.z.data() + row * embedding_width) / temperature);
    };
    for (const uint32_t row : b.positive_row) add(row, 1);
    for (const uint32_t row : b.negative_row) add(row, b.negative_weight);
    sum += std::log(total) - own;
  }
  return sum / static_cast<double>(b.size());
}

TEST(InBatchSoftmax, IsCrossEntropyWithoutNeighboursAndItsGradient) {
  struct Negatives {
    std::vector<uint32_t> videos;
    double weight;
    size_t times = 1;  // of the triplets: past some, the batch is larger than its catalogue
  };
  for (const auto& [videos, weight, times] : {Negatives{{}, 1},
                                              {{6}, 1},
                                              {{6, 6, 0, 7, 3}, 2.5},
                                              {{7, 3, 6, 7, 7, 2}, 0.4},
                                              {{7, 3, 6, 7, 7, 2}, 0.4, 7},
                                              {{}, 1, 4}}) {
    const double temperature = videos.size() > 4 ? 1.0 : 0.2;
    Case c(videos, times);
    c.batch.negative_weight = weight;
    std::vector<float> dz(c.z.size(), 99);
    const Loss loss = in_batch_softmax(c.rows(), c.batch, c.graph, temperature,
                                       Matrix(dz.data(), c.batch.rows.size(), embedding_width));
    EXPECT_NEAR(loss.value, slow_softmax(c, temperature), 1e-5);
    for (size_t r = 0; r < c.batch.rows.size(); ++r) {
      if (std::find(loss.active.begin(), loss.active.end(), r) == loss.active.end()) {
        for (size_t k = 0; k < embedding_width; ++k) EXPECT_EQ(dz[r * embedding_width + k], 0);
      }
    }
    expect_gradient(c, dz, [&] { return slow_softmax(c, temperature); });
  }
}

TEST(InBatchSoftmax, AddsUpSeveralBlocks) {
  std::vector<uint32_t> lone;
  for (uint32_t v = 0; v < 300; ++v) lone.push_back(2 * v);
  // A column for each place; and videos that stand there several times, a column each.
  for (const size_t videos : {2400, 90}) {
    Case c = case_of_blocks(videos, videos == 2400 ? lone : std::vector<uint32_t>{});
    c.batch.negative_weight = 1.7;
    std::vector<float> dz(c.z.size(), 99);
    const Loss loss = in_batch_softmax(c.rows(), c.batch, c.graph, 0.4,
                                       Matrix(dz.data(), c.batch.rows.size(), embedding_width));
    const auto value = [&] { return slow_softmax(c, 0.4); };
    EXPECT_NEAR(loss.value, value(), 1e-5);
    expect_slopes(c, dz, value);
  }
}

struct Classes {
  std::vector<uint32_t> of_video = {0, 0, 1, 2, 2, 3, 4, 5};
  std::vector<float> weights;
  explicit Classes(size_t count = 6) : weights(count * embedding_width) {
    const Random random(9, 2);
    for (size_t k = 0; k < weights.size(); ++k)
      weights[k] = static_cast<float>(random.normal(0, static_cast<uint32_t>(k)));
  }
};

double slow_classification(const Case& c, const Classes& classes, const std::vector<uint32_t>& candidates,
                           double temperature) {
  double sum = 0;
  for (size_t i = 0; i < c.batch.size(); ++i) {
    const float* a = c.z.data() + c.batch.anchor_row[i] * embedding_width;
    const uint32_t own_class = classes.of_video[c.batch.anchor[i]];
    const double own = dot(a, classes.weights.data() + own_class * embedding_width) / temperature;
    double others = 0;
    size_t count = 0;
    for (const uint32_t candidate : candidates) {
      if (candidate == own_class) continue;
      others += std::exp(dot(a, classes.weights.data() + candidate * embedding_width) / temperature);
      ++count;
    }
    const auto all_others = static_cast<double>(classes.weights.size() / embedding_width - 1);
    sum += std::log(std::exp(own) + all_others / static_cast<double>(count) * others) - own;
  }
  return sum / static_cast<double>(c.batch.size());
}

void expect_class_gradient(Classes& classes, const std::vector<float>& dw,
                           const std::function<double()>& value) {
  constexpr float step = 1e-3f;
  for (size_t k = 0; k < dw.size(); ++k) {
    const float kept = classes.weights[k];
    classes.weights[k] = kept + step;
    const double above = value();
    classes.weights[k] = kept - step;
    const double below = value();
    classes.weights[k] = kept;
    EXPECT_NEAR(dw[k], (above - below) / (2 * double{step}), 2e-4) << "class weight " << k;
  }
}

TEST(ClassificationLoss, IsSampledCrossEntropyAndItsGradients) {
  for (const std::vector<uint32_t>& candidates : {std::vector<uint32_t>{0, 1, 2, 3, 4, 5}, {1, 2, 5}}) {
    Case c;
    Classes classes;
    std::vector<float> dz(c.z.size(), 99), dw(classes.weights.size(), 99);
    const Loss loss = classification_loss(
        c.rows(), c.batch, classes.of_video, ConstMatrix(classes.weights.data(), 6, embedding_width), candidates, 0.7,
        Matrix(dz.data(), c.batch.rows.size(), embedding_width), Matrix(dw.data(), 6, embedding_width));
    const auto value = [&] { return slow_classification(c, classes, candidates, 0.7); };
    EXPECT_NEAR(loss.value, value(), 1e-5);
    expect_gradient(c, dz, value);
    expect_class_gradient(classes, dw, value);
  }
}

TEST(ClassificationLoss, AddsUpSeveralBlocks) {
  constexpr size_t count = 40;
  for (const bool sampled : {false, true}) {
    Case c = case_of_blocks(1500, {});
    Classes classes(count);
    classes.of_video.clear();
    for (uint32_t v = 0; v < 1500; ++v) classes.of_video.push_back(v / 7 % count);
    std::vector<uint32_t> candidates;
    for (uint32_t k = 0; k < count; k += sampled ? 3 : 1) candidates.push_back(k);
    std::vector<float> dz(c.z.size(), 99), dw(classes.weights.size(), 99);
    const Loss loss = classification_loss(
        c.rows(), c.batch, classes.of_video, ConstMatrix(classes.weights.data(), count, embedding_width),
        candidates, 0.7, Matrix(dz.data(), c.batch.rows.size(), embedding_width),
        Matrix(dw.data(), count, embedding_width));
    const auto value = [&] { return slow_classification(c, classes, candidates, 0.7); };
    EXPECT_NEAR(loss.value, value(), 1e-5);
    expect_slopes(c, dz, value);
    expect_class_gradient(classes, dw, value);
  }
}

}  // namespace
}  // namespace cowatch

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
  Graph graph = Graph::from_edges(8, {{0, 1, 1}, {1, 2, 1}, {3, 4, 1}, {0, 5, 1}});
  Batch batch;
  std::vector<float> z;

  explicit Case(const std::vector<uint32_t>& negatives = {6, 6, 0, 7, 3}, size_t times = 1)
      : batch(make_batch(repeated(times), negatives)), z(batch.rows.size() * embedding_width) {
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

struct Classes {
  std::vector<uint32_t> of_video = {0, 0, 1, 2, 2, 3, 4, 5};
  std::vector<float> weights;
  Classes() : weights(6 * embedding_width) {
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
    sum += std::log(std::exp(own) + 5.0 / static_cast<double>(count) * others) - own;
  }
  return sum / static_cast<double>(c.batch.size());
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
}

}  // namespace
}  // namespace cowatch

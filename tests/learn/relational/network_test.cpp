#include "learn/relational/network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "base/threads.h"
#include "support/plain_file.h"
#include "support/small_world.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

constexpr size_t seen_videos = 600, feature_width = 10;

std::vector<float> numbers(size_t count, uint32_t stream) {
  const Random random(11, stream);
  std::vector<float> values(count);
  for (size_t k = 0; k < count; ++k)
    values[k] = static_cast<float>(random.normal(0, static_cast<uint32_t>(k)));
  return values;
}

// One branch of each kind: the features, a linear map to four numbers, two towers to five.
std::vector<Branch> branches(const FeatureTable& features) {
  Branch raw, linear, towers;
  raw.name = "features";
  raw.weight = 0.25;
  raw.normalisation = normalisation_of(features, NormalisationKind::none);
  linear.name = "linear";
  linear.kind = Branch::Kind::linear;
  linear.weight = 0.5;
  linear.normalisation = normalisation_of(features, NormalisationKind::table);
  linear.shape.outputs = 4;
  linear.parameters = numbers(4 * feature_width, 1);
  towers.name = "towers";
  towers.kind = Branch::Kind::towers;
  towers.weight = 0.25;
  towers.normalisation = normalisation_of(features, NormalisationKind::columns);
  towers.shape = {{{0, 6, 7}, {6, 10, 3}}, 5};
  towers.parameters = numbers(towers.shape.parameters(), 2);
  return {raw, linear, towers};
}

void unit(std::vector<double>& row) {
  double square = 0;
  for (const double value : row) square += value * value;
  for (double& value : row) value = square > 0 ? value / std::sqrt(square) : 0;
}

std::vector<double> slow_branch(const Branch& branch, const FeatureTable& features, uint32_t video) {
  std::vector<float> raw(feature_width);
  features.copy_row(video, raw.data());
  std::vector<double> x(feature_width);
  for (size_t m = 0; m < features.modalities().size(); ++m) {
    const Modality& modality = features.modalities()[m];
    for (size_t k = modality.begin; k < modality.end && features.present(video, m); ++k)
      x[k] = (double{raw[k]} - branch.normalisation.mean[k]) * branch.normalisation.scale[k];
  }
  if (branch.kind == Branch::Kind::features) return x;
  std::vector<double> y(branch.shape.outputs, 1);
  const float* p = branch.parameters.data();
  if (branch.kind == Branch::Kind::linear) {
    for (size_t o = 0; o < y.size(); ++o) {
      y[o] = 0;
      for (size_t k = 0; k < feature_width; ++k) y[o] += p[o * feature_width + k] * x[k];
    }
    return y;
  }
  for (const TowerShape& tower : branch.shape.towers) {
    std::vector<double> h(tower.hidden);
    const float *first = p, *bias = first + tower.hidden * tower.inputs(), *second = bias + tower.hidden,
                *last_bias = second + y.size() * tower.hidden;
    for (size_t j = 0; j < tower.hidden; ++j) {
      h[j] = bias[j];
      for (size_t k = 0; k < tower.inputs(); ++k) h[j] += first[j * tower.inputs() + k] * x[tower.begin + k];
      h[j] = std::max(0.0, h[j]);
    }
    // A missing modality is left out of the product.
    const auto place = static_cast<size_t>(&tower - branch.shape.towers.data());
    for (size_t o = 0; o < y.size() && features.present(video, place); ++o) {
      double sum = last_bias[o];
      for (size_t j = 0; j < tower.hidden; ++j) sum += second[o * tower.hidden + j] * h[j];
      y[o] *= sum;
    }
    p = last_bias + y.size();
  }
  return y;
}

std::vector<double> slow_embedding(const std::vector<Branch>& all, const std::vector<float>& projection,
                                   const FeatureTable& features, uint32_t video) {
  std::vector<double> joint;
  for (const Branch& branch : all) {
    auto row = slow_branch(branch, features, video);
    unit(row);
    for (const double value : row)
      joint.push_back(features.known(video) ? std::sqrt(branch.weight) * value : 0);
  }
  unit(joint);
  if (projection.empty()) return joint;
  std::vector<double> out(projection.size() / joint.size());
  for (size_t o = 0; o < out.size(); ++o) {
    for (size_t k = 0; k < joint.size(); ++k) out[o] += projection[o * joint.size() + k] * joint[k];
  }
  unit(out);
  return out;
}

std::vector<float> embed(const Network& network, const FeatureTable& features, size_t first, size_t count) {
  std::vector<float> rows(count * network.outputs(), 99);
  network.embed(features, first, Matrix(rows.data(), count, network.outputs()));
  return rows;
}

struct NetworkTest : testing::Test {
  FeatureTable features = test::small_world(seen_videos).features;
  std::vector<Branch> all = branches(features);
  std::vector<float> projection = numbers(6 * (10 + 4 + 5), 3);
  Network plain = Network(features.modalities(), all),
          projected = Network(features.modalities(), all, projection);
  test::TemporaryFolder folder;
};

TEST_F(NetworkTest, EmbedsAsTheFormulaSays) {
  for (const bool with_projection : {false, true}) {
    const Network& network = with_projection ? projected : plain;
    const auto rows = embed(network, features, 0, seen_videos);
    for (uint32_t video = 0; video < seen_videos; ++video) {
      const auto expected =
          slow_embedding(all, with_projection ? projection : std::vector<float>{}, features, video);
      ASSERT_EQ(expected.size(), network.outputs());
      for (size_t k = 0; k < expected.size(); ++k)
        ASSERT_NEAR(rows[video * expected.size() + k], expected[k], 2e-5) << video << " " << k;
    }
  }
}

TEST_F(NetworkTest, AVideoWithoutAnyModalityIsZero) {
  ASSERT_FALSE(features.known(5));
  EXPECT_EQ(embed(projected, features, 5, 1), std::vector<float>(6));
}

TEST_F(NetworkTest, OfAModalityThatTrainingNeverSawItKnowsNothing) {
  std::vector<Branch> branches = all;
  const Modality& unseen = features.modalities()[1];
  for (Branch& branch : branches) {
    for (size_t k = unseen.begin; k < unseen.end; ++k) branch.normalisation.scale[k] = 0;
  }
  const Network network(features.modalities(), branches);
  EXPECT_TRUE(network.knows(0));
  EXPECT_FALSE(network.knows(1));
  std::vector<uint8_t> present(features.modalities().size());
  present[1] = 1;
  const FeatureTable only_unseen(1, features.modalities(), std::vector<float>(features.width(), 3), present);
  EXPECT_FALSE(network.sees(only_unseen, 0));
  EXPECT_EQ(embed(network, only_unseen, 0, 1), std::vector<float>(network.outputs()));
}

TEST_F(NetworkTest, OneVideoEqualsTheBatch) {
  const auto rows = embed(projected, features, 0, seen_videos);
  for (const uint32_t video : {0u, 1u, 7u, 255u, 256u, 511u, 599u}) {
    const auto alone = embed(projected, features, video, 1);
    for (size_t k = 0; k < alone.size(); ++k) EXPECT_NEAR(alone[k], rows[video * alone.size() + k], 1e-6);
  }
}

TEST_F(NetworkTest, OneVideoByHalvesIsNearlyThatOfTheBatch) {
  const auto rows = embed(projected, features, 0, seen_videos);
  Network halved = projected;
  halved.keep_halves();
  EXPECT_EQ(embed(halved, features, 0, seen_videos), rows) << "many are embedded by the parameters themselves";
  double largest = 0;
  for (uint32_t video = 0; video < seen_videos; ++video) {
    const auto alone = embed(halved, features, video, 1);
    double cosine = 0;
    for (size_t k = 0; k < alone.size(); ++k) {
      const double there = rows[video * alone.size() + k];
      cosine += alone[k] * there;
      largest = std::max(largest, std::abs(alone[k] - there));
    }
    if (std::ranges::any_of(alone, [](float value) { return value != 0; })) {
      EXPECT_GT(cosine, 0.9999) << video;
    }
  }
  EXPECT_GT(largest, 0) << "halves were used";
}

TEST_F(NetworkTest, IsTheSameForAnyNumberOfThreads) {
  std::vector<std::vector<float>> results;
  for (const size_t count : {1, 2, 4}) {
    set_threads(count);
    results.push_back(embed(projected, features, 0, seen_videos));
  }
  set_threads(0);
  EXPECT_EQ(results[1], results[0]);
  EXPECT_EQ(results[2], results[0]);
}

TEST_F(NetworkTest, ComesBackFromItsFile) {
  projected.save(folder / "model", {{"why", "a test"}});
  const Network loaded = Network::load(folder / "model");
  EXPECT_EQ(embed(loaded, features, 0, seen_videos), embed(projected, features, 0, seen_videos));
  EXPECT_EQ(loaded.modalities(), features.modalities());
  EXPECT_EQ(loaded.joint_width(), 19u);
  ASSERT_EQ(loaded.branches().size(), 3u);
  EXPECT_EQ(loaded.branches()[2].name, "towers");
  EXPECT_EQ(TensorFile(folder / "model", "model", 1).get("why"), "a test");
  plain.save(folder / "plain", {});
  EXPECT_EQ(Network::load(folder / "plain").outputs(), 19u);
}

TEST_F(NetworkTest, DamageIsNamed) {
  projected.save(folder / "model", {});
  const std::string good = read_text(folder / "model");
  int accepted = 0, tried = 0;
  const auto refuses = [&](const std::string& bytes, const std::string& what) {
    test::write_plainly(folder / "bad", bytes);
    ++tried;
    try {
      // Blanks that fill up the header may be anything; what is read must be right all the same.
      const Network loaded = Network::load(folder / "bad");
      EXPECT_EQ(bytes.size(), good.size()) << what;
      EXPECT_EQ(embed(loaded, features, 0, seen_videos), embed(projected, features, 0, seen_videos)) << what;
      ++accepted;
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::damaged || error.code() == ErrorCode::newer_version)
          << what << ": " << error.what();
      EXPECT_NE(error.details().where.find("bad"), std::string::npos) << what << ": " << error.what();
    }
  };
  for (size_t at = 0; at < good.size(); at += 13) {
    std::string flipped = good;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
    refuses(flipped, "a flipped bit in byte " + std::to_string(at));
    refuses(good.substr(0, at), "only " + std::to_string(at) + " bytes");
  }
  EXPECT_LT(accepted, 64 / 13 + 1) << "of " << tried;
}

TEST_F(NetworkTest, WrongPartsAreRefused) {
  EXPECT_THROW(Network::load(folder / "none"), Error);
  const FeatureTable other = FeatureTable::of_rows(3, feature_width, std::vector<float>(3 * feature_width, 1));
  try {
    embed(plain, other, 0, 3);
    ADD_FAILURE() << "embedded features of other modalities";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
  }
  // Whole and with right checksums, but not a model: towers that read past the features.
  const auto write = [&](const std::string& branch,
                         const std::string& modalities = R"([{"name":"picture","begin":0,"end":10}])") {
    TensorFileWriter writer("model", 1);
    const std::vector<float> ones(feature_width, 1), four(4, 1);
    writer.set("modalities", modalities);
    writer.set("branches", branch);
    writer.add<float>("branch0.mean", {feature_width}, ones);
    writer.add<float>("branch0.scale", {feature_width}, ones);
    writer.add<float>("branch0.parameters", {4}, four);
    writer.write(folder / "odd");
  };
  const std::string start = R"([{"name":"a","weight":1,"outputs":1,"constant_columns":0,)";
  for (const std::string& branch :
       {std::string("[]"), std::string("[{}]"), std::string("no JSON"),
        start + R"("kind":"towers","towers":[{"begin":0,"end":11,"hidden":1}]}])",
        start + R"("kind":"towers","towers":[{"begin":4,"end":4,"hidden":1}]}])",
        start + R"("kind":"towers","towers":[]}])", start + R"("kind":"linear","towers":[]}])",
        start + R"("kind":"features","towers":[]}])", start + R"("kind":"unheard of","towers":[]}])"}) {
    write(branch);
    try {
      Network::load(folder / "odd");
      ADD_FAILURE() << "loaded " << branch;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::damaged) << error.what();
    }
  }
  // A modality that ends before it begins, and another that makes the width right.
  write(R"([{"name":"a","kind":"features","weight":1,"outputs":0,"constant_columns":0,"towers":[]}])",
        R"([{"name":"picture","begin":0,"end":10},{"name":"sound","begin":7,"end":3}])");
  try {
    Network::load(folder / "odd");
    ADD_FAILURE() << "loaded a modality turned round";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::damaged) << error.what();
    EXPECT_NE(std::string(error.what()).find("sound"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace cowatch

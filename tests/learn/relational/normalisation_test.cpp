#include "learn/relational/normalisation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "support/small_world.h"

namespace cowatch {
namespace {

TEST(InverseFrequency, WeighsRareColumnsByTheirDocuments) {
  // Column 0 in every row, 1 in two of four, 2 in none.
  const auto features = FeatureTable::of_rows(4, 3, {1, 2, 0, 3, 0, 0, 1, 5, 0, 2, 0, 0});
  const Normalisation found = inverse_frequency(features);
  const size_t used[] = {4, 2, 0};
  for (size_t k = 0; k < 3; ++k) {
    EXPECT_NEAR(found.scale[k], 1 + std::log(5.0 / static_cast<double>(1 + used[k])), 1e-6) << k;
    EXPECT_EQ(found.mean[k], 0);
  }
  float row[] = {3, 4, 0};
  found.apply(features, 0, row);
  EXPECT_FLOAT_EQ(row[0], 3);  // there everywhere: keeps its weight
  EXPECT_NEAR(row[1], 4 * (1 + std::log(5.0 / 3)), 1e-5);
}

TEST(Normalisation, IsThatOfASlowCopyWithModalitiesMissing) {
  const auto features = test::small_world(100).features;
  const Normalisation found = normalisation_of(features, NormalisationKind::columns);
  const Normalisation table = normalisation_of(features, NormalisationKind::table);
  std::vector<float> row(10);
  double total = 0;
  for (size_t k = 0; k < 10; ++k) {
    const size_t modality = k < 6 ? 0 : 1;
    double sum = 0, square = 0, count = 0;
    for (uint32_t video = 0; video < 100; ++video) {
      if (!features.present(video, modality)) continue;
      features.copy_row(video, row.data());
      sum += row[k];
      square += double{row[k]} * row[k];
      ++count;
    }
    const double mean = sum / count, variance = square / count - mean * mean;
    total += variance;
    EXPECT_NEAR(found.mean[k], mean, 1e-5);
    EXPECT_NEAR(found.scale[k], 1 / std::sqrt(variance), 1e-5);
    EXPECT_NEAR(table.mean[k], mean, 1e-5);
  }
  for (size_t k = 0; k < 10; ++k) EXPECT_NEAR(table.scale[k], 1 / std::sqrt(total / 10), 1e-5);
  features.copy_row(0, row.data());  // lacks the second modality
  found.apply(features, 0, row.data());
  for (size_t k = 6; k < 10; ++k) EXPECT_EQ(row[k], 0);
}

TEST(Normalisation, WhatNoVideoHasCarriesNothing) {
  const std::vector<Modality> modalities = {{"picture", 0, 2}, {"sound", 2, 3}};
  const FeatureTable silent(3, modalities, {1, 2, 0, 3, 5, 0, 2, 9, 0}, {1, 0, 1, 0, 1, 0});
  for (const Normalisation& found :
       {normalisation_of(silent, NormalisationKind::none), normalisation_of(silent, NormalisationKind::columns),
        normalisation_of(silent, NormalisationKind::table), inverse_frequency(silent)}) {
    EXPECT_NE(found.scale[0], 0);
    EXPECT_EQ(found.scale[2], 0);
  }
}

TEST(Normalisation, CountsColumnsThatNeverChangeAndRefusesWhereNoneDoes) {
  const auto features = FeatureTable::of_rows(3, 3, {1, 7, 0, 2, 7, 0, 3, 7, 0});
  const Normalisation found = normalisation_of(features, NormalisationKind::columns);
  EXPECT_EQ(found.constant, 2u);
  EXPECT_EQ(found.scale[1], 0);
  float row[] = {1, 9, 4};  // changes later: still says nothing
  found.apply(features, 0, row);
  EXPECT_EQ(row[1], 0);
  EXPECT_EQ(row[2], 0);
  EXPECT_THROW(normalisation_of(FeatureTable::of_rows(2, 1, {4, 4}), NormalisationKind::columns), Error);
}

}  // namespace
}  // namespace cowatch

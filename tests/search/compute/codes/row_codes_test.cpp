#include "search/compute/codes/row_codes.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/random.h"
#include "base/threads.h"
#include "math/targets.h"
#include "search/compute/flat_index.h"
#include "search/compute/scan.h"

namespace cowatch {
namespace {

struct Rows {
  size_t count, width;
  std::vector<float> values;
  std::vector<uint8_t> records;
  std::vector<float> errors;

  // Rows of length 1 around a few centres, every 50th without an embedding and every 40th equal to its
  // neighbour.
  Rows(size_t rows, size_t numbers) : count(rows), width(numbers), values(rows * numbers) {
    for (uint32_t r = 0; r < count; ++r) {
      double square = 0;
      for (uint32_t i = 0; i < width; ++i) {
        const double centre = Random(1, r % 7).normal(0, i), own = Random(2, r).normal(0, i);
        values[r * width + i] = static_cast<float>(centre + 0.4 * own);
        square += double{values[r * width + i]} * values[r * width + i];
      }
      for (size_t i = 0; i < width; ++i)
        values[r * width + i] =
            r % 50 == 49 ? 0.0f : static_cast<float>(values[r * width + i] / std::sqrt(square));
      if (r % 40 == 39 && r % 50 != 49) std::copy_n(&values[(r - 1) * width], width, &values[r * width]);
    }
    records.resize(count * RowCodes::record_bytes(width));
    errors.resize(count);
    RowCodes::encode_rows(matrix(), records, errors);
  }
  ConstMatrix matrix() const { return {values.data(), count, width}; }
  RowCodes codes() const { return {width, records, errors}; }
  Allowed present() const {
    Allowed embedded(count);
    for (uint32_t r = 0; r < count; ++r)
      if (codes().misses(r) || values[r * width] != 0) embedded.add(r);
    return embedded;
  }
  std::span<const float> row(size_t r) const { return std::span(values).subspan(r * width, width); }
};

TEST(RowCodesTest, NoScoreIsAboveItsBoundOnAnyInstructionSet) {
  for (const Target& target : supported_targets()) {
    use_only(target);
    for (const size_t width : {1u, 5u, 32u, 100u, 256u}) {
      const Rows rows(600, width);
      std::vector<float> scores(550), bounds(550);
      for (const size_t query : {0u, 7u, 49u, 311u}) {
        std::vector<float> scaled(rows.row(query).begin(), rows.row(query).end());
        for (float& value : scaled) value *= 3;  // a query of any length
        score_rows(scaled, rows.matrix().rows_from(50, 550), scores);
        rows.codes().bound_scores(RowCodes::Query(scaled), 50, bounds);
        double slack = 0;
        for (size_t i = 0; i < scores.size(); ++i) {
          ASSERT_LE(scores[i], bounds[i]) << target.name << " width " << width << " row " << 50 + i;
          slack = std::max(slack, double{bounds[i]} - scores[i]);
        }
        EXPECT_LT(slack, 0.2) << "a bound that keeps nothing out";  // of scores up to 3
      }
    }
  }
  use_all_targets();
}

TEST(RowCodesTest, SearchByCodesAnswersAsTheWholeScanToTheBit) {
  const Rows rows(70'000, 8);  // two ranges
  const VectorRows source(rows.matrix());
  const FlatIndex plain(source, rows.present(), {}), coded(source, rows.present(), rows.codes());
  Allowed some(rows.count);
  for (uint32_t row = 0; row < rows.count; ++row)
    if (row % 3 != 0) some.add(row);
  for (const size_t threads : {1u, 2u}) {
    set_threads(threads);
    for (const size_t query : {0u, 39u, 49u, 65'600u}) {
      for (const size_t k : {0u, 1u, 40u, 70'000u}) {
        for (const Allowed* filter : {static_cast<const Allowed*>(nullptr), &std::as_const(some)}) {
          const auto expected = plain.search(rows.row(query), k, {.filter = filter});
          const auto found = coded.search(rows.row(query), k, {.filter = filter});
          ASSERT_EQ(found.size(), expected.size());
          for (size_t i = 0; i < found.size(); ++i) {
            ASSERT_EQ(found[i].index, expected[i].index) << "query " << query << " k " << k << " place " << i;
            ASSERT_EQ(found[i].score, expected[i].score);
          }
        }
      }
    }
  }
  set_threads(0);
}

TEST(RowCodesTest, WhatIsInsertedLaterIsFoundWithoutACode) {
  const Rows rows(201, 16);
  VectorRows source(ConstMatrix(rows.values.data(), 200, 16));
  Allowed present = rows.present();
  present.resize(200);
  FlatIndex index(source, present,
                  RowCodes(16, std::span(rows.records).first(200 * RowCodes::record_bytes(16)),
                           std::span(rows.errors).first(200)));
  source.grow(rows.values.data(), 201);
  index.insert(200);
  EXPECT_EQ(index.search(rows.row(200), 1, {}).at(0).index, 200u);
}

}  // namespace
}  // namespace cowatch

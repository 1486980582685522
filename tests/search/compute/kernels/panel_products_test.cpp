#include "search/compute/kernels/panel_products.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"
#include "math/target_test.h"
#include "search/compute_examples.h"

namespace cowatch {
namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

class PanelProducts : public testing::EachTarget {};

std::map<std::pair<uint32_t, uint32_t>, float> hits_of(const QueryPanel& panel, const PanelRows& rows, float threshold) {
  std::vector<float> thresholds(panel_queries(), infinity);
  std::fill_n(thresholds.begin(), panel.queries(), threshold);
  std::vector<PanelHit> hits(panel_queries() * rows.numbers.rows);
  hits.resize(find_hits(panel, rows, thresholds, hits.data()));
  std::map<std::pair<uint32_t, uint32_t>, float> found;
  for (const PanelHit& hit : hits) EXPECT_TRUE(found.emplace(std::pair(hit.query, hit.row), hit.value).second);
  return found;
}

TEST_F(PanelProducts, HitsAreThoseOfAPlainLoop) {
  for_each_target([] {
    for (const size_t queries : {size_t{1}, panel_queries() - 1, panel_queries()}) {
      for (const size_t count : {0u, 1u, 5u, 6u, 11u, 12u, 13u, 25u, 96u}) {
        for (const size_t width : {1u, 7u, 64u, 129u}) {
          const auto asked = test::random_values(queries * width, 1), values = test::random_values(count * (width + 3), 2),
                     factors = test::random_values(count, 3), subtracted = test::random_values(count, 4);
          const QueryPanel panel(ConstMatrix(asked.data(), queries, width));
          const ConstMatrix rows(values.data(), count, width, width + 3);
          for (const PanelRows& each : {PanelRows{rows}, PanelRows{rows, 2, nullptr, subtracted.data()},
                                        PanelRows{rows, 1, factors.data()}}) {
            const auto all = hits_of(panel, each, -infinity), some = hits_of(panel, each, 0.5f);
            ASSERT_EQ(all.size(), queries * count);
            for (const auto& [pair, value] : all) {
              double product = 0, size = 0;
              for (size_t i = 0; i < width; ++i) {
                const double term = double{asked[pair.first * width + i]} * rows.row(pair.second)[i];
                product += term, size += std::abs(term);
              }
              const double factor = each.factors ? factors[pair.second] : each.factor;
              const double less = each.subtracted ? subtracted[pair.second] : 0.0;
              ASSERT_NEAR(value, product * factor - less, 1e-6 * (1 + size * std::abs(factor) + std::abs(less)))
                  << queries << " queries, " << count << " rows, " << width;
              ASSERT_EQ(some.contains(pair), value >= 0.5f);
              ASSERT_EQ(some.contains(pair) ? some.at(pair) : value, value);
            }
          }
        }
      }
    }
  });
}

TEST_F(PanelProducts, AValueDependsOnItsQueryAndRowAlone) {
  for_each_target([] {
    const size_t width = 33, count = 40;
    const auto asked = test::random_values(panel_queries() * width, 1), values = test::random_values(count * width, 2);
    const QueryPanel panel(ConstMatrix(asked.data(), panel_queries(), width)), first(ConstMatrix(asked.data(), 1, width));
    const ConstMatrix rows(values.data(), count, width);
    const auto all = hits_of(panel, {rows}, -infinity);
    for (uint32_t row = 0; row < count; ++row)
      EXPECT_EQ(hits_of(first, {rows.rows_from(row, 1)}, -infinity).at({0, 0}), all.at({0, row}));
  });
}

TEST_F(PanelProducts, NanIsNoHitAndWhatDoesNotGoTogetherIsRefused) {
  for_each_target([] {
    auto values = test::random_values(13 * 4, 2);
    values[7 * 4 + 2] = std::nanf("");
    const auto asked = test::random_values(4, 1);
    const QueryPanel panel(ConstMatrix(asked.data(), 1, 4));
    const auto found = hits_of(panel, {ConstMatrix(values.data(), 13, 4)}, -infinity);
    EXPECT_EQ(found.size(), 12u);
    EXPECT_FALSE(found.contains({0, 7}));
    std::vector<PanelHit> hits(100);
    EXPECT_THROW(find_hits(panel, {ConstMatrix(values.data(), 1, 5)}, std::vector<float>(panel_queries()), hits.data()), Error);
    EXPECT_THROW(find_hits(panel, {ConstMatrix(values.data(), 1, 4)}, std::vector<float>(1), hits.data()), Error);
  });
}

}  // namespace
}  // namespace cowatch

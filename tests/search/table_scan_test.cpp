// Tables with codes answer what tables without answer: the same points with the same scores.
#include "search/table_scan.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "math/vectors.h"
#include "search/io/memory_table.h"

namespace cowatch {
namespace {

constexpr size_t width = 40, capacity = 700;

std::vector<float> unit(uint64_t i, uint32_t stream) {
  std::vector<float> vector(width);
  for (uint32_t d = 0; d < width; ++d)
    vector[d] = static_cast<float>(Random(5, 0).normal(i % 9, d) + 0.3 * Random(5, stream).normal(i, d));
  normalise(vector);
  return vector;
}

struct Tables {
  CollectionView view;
  // Three tables of points whose ids descend, every tenth equal to the one before; some are dead.
  explicit Tables(bool coded) {
    for (uint64_t t = 0; t < 3; ++t) {
      const auto table = std::make_shared<MemoryTable>(capacity, width, coded);
      auto live = std::make_shared<Allowed>(capacity);
      for (uint64_t i = 0; i < capacity - 50 * t; ++i) {
        const uint64_t id = 10'000 - t * capacity - i;
        const uint32_t slot = table->append(PointId(id), 1, unit(i % 10 == 9 ? id + 1 : id, 1), "{}");
        if (i % 7 != 3) live->add(slot);
      }
      view.tables.push_back({table, live, nullptr, nullptr});
    }
  }
};

using Found = std::vector<std::pair<uint64_t, float>>;

std::vector<Found> found_in(const CollectionView& view, size_t k, const AllowedSlots& allowed) {
  std::vector<std::vector<float>> vectors;
  for (uint64_t q = 0; q < 6; ++q) vectors.push_back(unit(q, 2));
  std::vector<VectorQuery> queries;
  for (const auto& vector : vectors) queries.push_back({.vector = vector, .k = k});
  std::vector<Found> all;
  for (const auto& hits : search(view, Metric::cosine, queries, std::vector<AllowedSlots>(queries.size(), allowed))) {
    Found& found = all.emplace_back();
    for (const Hit& hit : hits) found.emplace_back(view.id_of(hit.at).low, hit.score);
  }
  return all;
}

TEST(TableScanTest, CodesChangeNoAnswer) {
  const Tables coded(true), plain(false);
  AllowedSlots every_third;
  for (const TableView& table : plain.view.tables) {
    auto slots = std::make_shared<Allowed>(capacity);
    table.live->for_each([&](uint32_t slot) { if (slot % 3 == 0) slots->add(slot); });
    every_third.push_back(slots);
  }
  for (const size_t k : {size_t{1}, size_t{10}, size_t{400}, size_t{5000}}) {
    for (const AllowedSlots& allowed : {plain.view.select(nullptr), every_third}) {
      const auto expected = found_in(plain.view, k, allowed), found = found_in(coded.view, k, allowed);
      ASSERT_EQ(found.size(), expected.size());
      for (size_t q = 0; q < found.size(); ++q) {
        ASSERT_EQ(found[q].size(), expected[q].size());
        for (size_t i = 0; i < found[q].size(); ++i) {
          EXPECT_EQ(found[q][i].first, expected[q][i].first) << "k " << k << " query " << q << " place " << i;
          EXPECT_NEAR(found[q][i].second, expected[q][i].second, 1e-6);
        }
      }
    }
  }
}

TEST(TableScanTest, AFloorLeavesOutOnlyWhatIsBelow) {
  const Tables tables(true);
  const auto query = unit(3, 2);
  const PointTable& table = *tables.view.tables[0].table;
  const Allowed& live = *tables.view.tables[0].live;
  const auto scan = [&](Floor& floor) {
    const VectorQuery asked = {.vector = query, .k = 50};
    std::vector<Scan> scans;
    scans.push_back({&asked, &live, &floor, TopKBy(size_t{50}, BetterPoint{&table})});
    scan_rows(table, Metric::cosine, 0, capacity, scans);
    return scans[0].best.take();
  };
  Floor none, some;
  const auto all = scan(none);
  EXPECT_EQ(none.get(), all.back().score);  // it was raised to what the best reach
  some.raise(all[20].score);
  const auto best = scan(some);
  ASSERT_GE(best.size(), 21u);
  for (size_t i = 0; i <= 20; ++i) EXPECT_EQ(best[i].index, all[i].index);
  for (const Scored& each : best) EXPECT_GE(each.score, all[20].score);
}

}  // namespace
}  // namespace cowatch

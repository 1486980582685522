// A collection of which a part was replaced, against one that was made with what it holds in the end: when nothing is left
// to be done it takes about the same bytes and finds as much.
#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "search/collection.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

constexpr size_t churned_points = 6000, churn_dimension = 32;

std::vector<float> churn_vector(uint64_t id, uint32_t version) {
  const Random random(17, version), centres(18, 0);
  std::vector<float> vector(churn_dimension);
  for (uint32_t d = 0; d < churn_dimension; ++d)
    vector[d] = static_cast<float>(centres.normal(id % 50, d) + 0.8 * random.normal(id, d));
  return vector;
}

void write_points(Collection& collection, const std::vector<uint64_t>& ids, uint32_t version) {
  constexpr size_t batch = 500;
  for (size_t begin = 0; begin < ids.size(); begin += batch) {
    std::vector<PointChange> changes;
    for (size_t i = begin; i < std::min(ids.size(), begin + batch); ++i)
      changes.push_back({PointId(ids[i]), false, churn_vector(ids[i], version), R"({"shelf":)" + std::to_string(ids[i] % 10) + "}"});
    collection.write(std::move(changes));
  }
}

double churn_recall(const CollectionView& view) {
  size_t found = 0, wanted = 0;
  const auto allowed = view.select(nullptr);
  for (uint64_t q = 0; q < 300; ++q) {
    const auto query = churn_vector(q, 99);
    std::set<PointId> truth;
    for (const Hit& hit : search(view, Metric::l2, {.vector = query, .k = 10, .exact = true}, allowed)) truth.insert(view.id_of(hit.at));
    for (const Hit& hit : search(view, Metric::l2, {.vector = query, .k = 10, .effort = 48}, allowed)) found += truth.contains(view.id_of(hit.at));
    wanted += truth.size();
  }
  return static_cast<double>(found) / static_cast<double>(wanted);
}

class CollectionChurnTest : public testing::TestWithParam<int> {};

TEST_P(CollectionChurnTest, costs_neither_memory_nor_recall_at_rest) {
  const test::TemporaryFolder folder;
  const CollectionConfig config = {.dimension = churn_dimension, .index = {.metric = Metric::l2}, .index_threshold = 200, .table_points = 256};
  for (const char* name : {"churned", "fresh"}) Collection::create(folder / name, config);
  std::vector<uint64_t> all, kept, replaced;
  const Random random(19, 0);
  for (uint64_t id = 0; id < churned_points; ++id) {
    all.push_back(id);
    (random.uniform(id, 0) * 100 < GetParam() ? replaced : kept).push_back(id);
  }
  const auto measured = [&](const char* name, const auto& fill) {
    Collection::Status status;
    double found = 0;
    {
      Collection collection(folder / name);
      fill(collection);
      collection.settle();
      status = collection.status();
      found = churn_recall(*collection.view());
      EXPECT_TRUE(collection.verify().empty());
    }
    status.record_bytes = std::filesystem::file_size(folder / name / records_file);  // once the log is folded into it
    return std::pair(status, found);
  };
  const auto [churned, found] = measured("churned", [&](Collection& collection) {
    write_points(collection, all, 0);
    collection.settle();
    write_points(collection, replaced, 1);
  });
  const auto [fresh, found_fresh] = measured("fresh", [&](Collection& collection) {
    write_points(collection, kept, 0);
    write_points(collection, replaced, 1);
  });
  ASSERT_EQ(churned.points, fresh.points);
  const auto ratio = [](size_t bytes, size_t expected) { return static_cast<double>(bytes) / static_cast<double>(expected); };
  EXPECT_GE(found, found_fresh - 0.005);
  EXPECT_LE(ratio(churned.vector_bytes + churned.index_bytes + churned.memory_bytes,
                  fresh.vector_bytes + fresh.index_bytes + fresh.memory_bytes), 1.1);
  EXPECT_LE(ratio(churned.record_bytes, fresh.record_bytes), 1.1);
  for (const auto& [what, value] : {std::pair("recall", found), {"recall_fresh", found_fresh}})
    RecordProperty(what, std::to_string(value));
}

INSTANTIATE_TEST_SUITE_P(percent, CollectionChurnTest, testing::Values(8, 20, 50));

}  // namespace
}  // namespace cowatch

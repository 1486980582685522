// Collections that former versions wrote (tests/data/collections/FORMAT) are read: their points, segments and
// graph indexes, without anything being made again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "base/json.h"
#include "search/collection.h"
#include "support/damage.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

const Path data = Path(COWATCH_TEST_DATA) / "collections";

class GoldenTest : public testing::TestWithParam<const char*> {
 protected:
  GoldenTest() {
    std::filesystem::create_directories(path_);
    for (const auto& entry : std::filesystem::directory_iterator(data / GetParam()))
      if (entry.path().extension() != ".jsonl")
        std::filesystem::copy(entry.path(), path_ / entry.path().filename());
  }
  std::vector<Json> points() const {
    std::ifstream file(data / GetParam() / "points.jsonl");
    std::vector<Json> all;
    for (std::string line; std::getline(file, line);) all.push_back(Json::parse(line));
    return all;
  }
  test::TemporaryFolder folder_;
  Path path_ = folder_ / "c";
};

TEST_P(GoldenTest, is_read_as_it_was_written) {
  Collection collection(path_);
  const auto before = collection.view();
  size_t indexed = 0;
  for (const TableView& table : before->tables) indexed += table.index != nullptr;
  EXPECT_EQ(indexed, 1u) << "its graph index is used";
  EXPECT_EQ(before->count(), 60u);
  for (const Json& point : points()) {
    const auto at = before->find(parse_point_id(point["id"], ""));
    ASSERT_TRUE(at) << point;
    const PointTable& table = *before->tables[at->table].table;
    EXPECT_THAT(table.vector_of(at->slot),
                testing::ElementsAreArray(point["vector"].get<std::vector<float>>()));
    EXPECT_EQ(Json::parse(table.payload_text(at->slot)), point["payload"]);
    const auto vector = table.vector_of(at->slot);
    const auto hits = search(*before, Metric::l2, {.vector = vector, .k = 1}, before->select(nullptr));
    ASSERT_EQ(hits.size(), 1u);
    EXPECT_EQ(to_json(before->id_of(hits[0].at)), point["id"]);
  }
  const Condition shelf = parse_filter(Json::parse(R"({"must":[{"key":"shelf","match":{"value":3}}]})"), "");
  size_t selected = 0;
  for (const auto& allowed : before->select(&shelf)) selected += allowed->count();
  EXPECT_EQ(selected, 9u);
  EXPECT_THAT(collection.status().trouble, testing::IsEmpty());
  EXPECT_THAT(collection.verify(), testing::IsEmpty());
}

// It has no id of its own, and neither have the manifests and segments that are written to it from now on.
TEST_P(GoldenTest, goes_on_where_it_was) {
  for (uint64_t id = 1000; id < 1003; ++id) {
    Collection collection(path_);
    EXPECT_EQ(collection.view()->count(), 60 + id - 1000);
    const std::vector<float> vector(collection.config().dimension, static_cast<float>(id));
    collection.write({PointChange{PointId(id), false, vector, "{}"}});
    collection.settle();
    EXPECT_THAT(collection.status().trouble, testing::IsEmpty());
    EXPECT_THAT(collection.verify(), testing::IsEmpty());
  }
}

TEST_P(GoldenTest, has_its_damage_found) {
  for (const Path& file : test::files_of(path_, "segment-")) test::flip_a_bit(file, 0.7);
  const Collection collection(path_);
  EXPECT_THAT(collection.status().damage, testing::Not(testing::IsEmpty()));
  EXPECT_EQ(collection.view()->count(), 60u);
}

// Makes the files of a new format: run once, by
// test_search --gtest_also_run_disabled_tests --gtest_filter='*GoldenTest.DISABLED_*format_N*'.
TEST_P(GoldenTest, DISABLED_is_written) {
  std::vector<PointChange> all;
  std::ifstream lines(data / "format_1/points.jsonl");
  for (std::string line; std::getline(lines, line);) {
    const Json point = Json::parse(line);
    all.push_back({parse_point_id(point["id"], ""), false, point["vector"].get<std::vector<float>>(), point["payload"].dump()});
  }
  const Path made = folder_ / "made", kept = data / GetParam();
  Collection::create(made, {.dimension = all[0].vector.size(),
                            .index = {.metric = Metric::l2, .degree = 8},
                            .index_threshold = 30});
  {
    Collection collection(made);
    collection.write(std::vector(all.begin(), all.end() - 8));
    collection.settle();
    collection.write(std::vector(all.end() - 8, all.end()));
    collection.settle();
  }
  for (const auto& entry : std::filesystem::directory_iterator(made))
    if (entry.path().filename() != "lock")
      std::filesystem::copy(entry.path(), kept / entry.path().filename(), std::filesystem::copy_options::overwrite_existing);
  std::filesystem::copy(data / "format_1/points.jsonl", kept / "points.jsonl", std::filesystem::copy_options::overwrite_existing);
}

INSTANTIATE_TEST_SUITE_P(formats, GoldenTest, testing::Values("format_1", "format_2"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace cowatch

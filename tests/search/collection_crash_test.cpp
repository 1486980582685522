// Power cuts in the midst of anything: the files of a collection, SQLite's among them, lose what was not
// synced, in part and out of order. Whatever the moment: every acknowledged batch is there, one under way
// wholly or not at all. COWATCH_TEST_ALL asks for more of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

#include "base/error.h"
#include "base/json.h"
#include "base/random.h"
#include "search/collection.h"
#include "store/sqlite.h"
#include "support/forgetful_sqlite.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

using Held = std::map<PointId, std::string>;  // a point and its payload; the vector follows from both

std::vector<float> vector_of(const PointId& id, const std::string& payload) {
  const Random random(id.low, static_cast<uint32_t>(std::hash<std::string>()(payload)));
  std::vector<float> vector(8);
  for (uint32_t d = 0; d < vector.size(); ++d) vector[d] = static_cast<float>(random.normal(0, d));
  return vector;
}

Held held(const Collection& collection) {
  Held points;
  const auto view = collection.view();
  for (const PointPlace at : view->in_order(PointId(0), SIZE_MAX, view->select(nullptr))) {
    const PointTable& table = *view->tables[at.table].table;
    const PointId id = view->id_of(at);
    points[id] = table.payload_text(at.slot);
    EXPECT_THAT(table.vector_of(at.slot), testing::ElementsAreArray(vector_of(id, points[id])));
  }
  return points;
}

class Workload {
 public:
  explicit Workload(uint64_t seed) : random_(seed, 21) {}
  double draw() { return random_.uniform(draws_++, 0); }
  const Random& random() const { return random_; }

  std::vector<PointChange> batch() {
    std::map<PointId, PointChange> changes;
    const auto size = static_cast<size_t>(1 + draw() * 60);
    ++batches_;
    while (changes.size() < size) {
      PointChange change;
      change.id = PointId(static_cast<uint64_t>(draw() * 600));
      change.erase = draw() < 0.2;
      if (!change.erase) {
        change.payload = R"({"batch":)" + std::to_string(batches_) + "}";
        change.vector = vector_of(change.id, change.payload);
      }
      changes[change.id] = std::move(change);
    }
    std::vector<PointChange> list;
    for (auto& [id, change] : changes) list.push_back(std::move(change));
    return list;
  }

 private:
  Random random_;
  uint64_t draws_ = 0, batches_ = 0;
};

void take(const std::vector<PointChange>& changes, Held& points) {
  for (const PointChange& change : changes) {
    if (change.erase)
      points.erase(change.id);
    else
      points[change.id] = change.payload;
  }
}

// The nearest to a few points is each itself, by graph or by scan.
void expect_found(const Collection& collection, const Held& points, Workload& work) {
  const auto view = collection.view();
  for (const auto& [id, payload] : points) {
    if (work.draw() > 0.02) continue;
    const auto hits =
        search(*view, Metric::l2, {.vector = vector_of(id, payload), .k = 1}, view->select(nullptr));
    ASSERT_EQ(hits.size(), 1u);
    EXPECT_EQ(view->id_of(hits[0].at), id);
  }
}

void cut_power_again_and_again(uint64_t seed, int cuts) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  test::ForgetfulFileSystem files;
  test::ForgetfulSqlite sqlite(files);
  const test::TemporaryFolder folder;
  Workload work(seed);
  Collection::create(
      folder / "c",
      {.dimension = 8, .index = {.metric = Metric::l2}, .index_threshold = 150, .table_points = 64});
  Held expected;
  for (int cut = 0; cut < cuts; ++cut) {
    std::vector<PointChange> under_way;
    files.fail_after(static_cast<int>(20 + work.draw() * 400));
    try {
      Collection collection(folder / "c");
      CollectionConfig config = collection.config();
      config.index_threshold = work.draw() < 0.5 ? 100 : 300;
      collection.configure(config);
      for (int i = 0; i < 200; ++i) {
        under_way = work.batch();
        collection.write(under_way);
        take(under_way, expected);
        under_way.clear();
        if (work.draw() < 0.05) collection.snapshot(folder / "snapshot");
        if (work.draw() < 0.1) collection.settle();
      }
    } catch (const Error& error) {
      EXPECT_TRUE(error.code() == ErrorCode::no_space || error.code() == ErrorCode::system ||
                  error.code() == ErrorCode::damaged)
          << error.what();
    }
    files.fail_after(-1);
    files.crash();
    sqlite.crash(Random(seed, static_cast<uint32_t>(cut)));
    const Collection again(folder / "c");
    const Held now = held(again);
    if (now != expected) take(under_way, expected);
    ASSERT_EQ(now, expected) << "after cut " << cut;
    expect_found(again, expected, work);
  }
}

TEST(CollectionCrash, keeps_every_acknowledged_batch_through_power_cuts) {
  const uint64_t seeds = std::getenv("COWATCH_TEST_ALL") ? 60 : 6;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    cut_power_again_and_again(seed, 5);
    if (testing::Test::HasFatalFailure()) return;
  }
}

// The layer itself forgets: without syncs, what was committed is lost.
TEST(CollectionCrash, the_layer_forgets_what_is_not_synced) {
  test::ForgetfulFileSystem files;
  test::ForgetfulSqlite sqlite(files);
  const test::TemporaryFolder folder;
  const Path path = folder / "x";
  const auto count = [&] { return Database(path, true).number("SELECT count(*) FROM t"); };
  Database(path, true).run("PRAGMA synchronous = EXTRA; CREATE TABLE t (x)");
  Database(path, true).run("PRAGMA synchronous = OFF; INSERT INTO t VALUES (1)");
  EXPECT_EQ(count(), 1);
  sqlite.crash(Random(1, 77), 0);
  EXPECT_EQ(count(), 0);
  Database(path, true).run("PRAGMA synchronous = EXTRA; INSERT INTO t VALUES (1)");
  sqlite.crash(Random(1, 78), 0);
  EXPECT_EQ(count(), 1);
}

// A disk that is full at any point: what was refused has changed nothing, what was acknowledged stays, and
// with room again all goes on.
TEST(CollectionCrash, a_full_disk_refuses_and_loses_nothing) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    test::ForgetfulFileSystem files;
    test::ForgetfulSqlite sqlite(files);
    const test::TemporaryFolder folder;
    Workload work(seed);
    Collection::create(
        folder / "c",
        {.dimension = 8, .index = {.metric = Metric::l2}, .index_threshold = 150, .table_points = 64});
    Held expected;
    {
      Collection collection(folder / "c");
      files.fail_after(static_cast<int>(100 + work.draw() * 300));
      size_t refused = 0, full = 0;
      for (int i = 0; i < 400 && refused < 10; ++i) {
        const auto changes = work.batch();
        try {
          collection.write(changes);
          take(changes, expected);
        } catch (const Error& error) {
          // A sync that fails is an error of the disk to SQLite.
          EXPECT_TRUE(error.code() == ErrorCode::no_space || error.code() == ErrorCode::system)
              << error.what();
          full += error.code() == ErrorCode::no_space;
          ++refused;
        }
        if (refused == 1) {
          EXPECT_EQ(held(collection), expected);
        }
      }
      EXPECT_EQ(refused, 10u);
      EXPECT_GT(full, 5u);
      EXPECT_EQ(held(collection), expected);
      files.fail_after(-1);
      const auto changes = work.batch();
      collection.write(changes);
      take(changes, expected);
      EXPECT_EQ(held(collection), expected);
    }
    const Collection again(folder / "c");
    EXPECT_EQ(held(again), expected);
    expect_found(again, expected, work);
  }
}

}  // namespace
}  // namespace cowatch

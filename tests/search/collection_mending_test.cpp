// Damage and full disks at once: what could not be mended changes nothing that is written meanwhile, leaves
// no files, and is mended when there is room again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <thread>

#include "base/error.h"
#include "search/collection.h"
#include "store/sqlite.h"
#include "support/damage.h"
#include "support/error_code.h"
#include "support/forgetful_file_system.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

// A disk without room for files whose names begin so.
class FullFor : public test::ForgetfulFileSystem {
 public:
  std::unique_ptr<OutputFile> create(const Path& path) override {
    const char* refused = refused_;
    if (refused && path.filename().string().starts_with(refused)) {
      errno = ENOSPC;
      throw_system_error("write", path.string());
    }
    return ForgetfulFileSystem::create(path);
  }
  void refuse(const char* names) { refused_ = names; }

 private:
  std::atomic<const char*> refused_{nullptr};
};

std::vector<PointChange> equal_points(uint64_t first, size_t count, const std::string& payload = "{}") {
  std::vector<PointChange> changes(count);
  for (size_t i = 0; i < count; ++i)
    changes[i] = {PointId(first + i), false, std::vector<float>(8, static_cast<float>(first + i)), payload};
  return changes;
}

class CollectionMendingTest : public testing::Test {
 protected:
  CollectionMendingTest() {
    Collection::create(
        path_,
        {.dimension = 8, .index = {.kind = IndexKind::exact, .metric = Metric::l2}, .table_points = 64});
    collection_.emplace(path_);
    collection_->write(equal_points(0, 2000));
    collection_->settle();
  }

  std::vector<Path> segments() const { return test::files_of(path_, "segment-"); }

  void search() const {
    const auto view = collection_->view();
    cowatch::search(*view, Metric::l2, {.vector = std::vector<float>(8)}, view->select(nullptr));
  }

  // A search that finds damage has it mended.
  void damage_segment() {
    test::flip_a_bit(segments().at(0), 0.6);
    EXPECT_EQ(test::code_of([&] { search(); }), ErrorCode::damaged);
  }

  void wait_until(const std::function<bool()>& reached) const {
    for (int i = 0; i < 1500 && !reached(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_TRUE(reached());
  }

  void wait_for_failure() {
    wait_until([&] { return test::code_of([&] { collection_->settle(); }) == ErrorCode::system; });
  }

  // What is on the disk is what is in use, and all of it is right.
  void expect_whole() {
    files_.refuse(nullptr);
    wait_until([&] { return test::code_of([&] { collection_->settle(); }) != ErrorCode::system; });
    EXPECT_THAT(collection_->verify(), testing::IsEmpty());
    EXPECT_THAT(segments(), testing::SizeIs(collection_->status().segments));
    std::set<Path> named;
    for (const auto& entry : Manifest::read(path_ / "manifest.safetensors").segments)
      named.insert(path_ / entry.file);
    EXPECT_THAT(segments(), testing::UnorderedElementsAreArray(named));
  }

  FullFor files_;
  test::TemporaryFolder folder_;
  Path path_ = folder_ / "c";
  std::optional<Collection> collection_;
};

TEST_F(CollectionMendingTest, what_is_written_after_a_failed_mend_is_there) {
  files_.refuse("segment-");
  damage_segment();
  wait_for_failure();
  collection_->write(equal_points(5000, 5, R"({"new":1})"));
  collection_->write(equal_points(10, 5, R"({"new":1})"));
  const auto view = collection_->view();
  EXPECT_EQ(view->count(), 2005u);
  for (const uint64_t id : {5000, 5004, 10, 14}) {
    const auto at = view->find(PointId(id));
    ASSERT_TRUE(at) << id;
    EXPECT_EQ(view->tables[at->table].table->payload_text(at->slot), R"({"new":1})");
  }
  expect_whole();
  search();
}

TEST_F(CollectionMendingTest, what_was_mended_is_told_but_no_longer_a_trouble) {
  damage_segment();
  wait_until([&] { return test::code_of([&] { search(); }) == ErrorCode::internal; });
  expect_whole();
  EXPECT_THAT(collection_->status().damage, testing::ElementsAre(testing::HasSubstr("made again")));
  EXPECT_THAT(collection_->status().trouble, testing::IsEmpty());
}

TEST_F(CollectionMendingTest, a_failed_mend_leaves_no_segments) {
  const auto before = segments();
  {
    // The last record that is read is damaged, before mending starts: it comes to it with most segments made.
    Database records(path_ / records_file, true);
    records.run(
        "UPDATE points SET checksum = checksum + 1 WHERE sequence = (SELECT max(sequence) FROM points) AND "
        "rowid = (SELECT max(rowid) FROM points)");
  }
  damage_segment();
  wait_for_failure();
  EXPECT_EQ(segments(), before);
  EXPECT_THAT(collection_->status().trouble, testing::Contains(testing::HasSubstr("made again")));
  EXPECT_THAT(collection_->status().damage, testing::SizeIs(1)) << "however often it is tried";
}

TEST_F(CollectionMendingTest, a_manifest_that_failed_is_written_later) {
  files_.refuse("manifest");
  collection_->write(equal_points(3000, 300));
  wait_for_failure();
  EXPECT_TRUE(collection_->status().working) << "it is tried again";
  expect_whole();
  EXPECT_FALSE(collection_->status().working);
  EXPECT_THAT(collection_->status().trouble, testing::IsEmpty());
}

TEST_F(CollectionMendingTest, a_segment_that_was_mended_is_removed_when_the_manifest_can_be_written) {
  files_.refuse("manifest");
  damage_segment();
  wait_for_failure();
  search();
  expect_whole();
}

TEST_F(CollectionMendingTest, a_batch_that_was_refused_changes_nothing) {
  auto changes = equal_points(4000, 100);
  changes.back().payload = "{";  // found when the table takes it
  EXPECT_ANY_THROW(collection_->write(changes));
  EXPECT_EQ(collection_->view()->count(), 2000u);
  collection_->write(equal_points(5000, 100));
  EXPECT_EQ(collection_->view()->count(), 2100u);
  expect_whole();
}

}  // namespace
}  // namespace cowatch

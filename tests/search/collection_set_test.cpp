// Collections by name: what is deleted or replaced stays away, whoever still holds it.
#include "search/collection_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <set>

#include "base/random.h"
#include "support/damage.h"
#include "support/error_code.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

constexpr size_t set_dimension = 16;
const CollectionConfig config = {.dimension = set_dimension,
                                 .index = {.metric = Metric::l2, .build_effort = 250},
                                 .index_threshold = 1000,
                                 .table_points = 512};

std::vector<PointChange> random_points(uint64_t first, size_t count, const std::string& payload) {
  const Random random(first, 6);
  std::vector<PointChange> changes(count);
  for (uint32_t i = 0; i < count; ++i) {
    changes[i].id = PointId(first + i);
    changes[i].payload = payload;
    for (uint32_t d = 0; d < set_dimension; ++d)
      changes[i].vector.push_back(static_cast<float>(random.normal(i, d)));
  }
  return changes;
}

std::set<std::string> payloads(const CollectionView& view) {
  std::set<std::string> all;
  for (const PointPlace at : view.in_order(PointId(0), SIZE_MAX, view.select(nullptr)))
    all.emplace(view.tables[at.table].table->payload_text(at.slot));
  return all;
}

using test::code_of;

class CollectionSetTest : public testing::Test {
 protected:
  // What stands in a collection's place while a request still holds the former one, which is at work in the
  // background, is alone there: now and after the next start.
  void expect_only_new(const std::function<void(CollectionSet&)>& replace) {
    {
      CollectionSet set(folder_ / "v");
      const auto held = set.create("c", config);
      held->write(random_points(100'000, 10, "{\"new\":1}"));
      const auto snapshot = set.make_snapshot("c");
      held->write({PointChange{PointId(100'000), true, {}, {}}});
      for (uint64_t first = 0; first < 20'000; first += 1000) held->write(random_points(first, 1000, "{\"old\":1}"));
      const auto view = held->view();
      replace(set);
      while (held->status().working) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      EXPECT_EQ(set.find("c")->view()->count(), 10u);
      // Who holds the former one reads on, and writes nothing more.
      EXPECT_EQ(view->count(), 20'009u);
      const auto query = view->tables[0].table->vector_of(0);
      EXPECT_EQ(search(*view, Metric::l2, {.vector = query, .k = 3}, view->select(nullptr)).size(), 3u);
      EXPECT_EQ(code_of([&] { held->write(random_points(7, 1, "{}")); }), ErrorCode::conflict);
      EXPECT_EQ(code_of([&] { held->configure(config); }), ErrorCode::conflict);
      EXPECT_EQ(code_of([&] { held->snapshot(folder_ / "snapshot"); }), ErrorCode::conflict);
      EXPECT_EQ(code_of([&] { held->settle(); }), ErrorCode::conflict);
      EXPECT_EQ(code_of([&] { held->verify(); }), ErrorCode::conflict);
      EXPECT_THAT(set.find("c")->status().trouble, testing::IsEmpty());
    }
    CollectionSet set(folder_ / "v");
    const auto again = set.find("c");
    EXPECT_EQ(again->view()->count(), 10u);
    EXPECT_THAT(payloads(*again->view()), testing::ElementsAre("{\"new\":1}"));
    EXPECT_THAT(again->status().trouble, testing::IsEmpty());
    EXPECT_THAT(again->verify(), testing::IsEmpty());
  }

  test::TemporaryFolder folder_;
};

TEST_F(CollectionSetTest, a_deleted_collection_does_not_come_back_in_the_next_of_its_name) {
  expect_only_new([](CollectionSet& set) {
    set.remove("c");
    set.create("c", config)->write(random_points(100'000, 10, "{\"new\":1}"));
  });
}

TEST_F(CollectionSetTest, a_collection_does_not_come_back_in_the_snapshot_that_replaced_it) {
  expect_only_new([](CollectionSet& set) {
    const auto snapshots = set.snapshots("c");
    const std::jthread reader([&](const std::stop_token& stop) {
      while (!stop.stop_requested())
        EXPECT_GE(set.find("c")->view()->count(), 10u) << "there is one all the time";
    });
    set.restore("c", set.snapshot_file("c", snapshots.at(0).name));
  });
}

TEST_F(CollectionSetTest, an_alias_of_what_is_gone_does_not_name_the_next_of_its_name) {
  {
    CollectionSet set(folder_ / "v");
    set.create("c", config);
    set.change_aliases({{CollectionSet::AliasChange::Kind::create, "live", "c"}});
  }
  std::filesystem::rename(folder_ / "v/collections/c", folder_ / "v/collections/.gone-c");
  EXPECT_THAT(CollectionSet(folder_ / "v").aliases(), testing::IsEmpty());
  CollectionSet(folder_ / "v").create("c", config);
  EXPECT_THAT(CollectionSet(folder_ / "v").aliases(), testing::IsEmpty()) << "the next collection of its name has none";
}

TEST_F(CollectionSetTest, an_alias_hides_neither_a_collection_nor_another_alias) {
  using enum CollectionSet::AliasChange::Kind;
  CollectionSet set(folder_ / "v");
  set.create("a", config);
  set.create("b", config);
  set.change_aliases({{create, "one", "a"}, {create, "two", "b"}});
  const auto before = set.aliases();
  for (const char* taken : {"a", "b", "two"})
    EXPECT_EQ(code_of([&] { set.change_aliases({{rename, "one", taken}}); }), ErrorCode::conflict) << taken;
  EXPECT_EQ(code_of([&] { set.change_aliases({{create, "b", "a"}}); }), ErrorCode::conflict);
  EXPECT_EQ(set.aliases(), before);
  set.change_aliases({{remove, "two", ""}, {rename, "one", "two"}});
  EXPECT_THAT(set.aliases(), testing::ElementsAre(testing::Pair("two", "a")));
}

TEST_F(CollectionSetTest, snapshots_outlive_their_collection) {
  {
    CollectionSet set(folder_ / "v");
    for (const char* name : {"c", "d"}) {
      set.create(name, config)->write(random_points(1, 10, "{}"));
      set.make_snapshot(name);
    }
    set.remove("c");
  }
  test::flip_a_bit(folder_ / "v/collections/d/records.sqlite", 0.0);
  CollectionSet set(folder_ / "v");
  EXPECT_TRUE(set.failed().contains("d"));
  for (const char* name : {"c", "d"}) {
    const auto snapshots = set.snapshots(name);
    ASSERT_EQ(snapshots.size(), 1u);
    set.restore(name, set.snapshot_file(name, snapshots[0].name));
    EXPECT_EQ(set.find(name)->view()->count(), 10u);
  }
  EXPECT_EQ(code_of([&] { set.snapshots("e"); }), ErrorCode::not_found);
  EXPECT_EQ(code_of([&] { set.snapshots(".."); }), ErrorCode::bad_argument);
  EXPECT_EQ(code_of([&] { set.snapshot_file("c", "../d/" + set.snapshots("d")[0].name); }),
            ErrorCode::not_found);
}

TEST_F(CollectionSetTest, a_damaged_snapshot_is_named_and_replaces_nothing) {
  CollectionSet set(folder_ / "v");
  set.create("c", config)->write(random_points(1, 50, "{\"old\":1}"));
  const Path snapshot = set.snapshot_file("c", set.make_snapshot("c").name);
  const std::string whole = read_text(snapshot);
  const auto refused = [&](const std::string& bytes) {
    write_atomically(snapshot, bytes);
    try {
      set.restore("c", snapshot);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::bad_input);
      EXPECT_THAT(error.what(), testing::StartsWith(snapshot.string() + ": "));
      EXPECT_THAT(error.what(), testing::Not(testing::HasSubstr(".new-")));
    }
    EXPECT_EQ(set.find("c")->view()->count(), 50u);
  };
  std::string altered = whole;
  altered[altered.rfind("{\"old\":1}") + 2] ^= 1;
  refused(altered);
  refused(whole.substr(0, whole.size() / 2));
  refused("SQLite format 3" + std::string(5000, '\0'));
  refused("no snapshot");
}

// Notes as a damaged page or a foreign program leaves them.
const char* const damaged_notes[] = {
    "",
    "{}",
    "[1]",
    "{\"dimension\":16",
    R"({"dimension":"x","metric":"l2"})",
    R"({"dimension":0,"metric":"l2"})",
    R"({"dimension":1000000,"metric":"l2"})",
    R"({"dimension":16,"metric":"unknown"})",
    R"({"dimension":16,"metric":7})",
    R"({"dimension":16,"metric":"l2","degree":"x"})",
    R"({"dimension":16,"metric":"l2","index":"unknown"})",
    R"({"dimension":16,"metric":"l2","table_points":9000000000000000000})"};

TEST_F(CollectionSetTest, a_damaged_note_keeps_its_own_collection_from_answering_alone) {
  for (size_t n = 0; n < std::size(damaged_notes); ++n) {
    const char* note = damaged_notes[n];
    const Path vectors = folder_ / ("v" + std::to_string(n));
    {
      CollectionSet set(vectors);
      for (const char* name : {"c", "d"}) set.create(name, config)->write(random_points(1, 10, "{}"));
    }
    RecordStore(vectors / "collections/d" / records_file, set_dimension).write_note("config", note);
    CollectionSet set(vectors);
    EXPECT_EQ(set.find("c")->view()->count(), 10u);
    EXPECT_EQ(code_of([&] { set.find("d"); }), ErrorCode::damaged) << note;
    EXPECT_THAT(set.failed()["d"], testing::HasSubstr("configuration")) << note;
  }
}

TEST_F(CollectionSetTest, a_snapshot_with_a_damaged_note_replaces_nothing) {
  CollectionSet set(folder_ / "v");
  const auto held = set.create("c", config);
  const Path empty = set.snapshot_file("c", set.make_snapshot("c").name);
  held->write(random_points(1, 50, "{}"));
  for (const char* note : damaged_notes) {
    RecordStore(empty, set_dimension).write_note("config", note);
    EXPECT_EQ(code_of([&] { set.restore("c", empty); }), ErrorCode::bad_input) << note;
    EXPECT_EQ(set.find("c")->view()->count(), 50u);
  }
}

TEST_F(CollectionSetTest, aliases_that_cannot_be_read_are_named) {
  std::filesystem::create_directories(folder_ / "v");
  for (const char* text : {"", "[]", R"({"a":1})"}) {
    write_atomically(folder_ / "v/aliases.json", text);
    EXPECT_EQ(code_of([&] { CollectionSet(folder_ / "v"); }), ErrorCode::damaged) << text;
  }
}

// Calls something while a file is put in its place.
class Watching : public FileSystem {
 public:
  explicit Watching(std::function<void(const Path& to)> renaming) : renaming_(std::move(renaming)) {}
  ~Watching() override { replace_file_system(before_); }
  std::unique_ptr<OutputFile> create(const Path& path) override { return before_->create(path); }
  std::unique_ptr<OutputFile> append(const Path& path) override { return before_->append(path); }
  void rename(const Path& from, const Path& to) override {
    renaming_(to);
    before_->rename(from, to);
  }
  void remove(const Path& path) override { before_->remove(path); }
  void sync_folder(const Path& folder) override { before_->sync_folder(folder); }

 private:
  std::function<void(const Path&)> renaming_;
  FileSystem* before_ = replace_file_system(this);
};

TEST_F(CollectionSetTest, collections_are_found_while_aliases_are_written) {
  using enum CollectionSet::AliasChange::Kind;
  CollectionSet set(folder_ / "v");
  set.create("c", config);
  std::future<void> finding;
  const Watching files([&](const Path& to) {
    if (to.filename() != "aliases.json") return;
    finding = std::async(std::launch::async, [&] { set.find("c"); });
    EXPECT_EQ(finding.wait_for(std::chrono::seconds(20)), std::future_status::ready) << "searches wait for the disk";
  });
  set.change_aliases({{create, "live", "c"}});
  ASSERT_TRUE(finding.valid());
  finding.get();
}

TEST_F(CollectionSetTest, no_alias_takes_the_name_of_a_collection_that_is_being_made) {
  using enum CollectionSet::AliasChange::Kind;
  CollectionSet set(folder_ / "v");
  set.create("c", config);
  std::future<void> changing;
  {
    const Watching files([&](const Path& to) {
      if (to.filename() != "d") return;
      changing = std::async(std::launch::async, [&] { set.change_aliases({{create, "d", "c"}}); });
      changing.wait_for(std::chrono::milliseconds(200));  // it must not end before this does
    });
    set.create("d", config)->write(random_points(1, 10, "{}"));
  }
  ASSERT_TRUE(changing.valid());
  EXPECT_EQ(code_of([&] { changing.get(); }), ErrorCode::conflict);
  EXPECT_EQ(set.find("d")->view()->count(), 10u);
}

// In whatever order the folder lists them.
TEST_F(CollectionSetTest, a_crash_while_restoring_leaves_the_restored_alone) {
  constexpr size_t count = 12;
  {
    CollectionSet set(folder_ / "v");
    for (size_t i = 0; i < count; ++i) set.create("c" + std::to_string(i), config)->write(random_points(1, 2, "{}"));
  }
  for (size_t i = 0; i < count; ++i) {
    const Path home = folder_ / "v/collections" / ("c" + std::to_string(i));
    const Path restored = home.parent_path() / (".restored-" + home.filename().string());
    std::filesystem::copy(home, restored, std::filesystem::copy_options::recursive);
    Collection(restored).write(random_points(10, 3, "{}"));
  }
  CollectionSet set(folder_ / "v");
  EXPECT_THAT(set.failed(), testing::IsEmpty());
  EXPECT_THAT(set.names(), testing::SizeIs(count));
  for (const std::string& name : set.names()) EXPECT_EQ(set.find(name)->view()->count(), 5u);
}

TEST_F(CollectionSetTest, new_folders_are_synced_into_those_above_them) {
  struct Watched : FileSystem {
    ~Watched() override { replace_file_system(&real); }
    std::unique_ptr<OutputFile> create(const Path& path) override { return real.create(path); }
    std::unique_ptr<OutputFile> append(const Path& path) override { return real.append(path); }
    void rename(const Path& from, const Path& to) override { real.rename(from, to); }
    void remove(const Path& path) override { real.remove(path); }
    void sync_folder(const Path& folder) override {
      synced.insert(folder);
      real.sync_folder(folder);
    }
    FileSystem& real = file_system();
    std::set<Path> synced;
  } files;
  replace_file_system(&files);
  const Path work = folder_ / "w", vectors = work / "v";
  CollectionSet set(vectors);
  EXPECT_THAT(files.synced, testing::IsSupersetOf({work.parent_path(), work, vectors}));
  set.create("c", config);
  files.synced.clear();
  set.make_snapshot("c");
  EXPECT_THAT(files.synced, testing::IsSupersetOf({vectors, vectors / "snapshots", vectors / "snapshots/c"}));
}

// Whatever put them there.
TEST_F(CollectionSetTest, manifests_and_segments_of_another_collection_are_not_adopted) {
  const Path own = folder_ / "own", other = folder_ / "other";
  for (const Path& path : {own, other}) {
    Collection::create(path, config);
    Collection collection(path);
    collection.write(random_points(path == own ? 0 : 50, path == own ? 10 : 5000, "{}"));
    if (path == other) collection.settle();
  }
  for (const char* begin : {"manifest", "segment-"})
    for (const Path& file : test::files_of(other, begin))
      std::filesystem::copy(file, own / file.filename(), std::filesystem::copy_options::overwrite_existing);
  const auto expect_own = [&](const std::string& trouble) {
    Collection collection(own);
    EXPECT_EQ(collection.view()->count(), 10u);
    EXPECT_THAT(collection.verify(), testing::IsEmpty());
    collection.settle();
    const auto said = collection.status().damage;
    EXPECT_EQ(said.empty(), trouble.empty());
    for (const std::string& each : said) EXPECT_THAT(each, testing::HasSubstr(trouble));
  };
  expect_own("another collection");
  EXPECT_THAT(test::files_of(own, "segment-"), testing::SizeIs(1));
  expect_own("");
}

}  // namespace
}  // namespace cowatch

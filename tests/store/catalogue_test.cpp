#include "store/catalogue.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "store/catalogue_tools.h"
#include "store/sqlite.h"
#include "support/catalogue_dump.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

using test::TemporaryFolder;

Event watch(std::string user, std::string item, int64_t time, int64_t watched = -1) {
  Event event;
  event.user = std::move(user), event.item = std::move(item), event.time_ms = time,
  event.watched_ms = watched;
  return event;
}

// Somebody who may read the folder and not write there, until the end of a test.
class Reader {
 public:
  explicit Reader(const Path& folder) : folder_(folder) {
    ::chmod(folder.c_str(), 0555);
    if (::geteuid() == 0) dropped_ = ::seteuid(65534) == 0;
  }
  ~Reader() {
    if (dropped_ && ::seteuid(0) != 0) std::abort();
    ::chmod(folder_.c_str(), 0755);
  }
  bool may_write() const { return ::faccessat(AT_FDCWD, folder_.c_str(), W_OK, AT_EACCESS) == 0; }

 private:
  Path folder_;
  bool dropped_ = false;
};

TEST(CatalogueTest, IsReadWhereItMayNotBeWritten) {
  TemporaryFolder folder, other;
  ::chmod(other.path().c_str(), 0777);
  const Path file = folder / "100% of? it#.sqlite";
  Catalogue(file, Catalogue::Mode::write).add_events(std::vector{watch("ann", "x", 5)});
  const Reader reader(folder.path());
  if (reader.may_write()) GTEST_SKIP() << "the rights to write cannot be dropped here";
  const Catalogue catalogue(file, Catalogue::Mode::read);
  EXPECT_EQ(catalogue.event_count(), 1u);
  EXPECT_EQ(catalogue.item_events(0, 9).size(), 1u);
  copy_catalogue(file, other / "copy.sqlite");
  EXPECT_EQ(Catalogue(other / "copy.sqlite", Catalogue::Mode::read).event_count(), 1u);
  try {
    Catalogue(file, Catalogue::Mode::write).add_events(std::vector{watch("bob", "y", 6)});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.details().remedy, "") << error.what();
  }
}

TEST(CatalogueTest, ALogThatCannotBeReadBesideItIsNamed) {
  TemporaryFolder folder;
  const Path file = folder / "c.sqlite", copy = folder / "copy";
  std::filesystem::create_directory(copy);
  Catalogue catalogue(file, Catalogue::Mode::write);
  catalogue.add_events(std::vector{watch("ann", "x", 5)});
  // As a copy of a running server's workspace has it.
  for (const char* name : {"c.sqlite", "c.sqlite-wal"})
    std::filesystem::copy_file(folder / name, copy / name);
  ::chmod(folder.path().c_str(), 0755);
  const Reader reader(copy);
  if (reader.may_write()) GTEST_SKIP() << "the rights to write cannot be dropped here";
  try {
    Catalogue(copy / "c.sqlite", Catalogue::Mode::read).event_count();
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict);
    EXPECT_NE(error.details().where.find("c.sqlite-wal"), std::string::npos) << error.what();
    EXPECT_NE(error.details().remedy, "");
  }
}

TEST(CatalogueTest, CountsAcceptedAndDuplicateEvents) {
  TemporaryFolder folder;
  Catalogue catalogue(folder / "c", Catalogue::Mode::write);
  const std::vector<Event> events = {watch("ann", "x", 5, 100), watch("bob", "y", 1),
                                     watch("ann", "x", 5, 100), watch("ann", "x", 5, 101)};
  auto written = catalogue.add_events(events);
  EXPECT_EQ(written.accepted, 3u);
  EXPECT_EQ(written.duplicate, 1u);
  written = catalogue.add_events(events);
  EXPECT_EQ(written.accepted, 0u);
  EXPECT_EQ(written.duplicate, 4u);
  EXPECT_EQ(catalogue.event_count(), 3u);
  EXPECT_EQ(catalogue.user_count(), 2u);
  EXPECT_EQ(catalogue.find_item("x"), 0u);
  EXPECT_EQ(catalogue.find_item("y"), 1u);
  EXPECT_EQ(catalogue.find_item("z"), std::nullopt);
}

TEST(CatalogueTest, VisitsWatchesByPersonThenTime) {
  TemporaryFolder folder;
  Catalogue catalogue(folder / "c", Catalogue::Mode::write);
  catalogue.add_events(std::vector{watch("b", "x", 9), watch("a", "y", 7), watch("b", "y", 3)});
  std::vector<std::tuple<uint32_t, uint32_t, int64_t>> seen;
  const FeedbackKind kinds[] = {FeedbackKind::watch};
  catalogue.for_each_watch(kinds, [&](const Watch& w) { seen.emplace_back(w.user, w.item, w.time_ms); });
  EXPECT_EQ(seen, (std::vector<std::tuple<uint32_t, uint32_t, int64_t>>{{0, 1, 3}, {0, 0, 9}, {1, 1, 7}}));
}

TEST(CatalogueTest, EventsOfAnItemAreIndexedAndKeptUp) {
  TemporaryFolder folder;
  const auto times = [](const Catalogue& catalogue) {
    std::vector<int64_t> found;
    for (const Event& event : catalogue.item_events(0, 9)) found.push_back(event.time_ms);
    return found;
  };
  Catalogue catalogue(folder / "c", Catalogue::Mode::write);
  catalogue.add_events(std::vector{watch("a", "x", 5), watch("b", "x", 9), watch("b", "y", 7)});
  EXPECT_EQ(times(catalogue), (std::vector<int64_t>{9, 5}));
  catalogue.index_events();
  catalogue.index_events();
  catalogue.add_events(std::vector{watch("c", "x", 7)});
  EXPECT_EQ(times(catalogue), (std::vector<int64_t>{9, 7, 5}));
  EXPECT_EQ(Database(folder / "c", false).number("SELECT count(*) FROM sqlite_master WHERE name = 'events_by_item'"), 1);
}

TEST(CatalogueTest, EmptyFieldsKeepWhatIsKnown) {
  TemporaryFolder folder;
  Catalogue catalogue(folder / "c", Catalogue::Mode::write);
  ItemRecord item;
  item.id = "x", item.title = "first", item.hashtags = {"#cat", "#猫"};
  EXPECT_EQ(catalogue.put_items(std::vector{item}).accepted, 1u);
  EXPECT_EQ(catalogue.put_items(std::vector{item}).duplicate, 1u);
  ItemRecord more;
  more.id = "x", more.author = "ann";
  EXPECT_EQ(catalogue.put_items(std::vector{more}).accepted, 1u);
  const auto read = catalogue.item(0);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->title, "first");
  EXPECT_EQ(read->author, "ann");
  EXPECT_EQ(read->hashtags, item.hashtags);
}

TEST(CatalogueTest, FindsItemsByAllWordsTakenLiterally) {
  TemporaryFolder folder;
  Catalogue catalogue(folder / "c", Catalogue::Mode::write);
  std::vector<ItemRecord> items(3);
  items[0].id = "a", items[0].title = "Red Panda eats 100% bamboo";
  items[1].id = "b", items[1].title = "panda sleeps", items[1].author = "Ann Li", items[1].hashtags = {"zoo", "nap"};
  items[2].id = "c", items[2].title = "小熊猫 dance";
  catalogue.put_items(items);
  EXPECT_EQ(catalogue.find_items("PANDA", 0, 9).size(), 2u);
  EXPECT_EQ(catalogue.find_items("panda red", 0, 9).size(), 1u);
  EXPECT_EQ(catalogue.find_items("0%", 0, 9).size(), 1u);
  EXPECT_EQ(catalogue.find_items("_", 0, 9).size(), 0u);
  EXPECT_EQ(catalogue.find_items("panda ann ZOO", 0, 9).size(), 1u) << "title, author and hashtag";
  EXPECT_EQ(catalogue.find_items("c", 1, 9).front().id, "c") << "an id, whole";
  EXPECT_EQ(catalogue.find_items("panda", 1, 9).front().id, "b");
  EXPECT_EQ(catalogue.find_items("panda", 0, 1).size(), 1u);
  EXPECT_EQ(catalogue.find_items("熊猫", 0, 9).size(), 1u);
}

TEST(CatalogueTest, NothingIsHalfWrittenWhenTheDiskIsFull) {
  TemporaryFolder folder;
  Catalogue catalogue(folder / "c", Catalogue::Mode::write);
  catalogue.add_events(std::vector{watch("ann", "x", 1)});
  const uint64_t before = catalogue.version();
  // SQLite's own limit stands in for a full disk: the same code path and error.
  catalogue.limit_pages(40);
  std::vector<Event> many;
  for (int i = 0; i < 20000; ++i)
    many.push_back(watch("user" + std::to_string(i), "item" + std::to_string(i), i));
  try {
    catalogue.add_events(many);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::no_space);
  }
  EXPECT_EQ(catalogue.version(), before);
  EXPECT_EQ(catalogue.event_count(), 1u);
  catalogue.limit_pages(1 << 20);
  EXPECT_EQ(catalogue.add_events(many).accepted, many.size());
  EXPECT_EQ(catalogue.find_item("item0"), 1u);
}

TEST(CatalogueTest, RefusesALaterSchemaAndNonsense) {
  TemporaryFolder folder;
  { Catalogue(folder / "c", Catalogue::Mode::write).set_note("k", "v"); }
  EXPECT_EQ(Catalogue(folder / "c", Catalogue::Mode::read).note("k"), "v");
  sqlite3* handle = nullptr;
  sqlite3_open((folder / "c").c_str(), &handle);
  sqlite3_exec(handle, "PRAGMA user_version = 99", nullptr, nullptr, nullptr);
  sqlite3_close(handle);
  for (const auto mode : {Catalogue::Mode::read, Catalogue::Mode::write}) {
    try {
      Catalogue(folder / "c", mode);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::newer_version);
    }
  }
  write_atomically(folder / "d", std::string(5000, 'x'));
  try {
    Catalogue(folder / "d", Catalogue::Mode::read);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::damaged);
  }
}

TEST(CatalogueTest, RefusesIdsThatAreEmptyOrTooLong) {
  TemporaryFolder folder;
  Catalogue catalogue(folder / "c", Catalogue::Mode::write);
  EXPECT_THROW(catalogue.add_events(std::vector{watch("", "x", 1)}), Error);
  EXPECT_THROW(catalogue.add_events(std::vector{watch("ann", std::string(10000, 'x'), 1)}), Error);
  EXPECT_EQ(catalogue.user_count(), 0u);
}

TEST(CatalogueTest, RemovesFeedbackAndHidesItems) {
  TemporaryFolder folder;
  Catalogue catalogue(folder / "c", Catalogue::Mode::write);
  catalogue.add_events(std::vector{watch("ann", "x", 1)});
  EXPECT_TRUE(catalogue.remove_event("ann", "x", FeedbackKind::watch));
  EXPECT_FALSE(catalogue.remove_event("ann", "x", FeedbackKind::watch));
  catalogue.hide_item(0, true);
  EXPECT_TRUE(catalogue.item(0)->hidden);
  EXPECT_THROW(catalogue.hide_item(5, true), Error);
}

TEST(CatalogueTest, RaisesTheVersionOnlyWhenSomethingChanged) {
  TemporaryFolder folder;
  Catalogue catalogue(folder / "c", Catalogue::Mode::write);
  const std::vector<Event> events = {watch("ann", "x", 1), watch("bob", "y", 2)};
  ItemRecord item;
  item.id = "x", item.title = "a title";
  const std::vector<StoredEdge> edges = {{0, 1, 2.0}};
  const auto put_all = [&] {
    catalogue.add_events(events);
    catalogue.put_items(std::vector{item});
    catalogue.add_edges(edges);
    catalogue.hide_item(1, true);
  };
  put_all();
  const uint64_t version = catalogue.version();
  EXPECT_GT(version, 0u);
  put_all();
  EXPECT_FALSE(catalogue.remove_event("ann", "y", FeedbackKind::watch));
  EXPECT_EQ(catalogue.version(), version);
  catalogue.add_events(std::vector{watch("ann", "y", 3)});
  EXPECT_GT(catalogue.version(), version);
}

TEST(CatalogueTest, AForgottenUserLeavesNoTraceAndNobodyElseChangesNumber) {
  TemporaryFolder folder;
  Catalogue catalogue(folder / "c", Catalogue::Mode::write);
  catalogue.add_events(std::vector{watch("ann", "x", 1), watch("bob", "x", 2), watch("cid", "y", 3)});
  catalogue.put_users(std::vector<UserRecord>{{"bob", "a comment", "{}"}});
  const uint64_t version = catalogue.version();
  EXPECT_FALSE(catalogue.remove_user("dan"));
  EXPECT_EQ(catalogue.version(), version);
  EXPECT_TRUE(catalogue.remove_user("bob"));
  EXPECT_FALSE(catalogue.remove_user("bob"));
  EXPECT_GT(catalogue.version(), version);
  EXPECT_EQ(catalogue.user_count(), 2u);
  EXPECT_EQ(catalogue.event_count(), 2u);
  EXPECT_EQ(test::dump_catalogue(folder / "c").find("bob"), std::string::npos);
  catalogue.add_events(std::vector{watch("bob", "y", 4)});
  std::vector<uint32_t> users;
  const FeedbackKind kinds[] = {FeedbackKind::watch};
  catalogue.for_each_watch(kinds, [&](const Watch& each) { users.push_back(each.user); });
  EXPECT_EQ(users, (std::vector<uint32_t>{0, 2, 3}));
}

// A catalogue of the version before the last one, as a reader of this version finds it.
TEST(CatalogueTest, ReadersBringAnOlderCatalogueUpToDate) {
  TemporaryFolder folder;
  {
    Catalogue catalogue(folder / "c", Catalogue::Mode::write);
    catalogue.add_events(std::vector{watch("ann", "x", 1)});
    Database database(folder / "c", true);
    database.run("ALTER TABLE users DROP COLUMN labels; ALTER TABLE users DROP COLUMN comment; "
                 "ALTER TABLE users DROP COLUMN removed; PRAGMA user_version = 2;");
  }
  const Catalogue reader(folder / "c", Catalogue::Mode::read);
  ASSERT_TRUE(reader.user("ann"));
  EXPECT_EQ(reader.user("ann")->labels, "");
  EXPECT_EQ(reader.user_count(), 1u);
}

// Beyond a number of names they are no longer asked for one by one.
TEST(CatalogueTest, NumbersManyNamesAsFew) {
  TemporaryFolder folder;
  const auto name = [](int i) { return "v" + std::to_string(i); };
  {
    Catalogue catalogue(folder / "c", Catalogue::Mode::write);
    for (int i = 0; i < 1500; i += 3) catalogue.add_events(std::vector{watch("ann", name(i), i + 1)});
  }
  Catalogue catalogue(folder / "c", Catalogue::Mode::write);
  std::vector<Event> events;
  for (int i = 0; i < 3000; ++i) events.push_back(watch("ann", name(i), 5000 + i));
  catalogue.add_events(events);
  EXPECT_EQ(catalogue.item_count(), 3000u);
  for (int i = 0; i < 1500; i += 3) EXPECT_EQ(catalogue.find_item(name(i)), static_cast<uint32_t>(i / 3));
  EXPECT_EQ(catalogue.find_item(name(1)), 500u);
  EXPECT_EQ(catalogue.find_item(name(2999)), 2999u);
}

TEST(CatalogueTest, TwoOpenWritersNumberNamesTogether) {
  TemporaryFolder folder;
  Catalogue first(folder / "c", Catalogue::Mode::write), second(folder / "c", Catalogue::Mode::write);
  first.add_events(std::vector{watch("ann", "a", 1)});
  second.add_events(std::vector{watch("bob", "b", 1), watch("ann", "a", 2)});
  first.add_events(std::vector{watch("bob", "b", 3), watch("cid", "c", 1)});
  second.add_events(std::vector{watch("cid", "c", 2), watch("dan", "d", 1)});
  EXPECT_EQ(first.event_count(), 7u);
  for (const auto& [id, index] : {std::pair("a", 0u), std::pair("b", 1u), std::pair("c", 2u), std::pair("d", 3u)})
    EXPECT_EQ(first.find_item(id), index) << id;
  std::string users;
  for (const UserRecord& user : second.users("", 9)) users += user.id + " ";
  EXPECT_EQ(users, "ann bob cid dan ");
}

}  // namespace
}  // namespace cowatch

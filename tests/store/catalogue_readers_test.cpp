#include "store/catalogue_readers.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/error.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

std::vector<ItemRecord> items(std::initializer_list<const char*> ids) {
  std::vector<ItemRecord> list;
  for (const char* id : ids) {
    list.emplace_back();
    list.back().id = id;
  }
  return list;
}

TEST(CatalogueReadersTest, ALeaseSeesOneMomentAndTheNextOneSeesWhatWasWritten) {
  test::TemporaryFolder folder;
  Catalogue writer(folder / "c", Catalogue::Mode::write);
  writer.put_items(items({"a"}));
  CatalogueReaders readers(folder / "c");
  {
    const auto lease = readers.take();
    EXPECT_EQ(lease->item_count(), 1u);
    writer.put_items(items({"b", "c"}));
    EXPECT_EQ(lease->item_count(), 1u);
    EXPECT_FALSE(lease->find_item("b"));
    EXPECT_EQ(readers.take()->item_count(), 3u) << "another lease of the same time";
  }
  EXPECT_EQ(readers.take()->item_count(), 3u);
}

TEST(CatalogueReadersTest, AFilePutInItsPlaceIsOpened) {
  test::TemporaryFolder folder;
  Catalogue(folder / "c", Catalogue::Mode::write).put_items(items({"a"}));
  Catalogue(folder / "other", Catalogue::Mode::write).put_items(items({"x", "y"}));
  CatalogueReaders readers(folder / "c");
  EXPECT_EQ(readers.take()->item_count(), 1u);
  std::filesystem::rename(folder / "other", folder / "c");
  EXPECT_EQ(readers.take()->item_count(), 2u);
  std::filesystem::remove(folder / "c");
  EXPECT_THROW(readers.take(), Error);
}

TEST(CatalogueReadersTest, ManyThreadsReadWhileOneWrites) {
  test::TemporaryFolder folder;
  Catalogue writer(folder / "c", Catalogue::Mode::write);
  writer.put_items(items({"a"}));
  CatalogueReaders readers(folder / "c");
  std::atomic<bool> done = false;
  std::atomic<int> wrong = 0, asked = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        do {
          const auto lease = readers.take();
          const uint64_t count = lease->item_count();
          wrong += count < 1 || lease->items(0, 1000).size() != count;
          ++asked;
        } while (!done);
      });
    }
    for (int i = 0; i < 20; ++i) writer.put_items(items({("n" + std::to_string(i)).c_str()}));
    done = true;
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_GE(asked, 4);
  EXPECT_EQ(readers.take()->item_count(), 21u);
}

}  // namespace
}  // namespace cowatch

#include "store/workspace.h"

#include <gtest/gtest.h>

#include "support/error_code.h"
#include "support/plain_file.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

using test::code_of;

TEST(WorkspaceTest, BeginsWhereNothingOfOthersIs) {
  const test::TemporaryFolder folder;
  EXPECT_EQ(code_of([&] { Workspace::open(folder / "none", Workspace::Access::read); }),
            ErrorCode::not_found);
  Workspace::open_or_create(folder / "a/b/c");
  Workspace::open(folder / "a/b/c", Workspace::Access::read);
  std::filesystem::create_directory(folder / "empty");
  Workspace::open_or_create(folder / "empty");
  EXPECT_EQ(code_of([&] { Workspace::open_or_create(folder.path()); }), ErrorCode::conflict);
  test::write_plainly(folder / "file", "x");
  EXPECT_EQ(code_of([&] { Workspace::open_or_create(folder / "file"); }), ErrorCode::conflict);
}

TEST(WorkspaceTest, GoesOnWhereOneWasKilledWhileItBegan) {
  const test::TemporaryFolder folder;
  std::filesystem::create_directory(folder / "ws");
  test::write_plainly(folder / "ws/lock", "123");
  test::write_plainly(folder / "ws/workspace.json.partial", "{");
  EXPECT_EQ(Workspace::open_or_create(folder / "ws").folder(), folder / "ws");
  EXPECT_TRUE(std::filesystem::exists(folder / "ws/workspace.json"));
}

TEST(WorkspaceTest, HasOneWriterAndManyReaders) {
  const test::TemporaryFolder folder;
  const Workspace writer = Workspace::open_or_create(folder / "ws");
  Workspace::open(folder / "ws", Workspace::Access::read);
  EXPECT_EQ(code_of([&] { Workspace::open(folder / "ws", Workspace::Access::write); }), ErrorCode::conflict);
  EXPECT_EQ(code_of([&] { Workspace::open_or_create(folder / "ws"); }), ErrorCode::conflict);
}

}  // namespace
}  // namespace cowatch

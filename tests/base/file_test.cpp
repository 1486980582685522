#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <fstream>

#include "base/error.h"
#include "support/forgetful_file_system.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

using test::ForgetfulFileSystem;
using test::TemporaryFolder;

TEST(WriteAtomically, LeavesOldOrNewAfterACrashAtEveryOperation) {
  for (int limit = 0;; ++limit) {
    TemporaryFolder folder;
    const Path path = folder / "artifact";
    write_atomically(path, "old");
    ForgetfulFileSystem files;
    files.fail_after(limit);
    bool finished = true;
    try {
      write_atomically(path, "new");
    } catch (const Error& error) {
      finished = false;
      EXPECT_EQ(error.code(), ErrorCode::no_space);
    }
    files.crash();
    const std::string after = read_text(path);
    EXPECT_TRUE(after == "old" || after == "new") << after;
    if (finished) {
      EXPECT_EQ(after, "new");
      break;
    }
  }
}

TEST(WriteAtomically, LeavesNoTemporaryFileWhenTheDiskIsFull) {
  TemporaryFolder folder;
  {
    ForgetfulFileSystem files;
    files.fail_after(1);
    EXPECT_THROW(write_atomically(folder / "artifact", "new"), Error);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(ReadText, NamesAFolderAndAMissingFile) {
  TemporaryFolder folder;
  try {
    read_text(folder.path());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
    EXPECT_EQ(error.details().found, "a folder");
  }
  try {
    read_text(folder / "none");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
  }
}

TEST(MappedFileTest, MapsAnEmptyFileToNothing) {
  TemporaryFolder folder;
  std::ofstream(folder / "empty").flush();
  EXPECT_TRUE(MappedFile(folder / "empty").bytes().empty());
}

TEST(FileLockTest, RefusesASecondWriterAndNamesTheFirst) {
  TemporaryFolder folder;
  const FileLock first(folder / "lock", FileLock::Mode::exclusive);
  try {
    const FileLock second(folder / "lock", FileLock::Mode::exclusive);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::conflict);
    EXPECT_EQ(error.details().found, "process " + std::to_string(getpid()));
  }
}

TEST(FileLockTest, IsFreeAgainWhenItsHolderWasKilled) {
  TemporaryFolder folder;
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    const FileLock lock(folder / "lock", FileLock::Mode::exclusive);
    if (write(ready[1], "x", 1) != 1) _exit(1);
    pause();
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_THROW(FileLock(folder / "lock", FileLock::Mode::exclusive), Error);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_NO_THROW(FileLock(folder / "lock", FileLock::Mode::exclusive));
}

TEST(ShellWord, IsQuotedWhereAShellNeedsIt) {
  EXPECT_EQ(shell_word("/srv/ws-1_a.b"), "/srv/ws-1_a.b");
  EXPECT_EQ(shell_word("my films"), "'my films'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word("$HOME"), "'$HOME'");
  EXPECT_EQ(shell_word(""), "''");
}

}  // namespace
}  // namespace cowatch

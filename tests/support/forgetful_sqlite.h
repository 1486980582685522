// The forgetful file system under SQLite: a VFS that remembers what was synced, writes as usual, and after a
// crash leaves what a disk may leave: of the writes since a file's last sync some, in any order, some of them
// torn.
//
// While it lives it is SQLite's default VFS, on top of the system's own. Writes and syncs count as operations
// of the ForgetfulFileSystem, so that one failure point stops both; a full disk may also be set here.
#pragma once

#include <sqlite3.h>

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/random.h"
#include "support/forgetful_file_system.h"

namespace cowatch::test {

class ForgetfulSqlite {
 public:
  explicit ForgetfulSqlite(ForgetfulFileSystem& files);
  ~ForgetfulSqlite();
  ForgetfulSqlite(const ForgetfulSqlite&) = delete;

  // All connections must be closed. Of the writes not synced a share reached the disk, by the chance of
  // `random`.
  void crash(const Random& random, double share = 0.5);

  // For the methods of the VFS.
  struct Pending {
    sqlite3_int64 at = 0;
    std::string bytes;
    bool truncate = false;  // to `at` bytes
  };
  struct File {
    std::string synced;          // content that is on the disk for certain
    bool named = false;          // the name is, too
    bool gone = false;           // removed, which the folder's next sync makes certain
    std::vector<Pending> since;  // in the order of writing
  };
  bool operation(const std::string& path);  // false: the disk takes nothing more
  void opened(const std::string& path, bool existed);
  void wrote(const std::string& path, Pending pending);
  void synced(const std::string& path);
  void deleted(const std::string& path, bool folder_synced);
  sqlite3_vfs* real() const { return real_; }

 private:
  ForgetfulFileSystem& files_;
  sqlite3_vfs* real_;
  sqlite3_vfs vfs_ = {};
  std::mutex mutex_;
  std::map<std::string, File> states_;
};

}  // namespace cowatch::test

// A file layer for crash tests: it remembers what reached the disk for certain, and a crash forgets the rest.
//
// Files live in the real folder, so that readers see them; every file's last synced content, and every
// folder's last synced set of names, are kept aside. crash() puts the folder back to what a power cut could
// have left: unsynced bytes are gone, and renames whose folder was not synced are undone. Any thread may use
// it.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/file.h"

namespace cowatch::test {

class ForgetfulFileSystem : public FileSystem {
 public:
  ForgetfulFileSystem() { before_ = replace_file_system(this); }
  ~ForgetfulFileSystem() override { replace_file_system(before_); }

  std::unique_ptr<OutputFile> create(const Path& path) override;
  std::unique_ptr<OutputFile> append(const Path& path) override;
  void rename(const Path& from, const Path& to) override;
  void remove(const Path& path) override;
  void sync_folder(const Path& folder) override;

  // Fails the n-th operation from now (0: the next) and all that follow, as a full disk does; negative: none.
  void fail_after(int operations) {
    const std::lock_guard lock(mutex_);
    left_ = operations;
  }
  void crash();
  int operations() const {
    const std::lock_guard lock(mutex_);
    return operations_;
  }
  // Counts an operation of another layer, and throws when it is to fail.
  void count(const Path& path);

 private:
  friend class ForgetfulFile;
  struct Durable {
    std::optional<std::string> named;   // content under this name after a crash; none: the name is not there
    std::optional<std::string> synced;  // content that was synced, to become `named` when the folder is
  };
  Durable& durable(const Path& path);

  mutable std::recursive_mutex mutex_;
  FileSystem* before_;
  std::map<Path, Durable> files_;
  int operations_ = 0;
  int left_ = -1;
};

}  // namespace cowatch::test

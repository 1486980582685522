#include "support/forgetful_sqlite.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/error.h"

namespace cowatch::test {
namespace {

// SQLite allocates szOsFile bytes for a file: this, then the system's own.
struct Handle {
  sqlite3_file base;
  ForgetfulSqlite* owner;
  std::string* path;  // empty: a temporary file, of which nothing is remembered
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

Handle& handle(sqlite3_file* file) {
  return *reinterpret_cast<Handle*>(file);
}
sqlite3_file* real(sqlite3_file* file) {
  return handle(file).real();
}
ForgetfulSqlite& owner_of(sqlite3_vfs* vfs) {
  return *static_cast<ForgetfulSqlite*>(vfs->pAppData);
}

int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 at) {
  Handle& self = handle(file);
  if (!self.path->empty() && !self.owner->operation(*self.path)) return SQLITE_FULL;
  const int code = real(file)->pMethods->xWrite(real(file), bytes, count, at);
  if (code == SQLITE_OK && !self.path->empty())
    self.owner->wrote(*self.path,
                      {at, std::string(static_cast<const char*>(bytes), static_cast<size_t>(count))});
  return code;
}
int truncate(sqlite3_file* file, sqlite3_int64 size) {
  Handle& self = handle(file);
  if (!self.path->empty() && !self.owner->operation(*self.path)) return SQLITE_IOERR_TRUNCATE;
  const int code = real(file)->pMethods->xTruncate(real(file), size);
  if (code == SQLITE_OK && !self.path->empty()) self.owner->wrote(*self.path, {size, "", true});
  return code;
}
int sync(sqlite3_file* file, int flags) {
  Handle& self = handle(file);
  if (!self.path->empty() && !self.owner->operation(*self.path)) return SQLITE_IOERR_FSYNC;
  const int code = real(file)->pMethods->xSync(real(file), flags);
  if (code == SQLITE_OK && !self.path->empty()) self.owner->synced(*self.path);
  return code;
}
int close_file(sqlite3_file* file) {
  const int code = real(file)->pMethods ? real(file)->pMethods->xClose(real(file)) : SQLITE_OK;
  delete handle(file).path;
  return code;
}

// All else goes to the system. Version 2: no memory maps of the file itself, which would go past this layer.
const sqlite3_io_methods methods = {
    2,
    close_file,
    [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
      return real(f)->pMethods->xRead(real(f), to, n, at);
    },
    write,
    truncate,
    sync,
    [](sqlite3_file* f, sqlite3_int64* size) { return real(f)->pMethods->xFileSize(real(f), size); },
    [](sqlite3_file* f, int level) { return real(f)->pMethods->xLock(real(f), level); },
    [](sqlite3_file* f, int level) { return real(f)->pMethods->xUnlock(real(f), level); },
    [](sqlite3_file* f, int* out) { return real(f)->pMethods->xCheckReservedLock(real(f), out); },
    // Hints on sizes and chunks change files past this layer.
    [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; },
    [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); },
    [](sqlite3_file*) { return 0; },  // no promises: writes may be torn
    [](sqlite3_file* f, int page, int size, int extend, void volatile** at) {
      return real(f)->pMethods->xShmMap(real(f), page, size, extend, at);
    },
    [](sqlite3_file* f, int offset, int n, int flags) {
      return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
    },
    [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); },
    [](sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); },
    nullptr,
    nullptr,
};

int open_file(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  ForgetfulSqlite& owner = owner_of(vfs);
  const bool existed = name && std::filesystem::exists(name);
  Handle& self = handle(file);
  self.owner = &owner;
  self.path = new std::string(name ? name : "");
  std::memset(self.real(), 0, sizeof(sqlite3_file));
  const int code = owner.real()->xOpen(owner.real(), name, self.real(), flags, out_flags);
  if (code != SQLITE_OK) {
    delete self.path;
    self.base.pMethods = nullptr;
    return code;
  }
  self.base.pMethods = &methods;
  if (name) owner.opened(name, existed);
  return code;
}

int delete_file(sqlite3_vfs* vfs, const char* name, int sync_folder) {
  ForgetfulSqlite& owner = owner_of(vfs);
  if (!owner.operation(name)) return SQLITE_IOERR_DELETE;
  const int code = owner.real()->xDelete(owner.real(), name, sync_folder);
  if (code == SQLITE_OK) owner.deleted(name, sync_folder != 0);
  return code;
}

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void apply(const ForgetfulSqlite::Pending& pending, size_t length, std::string& image) {
  const auto at = static_cast<size_t>(pending.at);
  if (pending.truncate) return image.resize(std::min(image.size(), at));
  image.resize(std::max(image.size(), at + length));
  image.replace(at, length, pending.bytes, 0, length);
}

}  // namespace

ForgetfulSqlite::ForgetfulSqlite(ForgetfulFileSystem& files)
    : files_(files), real_(sqlite3_vfs_find(nullptr)) {
  vfs_ = *real_;
  vfs_.pNext = nullptr;
  vfs_.zName = "forgetful";
  vfs_.szOsFile = static_cast<int>(sizeof(Handle)) + real_->szOsFile;
  vfs_.pAppData = this;
  vfs_.xOpen = open_file;
  vfs_.xDelete = delete_file;
  sqlite3_vfs_register(&vfs_, 1);
}

ForgetfulSqlite::~ForgetfulSqlite() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(real_, 1);
}

bool ForgetfulSqlite::operation(const std::string& path) {
  try {
    files_.count(path);
    return true;
  } catch (const Error&) {
    return false;
  }
}

void ForgetfulSqlite::opened(const std::string& path, bool existed) {
  const std::lock_guard lock(mutex_);
  const auto [found, added] = states_.try_emplace(path);
  if (added && existed) found->second = {content(path), true, false, {}};
  if (!existed) found->second = {};
}

void ForgetfulSqlite::wrote(const std::string& path, Pending pending) {
  const std::lock_guard lock(mutex_);
  states_[path].since.push_back(std::move(pending));
}

void ForgetfulSqlite::synced(const std::string& path) {
  const std::lock_guard lock(mutex_);
  File& file = states_[path];
  for (const Pending& pending : file.since) apply(pending, pending.bytes.size(), file.synced);
  file.since.clear();
  if (std::exchange(file.named, true)) return;
  // SQLite syncs the folder with a new file.
  const Path folder = Path(path).parent_path();
  std::erase_if(states_, [&](const auto& each) {
    return each.second.gone && Path(each.first).parent_path() == folder;
  });
}

void ForgetfulSqlite::deleted(const std::string& path, bool folder_synced) {
  const std::lock_guard lock(mutex_);
  if (folder_synced)
    states_.erase(path);
  else
    states_[path].gone = true;
}

void ForgetfulSqlite::crash(const Random& random, double share_kept) {
  const std::lock_guard lock(mutex_);
  uint32_t draw = 0;
  for (auto& [path, file] : states_) {
    std::filesystem::remove(path + "-shm");  // never on a disk
    if (file.gone && random.uniform(++draw, 3) < share_kept) continue;
    for (const Pending& pending : file.since) {
      if (random.uniform(++draw, 0) >= share_kept) continue;
      const bool torn = random.uniform(draw, 1) < 0.3;
      const double share = torn ? random.uniform(draw, 2) : 1;
      apply(pending, static_cast<size_t>(share * static_cast<double>(pending.bytes.size())), file.synced);
    }
    if (file.named)
      std::ofstream(path, std::ios::binary | std::ios::trunc) << file.synced;
    else
      std::filesystem::remove(path);
  }
  states_.clear();
}

}  // namespace cowatch::test

#include "store/sqlite.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"

namespace cowatch {

namespace {

// As SQLite names files with options.
std::string file_uri(const Path& path, const char* options) {
  std::string uri = "file:";
  for (const char c : std::filesystem::absolute(path).string()) {
    if (c == '%' || c == '?' || c == '#') {
      uri += c == '%' ? "%25" : c == '?' ? "%3f" : "%23";
    } else {
      uri += c;
    }
  }
  return uri + options;
}

// Also a reader of a database with a write-ahead log makes a file beside it. Where it may not, the database
// is read as one that nobody changes, unless a log beside it holds what it lacks.
bool only_to_read(const Path& path, const std::string& what) {
  const Path folder = path.has_parent_path() ? path.parent_path() : Path(".");
  if (::faccessat(AT_FDCWD, folder.c_str(), W_OK, AT_EACCESS) == 0) return false;
  std::error_code none;
  const Path log = path.string() + "-wal";
  const auto size = std::filesystem::file_size(log, none);
  if (none || size == 0) return true;
  if (::faccessat(AT_FDCWD, (path.string() + "-shm").c_str(), R_OK, AT_EACCESS) == 0) return false;
  throw Error(
      ErrorCode::conflict, what + " was not closed, and may only be read here",
      {.where = log.string(),
       .expected = "no write-ahead log, or a folder that may be written",
       .found = std::to_string(size) + " bytes",
       .remedy = "Open it where it may be written (`cowatch doctor WS` does), or copy the workspace."});
}

}  // namespace

Database::Database(const Path& path, bool writable, std::string what) : path_(path), what_(std::move(what)) {
  const bool frozen = !writable && std::filesystem::exists(path) && only_to_read(path, what_);
  const int flags = SQLITE_OPEN_NOMUTEX | (frozen     ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
                                           : writable ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                                      : SQLITE_OPEN_READWRITE);
  const std::string name = frozen ? file_uri(path, "?immutable=1") : path.string();
  const int code = sqlite3_open_v2(name.c_str(), &handle_, flags, nullptr);
  if (code != SQLITE_OK) {
    const std::string reason = handle_ ? sqlite3_errmsg(handle_) : "out of memory";
    sqlite3_close(handle_);
    throw Error(code == SQLITE_CANTOPEN ? ErrorCode::not_found : ErrorCode::system,
                "cannot open " + what_ + ": " + reason,
                {.where = path.string(), .remedy = "Check that it is there and that you may read it."});
  }
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_timeout(handle_, 5000);
  if (!writable) run("PRAGMA query_only = 1");
}

Database::~Database() {
  for (const auto& [sql, statements] : idle_) {
    for (sqlite3_stmt* statement : statements) sqlite3_finalize(statement);
  }
  sqlite3_close(handle_);
}

void Database::fail(int code) const {
  const std::string reason = sqlite3_errmsg(handle_);
  // A quota or a limit on file sizes is a failed write to SQLite, which knows a full disk only.
  switch (code == SQLITE_IOERR_WRITE ? SQLITE_FULL : code & 0xff) {
    case SQLITE_FULL:
      throw Error(ErrorCode::no_space, what_ + " cannot grow: " + reason,
                  {.where = path_.string(),
                   .remedy = "Free some space and run the same command again; nothing was half-written."});
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      throw Error(ErrorCode::damaged, what_ + " cannot be read: " + reason,
                  {.where = path_.string(),
                   .expected = "a SQLite database",
                   .remedy = "Restore it from a copy or a snapshot, or import again."});
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      throw Error(ErrorCode::system, what_ + " may not be written: " + reason,
                  {.where = path_.string(),
                   .remedy = "Give yourself the right to write there, or copy the workspace."});
    case SQLITE_BUSY:
      throw Error(ErrorCode::conflict, what_ + " is in use by another process",
                  {.where = path_.string(), .remedy = "Try again when it is done."});
    case SQLITE_IOERR:
      throw Error(ErrorCode::system, "the disk of " + what_ + " refused: " + reason,
                  {.where = path_.string(),
                   .remedy = "Check the disk, and run the same command again; nothing was half-written."});
    default:
      throw Error(ErrorCode::system, what_ + " refused: " + reason, {.where = path_.string()});
  }
}

void Database::run(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

int64_t Database::number(const char* sql) const {
  Statement statement(*this, sql);
  return statement.step() ? statement.integer(0) : 0;
}

Statement::Statement(const Database& database, std::string_view sql) : database_(database), sql_(sql) {
  if (const auto idle = database.idle_.find(sql_); idle != database.idle_.end() && !idle->second.empty()) {
    handle_ = idle->second.back();
    idle->second.pop_back();
    --database.idle_count_;
    return;
  }
  const int code = sqlite3_prepare_v3(database.handle(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &handle_, nullptr);
  if (code != SQLITE_OK) database.fail(code);
}

Statement::~Statement() {
  constexpr size_t most_idle = 64;  // texts made for one question would pile up
  if (database_.idle_count_ >= most_idle) {
    sqlite3_finalize(handle_);
    return;
  }
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  database_.idle_[std::move(sql_)].push_back(handle_);
  ++database_.idle_count_;
}

Statement& Statement::bind(int position, int64_t value) {
  sqlite3_bind_int64(handle_, position, value);
  return *this;
}

Statement& Statement::bind(int position, double value) {
  sqlite3_bind_double(handle_, position, value);
  return *this;
}

Statement& Statement::bind(int position, std::string_view text) {
  // An empty view may carry a null pointer, which SQLite would take for NULL.
  sqlite3_bind_text64(handle_, position, text.data() ? text.data() : "", text.size(), SQLITE_STATIC,
                      SQLITE_UTF8);
  return *this;
}

Statement& Statement::bind(int position, std::span<const std::byte> bytes) {
  sqlite3_bind_blob64(handle_, position, bytes.data() ? static_cast<const void*>(bytes.data()) : "",
                      bytes.size(), SQLITE_STATIC);
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  sqlite3_reset(handle_);
  database_.fail(code);
}

std::string Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  return data ? std::string(data, static_cast<size_t>(sqlite3_column_bytes(handle_, column))) : std::string();
}

std::span<const std::byte> Statement::bytes(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(handle_, column));
  return {data, data ? static_cast<size_t>(sqlite3_column_bytes(handle_, column)) : 0};
}

Transaction::~Transaction() {
  if (open_) sqlite3_exec(database_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() {
  database_.run("COMMIT");
  open_ = false;
}

}  // namespace cowatch

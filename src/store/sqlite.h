// A thin owner of SQLite's handles: statements that bind and read by position, errors as cowatch::Error.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file.h"

namespace cowatch {

class Database {
 public:
  // `what` names the file's role in errors.
  Database(const Path& path, bool writable, std::string what = "the catalogue");
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  ~Database();

  void run(const char* sql);              // statements without parameters
  int64_t number(const char* sql) const;  // first column of the first row; 0 when there is none
  int64_t changes() const { return sqlite3_changes64(handle_); }
  int64_t total_changes() const { return sqlite3_total_changes64(handle_); }  // since the file was opened
  sqlite3* handle() const { return handle_; }
  // Throws what the last call's code means, naming the file: no_space, damaged, conflict, system.
  [[noreturn]] void fail(int code) const;

 private:
  friend class Statement;
  Path path_;
  std::string what_;
  sqlite3* handle_ = nullptr;
  // Prepared statements that nobody uses now, by their text: preparing one costs more than most reads.
  mutable std::unordered_map<std::string, std::vector<sqlite3_stmt*>> idle_;
  mutable size_t idle_count_ = 0;
};

// A prepared statement, taken from the database's idle ones where there is one of this text and given back at
// the end. Texts that are bound must live until the next reset(). Not thread-safe, as the database is not.
class Statement {
 public:
  Statement(const Database& database, std::string_view sql);
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement();

  Statement& bind(int position, int64_t value);
  Statement& bind(int position, double value);
  Statement& bind(int position, std::string_view text);
  Statement& bind(int position, std::span<const std::byte> bytes);  // a BLOB; must live as a text
  bool step();                                                      // true: a row is there
  void run() {  // steps to the end and makes ready for the next bindings
    while (step()) {
    }
    reset();
  }
  void reset() { sqlite3_reset(handle_); }

  int64_t integer(int column) const { return sqlite3_column_int64(handle_, column); }
  double number(int column) const { return sqlite3_column_double(handle_, column); }
  std::string text(int column) const;
  std::span<const std::byte> bytes(int column) const;  // valid until the next step() or reset()

 private:
  const Database& database_;
  std::string sql_;
  sqlite3_stmt* handle_ = nullptr;
};

// Rolls back unless commit() was reached.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) { database_.run("BEGIN IMMEDIATE"); }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  ~Transaction();
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace cowatch

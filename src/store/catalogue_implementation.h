// What the reading and the writing half of the catalogue share.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "store/catalogue.h"
#include "store/schema.h"

namespace cowatch {

// Names to numbers. A few are asked for one by one, as the server's small writes do; from there on all are loaded, once: one
// look-up an event instead of one query.
class NameTable {
 public:
  NameTable(Database& database, const char* table);
  uint32_t number(std::string_view name);  // adds it when new
  size_t size() const { return size_; }
  void keep_added() { added_.clear(); }  // after a commit
  void forget_added();                   // after a rollback

 private:
  void load();

  Database& database_;
  std::string table_;
  Statement find_, insert_;
  size_t size_;        // rows of the table
  size_t asked_ = 0;   // one by one
  bool loaded_ = false;
  std::unordered_map<std::string, uint32_t> numbers_;
  std::vector<std::string> added_;  // since the last kept transaction
};

struct Catalogue::Implementation {
  Path path;
  Database database;
  std::unique_ptr<NameTable> users, items;  // writers only
  int64_t seen_data_version = -1;           // of SQLite: changes when another connection has written

  Implementation(const Path& file, Mode mode);
  NameTable& user_names();
  NameTable& item_names();
  // Runs `work` in one transaction that also raises the version if it changed a row; undoes the name tables
  // when it throws.
  void change(const std::function<void()>& work, bool raises_version = true);

 private:
  void forget_names_others_changed();  // inside a transaction
};

std::string join_hashtags(std::span<const std::string> hashtags);
std::vector<std::string> split_hashtags(std::string_view text);

}  // namespace cowatch

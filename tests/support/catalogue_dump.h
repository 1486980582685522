// Everything a catalogue holds as text, to compare two of them.
#pragma once

#include <sqlite3.h>

#include <stdexcept>
#include <string>

#include "base/file.h"

namespace cowatch::test {

inline std::string dump_catalogue(const Path& path) {
  if (!std::filesystem::exists(path)) return "";
  sqlite3* handle = nullptr;
  if (sqlite3_open_v2(path.c_str(), &handle, SQLITE_OPEN_READWRITE, nullptr) != SQLITE_OK)
    throw std::runtime_error("cannot open " + path.string());
  std::string text;
  for (const char* table : {"notes", "items", "users", "events", "edges", "media", "version"}) {
    text += std::string("== ") + table + "\n";
    sqlite3_stmt* query = nullptr;
    sqlite3_prepare_v2(handle, (std::string("SELECT * FROM ") + table + " ORDER BY 1, 2, 3, 4, 5").c_str(),
                       -1, &query, nullptr);
    if (!query)  // fewer columns
      sqlite3_prepare_v2(handle, (std::string("SELECT * FROM ") + table + " ORDER BY 1").c_str(), -1, &query,
                         nullptr);
    while (query && sqlite3_step(query) == SQLITE_ROW) {
      for (int i = 0; i < sqlite3_column_count(query); ++i) {
        const auto* cell = reinterpret_cast<const char*>(sqlite3_column_text(query, i));
        text.append(cell ? cell : "NULL") += '\t';
      }
      text += '\n';
    }
    sqlite3_finalize(query);
  }
  sqlite3_close(handle);
  return text;
}

}  // namespace cowatch::test

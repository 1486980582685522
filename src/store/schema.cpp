#include "store/schema.h"

#include <iterator>
#include <string>

#include "base/error.h"

namespace cowatch {
namespace {

// Feedback is clustered by person and time: the co-watch pairs read it in that order, and an exact repeat of
// an event has the same key, so that the table itself finds duplicates. Absent numbers are -1 and absent
// texts '', since NULLs would never be equal to each other.
constexpr const char* version_1 = R"sql(
CREATE TABLE notes (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE items (
  idx INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, title TEXT NOT NULL DEFAULT '', description TEXT NOT NULL DEFAULT '',
  author TEXT NOT NULL DEFAULT '', language TEXT NOT NULL DEFAULT '', media_path TEXT NOT NULL DEFAULT '',
  created_ms INTEGER NOT NULL DEFAULT -1, seconds REAL NOT NULL DEFAULT -1, hashtags TEXT NOT NULL DEFAULT '',
  attributes TEXT NOT NULL DEFAULT '', hidden INTEGER NOT NULL DEFAULT 0);
CREATE TABLE users (idx INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE);
CREATE TABLE events (
  user INTEGER NOT NULL, time_ms INTEGER NOT NULL, item INTEGER NOT NULL, kind INTEGER NOT NULL,
  watched_ms INTEGER NOT NULL, length_ms INTEGER NOT NULL, portion REAL NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY (user, time_ms, item, kind, watched_ms, length_ms, portion, text)) WITHOUT ROWID;
CREATE TABLE edges (u INTEGER NOT NULL, v INTEGER NOT NULL, weight REAL NOT NULL, PRIMARY KEY (u, v)) WITHOUT ROWID;
CREATE TABLE media (
  item INTEGER PRIMARY KEY, state TEXT NOT NULL, reason TEXT NOT NULL, fingerprint TEXT NOT NULL, poster TEXT NOT NULL,
  preview TEXT NOT NULL, seconds REAL NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, has_sound INTEGER NOT NULL);
CREATE TABLE version (number INTEGER NOT NULL);
INSERT INTO version VALUES (0);
)sql";

// Orders and sets that the server asks for, without a look at every row. Events by item are indexed after an import,
// by Catalogue::index_events(): kept up from the first row on, that index would halve the rate of import.
constexpr const char* version_2 = R"sql(
CREATE INDEX items_by_time ON items (created_ms);
CREATE INDEX hidden_items ON items (idx) WHERE hidden != 0;
)sql";

// What a platform says of its people. Whose row is removed has no name, no labels and no feedback left; the row stays,
// because people are numbered by it.
constexpr const char* version_3 = R"sql(
ALTER TABLE users ADD COLUMN labels TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN comment TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
)sql";

// Step v takes a catalogue from version v to v + 1; version 0 is a file without tables.
constexpr const char* steps[] = {version_1, version_2, version_3};
constexpr int64_t newest = std::size(steps);

void refuse_newer(int64_t found, const Path& path, int64_t known = newest) {
  if (found <= known) return;
  throw Error(ErrorCode::newer_version, "the catalogue was made by a later version",
              {.where = path.string(),
               .expected = "schema " + std::to_string(known),
               .found = "schema " + std::to_string(found),
               .remedy = "Use the program that made it."});
}

}  // namespace

void prepare_schema(Database& database, const Path& path) {
  database.run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;");
  migrate(database, path, steps);
}

void migrate(Database& database, const Path& path, std::span<const char* const> migration_steps) {
  const auto wanted = static_cast<int64_t>(migration_steps.size());
  const auto version = [&] {
    const int64_t found = database.number("PRAGMA user_version");
    refuse_newer(found, path, wanted);
    return found;
  };
  if (version() == wanted) return;
  Transaction transaction(database);
  // Read again under the lock: another process may have migrated meanwhile.
  for (int64_t v = version(); v < wanted; ++v) {
    database.run(migration_steps[static_cast<size_t>(v)]);
    database.run(("PRAGMA user_version = " + std::to_string(v + 1)).c_str());
  }
  transaction.commit();
}

void check_schema(const Database& database, const Path& path) {
  const int64_t found = database.number("PRAGMA user_version");
  refuse_newer(found, path);
  if (found == 0) {
    throw Error(ErrorCode::missing_stage, "the catalogue is empty",
                {.where = path.string(),
                 .expected = "imported data",
                 .remedy = "Run `cowatch import WS --events FILE` first."});
  }
  if (found == newest) return;
  Database writer(path, true);
  prepare_schema(writer, path);
}

}  // namespace cowatch

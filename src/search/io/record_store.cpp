#include "search/io/record_store.h"

#include <cstring>

#include "base/error.h"
#include "base/hash.h"
#include "store/sqlite.h"

namespace cowatch {
namespace {

constexpr int64_t newest_records = 1;
constexpr const char* what = "the record store";

constexpr const char* schema =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE IF NOT EXISTS points (key BLOB NOT NULL UNIQUE, sequence INTEGER NOT NULL, vector BLOB NOT NULL,"
    " payload TEXT NOT NULL, checksum INTEGER NOT NULL);"
    "CREATE INDEX IF NOT EXISTS points_sequence ON points (sequence);"
    "CREATE TABLE IF NOT EXISTS erased (sequence INTEGER NOT NULL, key BLOB NOT NULL, PRIMARY KEY (sequence, key))"
    " WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;"
    "PRAGMA user_version = 1;"
    "COMMIT";

int64_t checksum(std::string_view key, uint64_t sequence, std::span<const std::byte> vector,
                 std::string_view payload) {
  return static_cast<int64_t>(hash64(payload, hash64(vector, hash64(key, sequence))));
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

// Columns key, sequence, vector, payload, checksum. The vector is copied to `buffer`: SQLite's bytes are not aligned.
PointRecord record_of(const Statement& row, const Path& path, std::vector<float>& buffer) {
  PointRecord record;
  const auto key = text_of(row.bytes(0)), payload = text_of(row.bytes(3));
  const auto vector = row.bytes(2);
  record.sequence = static_cast<uint64_t>(row.integer(1));
  if (vector.size() != buffer.size() * sizeof(float) || key.size() != 17 ||
      row.integer(4) != checksum(key, record.sequence, vector, payload)) {
    throw Error(ErrorCode::damaged, "a point of record fails its checksum",
                {.where = path.string() + (key.size() == 17 ? ", point " + to_text(from_key_bytes(key)) : ""),
                 .remedy = "Restore the collection from a snapshot."});
  }
  record.id = from_key_bytes(key);
  std::memcpy(buffer.data(), vector.data(), vector.size());
  record.vector = buffer;
  record.payload = payload;
  return record;
}

}  // namespace

RecordStore::RecordStore(const Path& path, size_t dimension)
    : dimension_(dimension), path_(path), database_(std::make_unique<Database>(path, true, what)) {
  // FULL: every commit syncs the log. The log is folded into the file every 64 MiB.
  database_->run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16384;"
                 "PRAGMA cache_size = -16384");
  const int64_t format = database_->number("PRAGMA user_version");
  if (format > newest_records) {
    throw Error(ErrorCode::newer_version, "the record store was written by a later version",
                {.where = path.string(),
                 .expected = "format " + std::to_string(newest_records) + " or older",
                 .found = std::to_string(format)});
  }
  if (format == 0) database_->run(schema);
  sequence_ = static_cast<uint64_t>(
      database_->number("SELECT max(ifnull((SELECT max(sequence) FROM points), 0), "
                        "ifnull((SELECT max(sequence) FROM erased), 0), "
                        "ifnull((SELECT CAST(text AS INTEGER) FROM notes WHERE name = 'sequence'), 0))"));
}

RecordStore::~RecordStore() = default;

uint64_t RecordStore::count() const {
  return static_cast<uint64_t>(database_->number("SELECT count(*) FROM points"));
}

uint64_t RecordStore::apply(std::span<const Change> changes) {
  const uint64_t sequence = sequence_ + 1;
  Transaction transaction(*database_);
  Statement put(*database_,
                "INSERT INTO points (key, sequence, vector, payload, checksum) VALUES (?, ?, ?, ?, ?) "
                "ON CONFLICT (key) DO UPDATE SET sequence = excluded.sequence, vector = excluded.vector, "
                "payload = excluded.payload, checksum = excluded.checksum");
  Statement erase(*database_, "DELETE FROM points WHERE key = ?");
  Statement remember(*database_, "INSERT OR IGNORE INTO erased (sequence, key) VALUES (?, ?)");
  for (const Change& change : changes) {
    const std::string key = key_bytes(change.id);
    if (change.erase) {
      erase.bind(1, bytes_of(key)).run();
      remember.bind(1, static_cast<int64_t>(sequence)).bind(2, bytes_of(key)).run();
      continue;
    }
    const auto vector = std::as_bytes(change.vector);
    put.bind(1, bytes_of(key))
        .bind(2, static_cast<int64_t>(sequence))
        .bind(3, vector)
        .bind(4, change.payload)
        .bind(5, checksum(key, sequence, vector, change.payload))
        .run();
  }
  transaction.commit();
  return sequence_ = sequence;
}

void RecordStore::replay(uint64_t sequence, const std::function<void(const PointRecord&)>& visit) const {
  Statement erased(*database_, "SELECT key, sequence FROM erased WHERE sequence > ? ORDER BY sequence");
  erased.bind(1, static_cast<int64_t>(sequence));
  while (erased.step()) {
    PointRecord record;
    record.id = from_key_bytes(text_of(erased.bytes(0)));
    record.sequence = static_cast<uint64_t>(erased.integer(1));
    record.erased = true;
    visit(record);
  }
  Statement points(*database_,
                   "SELECT key, sequence, vector, payload, checksum FROM points WHERE sequence > ? "
                   "ORDER BY sequence, rowid");
  points.bind(1, static_cast<int64_t>(sequence));
  std::vector<float> buffer(dimension_);
  while (points.step()) visit(record_of(points, path_, buffer));
}

bool RecordStore::find(const PointId& id, const std::function<void(const PointRecord&)>& visit) const {
  Statement point(*database_, "SELECT key, sequence, vector, payload, checksum FROM points WHERE key = ?");
  const std::string key = key_bytes(id);
  point.bind(1, bytes_of(key));
  if (!point.step()) return false;
  std::vector<float> buffer(dimension_);
  visit(record_of(point, path_, buffer));
  return true;
}

void RecordStore::visit_ids(const std::function<void(const PointId&, uint64_t)>& visit) const {
  Statement points(*database_, "SELECT key, sequence FROM points");
  while (points.step())
    visit(from_key_bytes(text_of(points.bytes(0))), static_cast<uint64_t>(points.integer(1)));
}

void RecordStore::forget_erased(uint64_t sequence) {
  Transaction transaction(*database_);
  // The last number must not be given twice, though its erasure is forgotten.
  write_note("sequence", std::to_string(sequence_));
  Statement forget(*database_, "DELETE FROM erased WHERE sequence <= ?");
  forget.bind(1, static_cast<int64_t>(sequence)).run();
  transaction.commit();
}

void RecordStore::copy(const Path& from, const Path& path) {
  std::filesystem::remove(path);
  {
    Database source(from, true, what);
    Statement into(source, "VACUUM INTO ?");
    into.bind(1, std::string_view(path.native())).run();
  }
  file_system().append(path)->sync();
  file_system().sync_folder(path.parent_path());
}

void RecordStore::verify() const {
  Statement integrity(*database_, "PRAGMA integrity_check(1)");
  if (integrity.step() && integrity.text(0) != "ok")
    throw Error(ErrorCode::damaged, "the record store's pages are damaged",
                {.where = path_.string(), .found = integrity.text(0), .remedy = "Restore a snapshot."});
  replay(0, [](const PointRecord&) {});
}

std::string RecordStore::read_note(const Path& path, std::string_view name) {
  const Database database(path, false, what);
  Statement note(database, "SELECT text FROM notes WHERE name = ?");
  note.bind(1, name);
  return note.step() ? note.text(0) : std::string();
}

void RecordStore::write_note(std::string_view name, std::string_view text) {
  Statement note(*database_, "INSERT OR REPLACE INTO notes (name, text) VALUES (?, ?)");
  note.bind(1, name).bind(2, text).run();
}

}  // namespace cowatch

// The points of record of one collection: vectors and payloads in one SQLite file, from which everything else
// of the collection can be made again. A batch is one transaction, synced before apply() returns: what it
// returned from survives kill -9, power cuts and full disks.
//
// Every batch has a sequence number, one more than the batch before it. A point carries the number of the
// batch that wrote it last, an erased point leaves a row in `erased` until segments no longer hold it: so what
// happened since a number can be read back (replay). Each row carries a checksum: SQLite's pages have none.
//
// SQLite and not RocksDB: with a sync a batch, 128 numbers a point, this took 105 k upserts/s in batches of 64
// (RocksDB 48 k), 138 k of 1,000 (374 k) and 2.5 k of one (5.4 k); it is linked already, is one file that other
// tools read, and the segments, not the store, answer searches.
//
// One thread at a time.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "search/access/point_id.h"

namespace cowatch {

class Database;

// One change of a batch; what it names is borrowed.
struct Change {
  PointId id;
  bool erase = false;
  std::span<const float> vector = {};
  std::string_view payload = {};  // JSON
};

struct PointRecord {
  PointId id;
  uint64_t sequence = 0;
  bool erased = false;  // vector and payload are empty then
  std::span<const float> vector;
  std::string_view payload;
};

class RecordStore {
 public:
  // Makes the file when it is missing. Throws damaged, newer_version, no_space.
  RecordStore(const Path& path, size_t dimension);
  ~RecordStore();

  uint64_t sequence() const { return sequence_; }  // of the last batch; 0: none
  uint64_t count() const;

  // The next batches get numbers above `sequence`.
  void raise_sequence(uint64_t sequence) { sequence_ = std::max(sequence_, sequence); }

  // All of it or, on an exception, nothing. Returns the batch's sequence number. A point may occur once.
  uint64_t apply(std::span<const Change> changes);

  // What happened after `sequence`: the erased points, then the points written, in order of sequence. The
  // record is valid during the call. Throws damaged, naming the point, when a checksum fails.
  void replay(uint64_t sequence, const std::function<void(const PointRecord&)>& visit) const;
  // The same for one point.
  bool find(const PointId& id, const std::function<void(const PointRecord&)>& visit) const;
  // Every point's id and sequence, in no order.
  void visit_ids(const std::function<void(const PointId&, uint64_t)>& visit) const;

  // Erasures up to `sequence` need not be remembered any longer.
  void forget_erased(uint64_t sequence);
  // A copy of the whole, consistent while others write. Replaces `path`.
  static void copy(const Path& from, const Path& path);
  // Reads every row and checksum and SQLite's own structure. Throws damaged.
  void verify() const;

  // Small named texts: the collection's configuration.
  static std::string read_note(const Path& path, std::string_view name);
  void write_note(std::string_view name, std::string_view text);

 private:
  size_t dimension_;
  Path path_;
  std::unique_ptr<Database> database_;
  uint64_t sequence_ = 0;
};

}  // namespace cowatch

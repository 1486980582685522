// One collection of points: vectors of one dimension with payloads, under one distance.
//
// A batch of changes goes to the record store, synced, then to the table in memory, and is visible to every
// view taken after write() returned. Behind that, threads of low priority write full tables out as segments,
// merge these, clean them of dead points and build graph indexes for the large ones. Nothing that a reader
// holds is changed: views are replaced as a whole, and what was indexed stays in use until its successor is
// indexed too.
//
//   records.sqlite            the points of record (io/record_store.h); all else is made from it
//   manifest.safetensors      which segments there are (io/manifest.h)
//   segment-ID-N.safetensors  a segment (io/segment.h), segment-ID-N.index its graph index
//
// ID is drawn when a collection is made or restored: neither a manifest nor segments of another one that had
// this folder's name before are taken for its own.
//
// Any thread may call anything. Damage to derived files is logged, listed by trouble(), and mended from the
// records.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <thread>

#include "search/collection_config.h"
#include "search/collection_view.h"
#include "search/collection_work.h"
#include "search/io/manifest.h"

namespace cowatch {

// A change that owns what it says.
struct PointChange {
  PointId id;
  bool erase = false;
  std::vector<float> vector;
  std::string payload = "{}";
};

// Throws bad_input naming the place ("/points/3/vector") of each vector that cannot be stored and each point that
// occurs twice. Under cosine, vectors are brought to unit length.
void check_changes(Metric metric, size_t dimension, std::vector<PointChange>& changes);

class Collection {
 public:
  // Makes the folder and its files; it must not exist. Throws as check_config().
  static void create(const Path& folder, const CollectionConfig& config);
  // Takes the folder's lock (conflict when another process has it), opens the segments and replays what came
  // after them. Throws damaged when the records themselves are.
  explicit Collection(const Path& folder);
  ~Collection();
  // Nothing is written to the folder after this, so that it may be moved away and its name given to another.
  // Views go on as they are; everything that writes, and snapshot(), settle() and verify(), throw conflict.
  void close();

  CollectionConfig config() const;
  // Changes what may change of the configuration: which segments are indexed and how their graphs are built (those that
  // are there are built anew in the background), the memory of an index, and the quota. Throws as check_config().
  void configure(const CollectionConfig& config);
  const Path& folder() const { return folder_; }
  std::shared_ptr<const CollectionView> view() const;

  // One batch, all or nothing. `make` gives the changes, looking at the view as it is before them; no other
  // batch comes between. Returns its sequence number once it is durable. Throws as check_changes().
  uint64_t write(const std::function<std::vector<PointChange>(const CollectionView&)>& make);
  uint64_t write(std::vector<PointChange> changes);

  // Waits until every point is in a segment, segments are merged and without many dead, and the large ones indexed.
  void settle();
  // Writes a copy of the records to `path`: a snapshot, from which restore() makes the same collection.
  void snapshot(const Path& path) const;
  static void restore(const Path& snapshot, const Path& folder);
  // Reads every byte of records and segments and compares them. Returns what is wrong; empty: nothing.
  std::vector<std::string> verify();

  struct Status {
    size_t points = 0, indexed = 0, segments = 0, in_memory = 0;
    size_t vector_bytes = 0, index_bytes = 0, memory_bytes = 0, record_bytes = 0;
    size_t written = 0, merged = 0, built = 0, grown = 0;  // made since it was opened: segments of tables, of other segments,
                                                           // indexes, and those of them that grew out of another one
    bool working = false;              // merging, indexing or checking goes on or is to come, or failed and is tried again
    std::vector<std::string> damage;   // found since it was opened, mended or not: the newest
    std::vector<std::string> trouble;  // what is wrong now: damage, a segment that cannot be indexed, a full disk
  };
  Status status() const;

 private:
  // collection_open.cpp: segments, and what the records have beyond them.
  void open_segments();
  void remove_strays(const Manifest& manifest) const;
  void replay(ViewEdit& edit, uint64_t after);
  void write_out(ViewEdit& edit);
  void recover_records(const CollectionView& view, uint64_t known);
  // Writing.
  void append(ViewEdit& edit, const PointId& id, uint64_t sequence, std::span<const float> vector,
              std::string_view payload);
  void start_table(ViewEdit& edit);
  void wait_for_room();
  void throw_if_closed() const;
  static void throw_if_stopped(const std::stop_token& stop);  // interrupted
  void publish(std::shared_ptr<const CollectionView> view);

  // In the background, chosen by collection_work.h.
  WorkChoice choice(const CollectionView& view, const CollectionConfig& config,
                    const std::set<const PointTable*>& busy) const {
    return {view, config, busy, at_rest()};
  }
  bool at_rest() const;   // nothing was written for a while, or settle() waits
  bool has_work() const;  // with write_mutex_
  // collection_maintenance.cpp: doing it.
  void maintain(Lane lane, const std::stop_token& stop);
  using Indexes = std::vector<std::shared_ptr<const SegmentIndex>>;
  // False: there is nothing to do. The indexes that it took the place of are added to `retired`.
  bool work_once(Lane lane, Indexes& retired, const std::stop_token& stop);
  void carry_out(const LaneWork& work, Lane lane, const std::stop_token& stop);
  TableView make_segment(std::span<const Segment::Source> sources, std::vector<Segment::Place>& places);
  bool replace(const LaneWork& work, const std::vector<Segment::Place>& places, const TableView& made);
  bool manifest_is_behind() const { return layout_ != written_layout_; }
  void write_manifest();
  void verify_segments(const std::stop_token& stop);
  void mend_damaged();
  void mend(const std::shared_ptr<const Segment>& damaged);
  void note_damage(const std::string& text);
  void note_mended(const std::string& text);
  void wake();
  // collection_index.cpp: graph indexes.
  std::shared_ptr<const SegmentIndex> open_segment_index(const std::shared_ptr<const Segment>& segment);
  struct FormerIndex {  // the one that most points of a segment were in, and where (VectorIndex::grown())
    std::shared_ptr<const SegmentIndex> index;
    std::vector<uint32_t> slots;
  };
  static FormerIndex former_index(std::span<const TableView> tables, std::span<const Segment::Place> places);
  void build_segment_index(TableView& table, const FormerIndex& former, const std::stop_token& stop);
  void leave_unindexed(TableView& table, const std::string& why);
  void install_index(const TableView& indexed);

  Path folder_;
  FileLock lock_;
  CollectionConfig config_;
  std::string id_;                      // empty: made by a version that gave none
  std::optional<RecordStore> records_;  // until close()
  size_t table_capacity_;

  mutable std::mutex view_mutex_;  // held for a moment
  std::shared_ptr<const CollectionView> view_;
  std::mutex write_mutex_;  // one writer at a time: of points, or of which tables there are
  std::set<const PointTable*> busy_;  // in the work of a lane; with write_mutex_
  std::atomic<uint64_t> layout_{0};   // counted up when segments come or go; with write_mutex_
  std::atomic<uint64_t> written_layout_{0};  // that of the manifest
  std::vector<Path> superseded_;      // segments in no view, needed until the manifest is written; with write_mutex_
  std::mutex manifest_mutex_;         // a manifest is not overtaken by an older one
  std::atomic<uint64_t> next_file_{1};
  std::atomic<bool> closed_{false};
  mutable std::shared_mutex copying_mutex_;  // shared while the records are read by their name

  mutable std::mutex state_mutex_;
  std::condition_variable_any changed_;
  uint64_t events_ = 0;  // counted up by wake()
  struct Damage {
    std::string text;
    bool mended = false;
  };
  std::vector<Damage> damage_;
  std::array<std::string, 3> failures_;  // why a lane does not get on; empty: it does
  std::atomic<size_t> working_{0};
  std::atomic<size_t> written_{0}, merged_{0}, built_{0}, grown_{0};
  std::atomic<size_t> settling_{0};  // how many wait in settle()
  std::atomic<std::chrono::steady_clock::time_point> written_at_{std::chrono::steady_clock::now()};
  std::atomic<bool> unverified_{false};
  std::vector<std::jthread> lanes_;  // last: they use all of the above
};

}  // namespace cowatch

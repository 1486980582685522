// What a collection holds at one moment. A reader takes a view and keeps it: nothing in it changes, whatever
// is written, merged or indexed meanwhile.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/threads.h"
#include "search/compute/vector_index.h"
#include "search/io/memory_table.h"
#include "search/io/segment.h"

namespace cowatch {

// A segment's vectors for its graph index, checked as they are read.
class SegmentRows final : public VectorSource {
 public:
  explicit SegmentRows(std::shared_ptr<const Segment> segment)
      : segment_(std::move(segment)), dimension_(segment_->rows(0, 0).columns) {}
  size_t size() const override { return segment_->size(); }
  size_t dimension() const override { return dimension_; }
  ElementType type() const override { return ElementType::f32; }
  const void* row(uint32_t slot) const override { return segment_->vector_of(slot).data(); }

 private:
  std::shared_ptr<const Segment> segment_;
  size_t dimension_;
};

// A segment's graph index, with what it borrows.
struct SegmentIndex {
  explicit SegmentIndex(const std::shared_ptr<const Segment>& of) : segment(of), rows(of) {}
  std::shared_ptr<const Segment> segment;
  SegmentRows rows;
  std::unique_ptr<const VectorIndex> index;
};

struct TableView {
  std::shared_ptr<const PointTable> table;
  std::shared_ptr<const Allowed> live;
  std::shared_ptr<const SegmentIndex> index;                 // null: searched exactly
  std::shared_ptr<const Segment> segment;                    // null: a table in memory
  std::shared_ptr<const std::string> unindexable = nullptr;  // why an index was tried in vain
};

struct PointPlace {
  uint32_t table, slot;
};

// Of each table of a view.
using AllowedSlots = std::vector<std::shared_ptr<const Allowed>>;

struct CollectionView {
  uint64_t sequence = 0;  // of the last batch it shows
  std::vector<TableView> tables;
  std::shared_ptr<MemoryTable> active;  // the last of the tables, which the writer alone fills

  size_t count() const;
  size_t tables_in_memory() const;
  size_t scanned() const;  // how many of them no index finds: every search compares them all
  std::optional<PointPlace> find(const PointId& id) const;
  PointId id_of(PointPlace at) const { return tables[at.table].table->id_of(at.slot); }
  // Each table's living slots that satisfy the condition (null: all). Throws as Patience::check().
  AllowedSlots select(const Condition* condition, const Patience& patience = {}) const;
  // The next points in order of id, at most `count`.
  std::vector<PointPlace> in_order(const PointId& from, size_t count, const AllowedSlots& allowed) const;
};

// A view in the making: what it shares with the former view is copied before it is changed.
class ViewEdit {
 public:
  explicit ViewEdit(const CollectionView& before) : view_(before), owned_(before.tables.size()) {}
  const CollectionView& view() const { return view_; }
  Allowed& live(size_t table);
  void kill(PointPlace at) { live(at.table).remove(at.slot); }
  void add_table(TableView table);
  void start_table(std::shared_ptr<MemoryTable> table);  // it becomes the active one
  std::shared_ptr<const CollectionView> finish(uint64_t sequence);

 private:
  CollectionView view_;
  std::vector<std::shared_ptr<Allowed>> owned_;
};

struct VectorQuery {
  std::span<const float> vector;  // of unit length for cosine
  size_t k = 10;
  size_t effort = 0, probes = 0;  // as those of SearchOptions
  bool exact = false;             // scan, whatever indexes there are
  Patience patience = {};
};

struct Hit {
  PointPlace at;
  float score;  // higher is nearer
};

// For each query the k best of the slots that are allowed to it, equal scores by smaller id. What no index
// finds is passed over once for all queries. The pieces of a search (an index, some rows) are run by `loop`;
// an answer depends neither on that nor on what else is asked. Throws as Patience::check() when
// that of one of them ends.
std::vector<std::vector<Hit>> search(const CollectionView& view, Metric metric,
                                     std::span<const VectorQuery> queries,
                                     std::span<const AllowedSlots> allowed, const PieceLoop& loop = {});
inline std::vector<Hit> search(const CollectionView& view, Metric metric, const VectorQuery& query,
                               const AllowedSlots& allowed, const PieceLoop& loop = {}) {
  return std::move(search(view, metric, std::span(&query, 1), std::span(&allowed, 1), loop).front());
}

}  // namespace cowatch

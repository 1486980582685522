// Indexes of a collection's large segments: built in the background, kept in a file beside the segment.
#include "base/error.h"
#include "base/log.h"
#include "search/collection.h"

namespace cowatch {
namespace {

Path index_path(const Segment& segment) {
  return Path(segment.path()).replace_extension(".index");
}

}  // namespace

std::shared_ptr<const Segment> Collection::largest_unindexed(const CollectionView& view) const {
  std::shared_ptr<const Segment> largest;
  if (config_.index == IndexKind::exact) return largest;
  for (const TableView& table : view.tables) {
    if (!table.segment || table.index || unindexable_ == table.segment || table.segment->size() < config_.index_threshold) continue;
    if (!largest || table.segment->size() > largest->size()) largest = table.segment;
  }
  return largest;
}

// The index beside a segment, or null: then it is built.
std::shared_ptr<const SegmentIndex> Collection::open_segment_index(const std::shared_ptr<const Segment>& segment) {
  const Path path = index_path(*segment);
  if (!std::filesystem::exists(path)) return nullptr;
  try {
    auto opened = std::make_shared<SegmentIndex>(SegmentIndex{segment, VectorRows(segment->vectors()), nullptr});
    opened->index = open_index(path, opened->rows);
    return opened;
  } catch (const Error& error) {
    note_trouble(std::string("an index is built again: ") + error.what());
    std::filesystem::remove(path);
    return nullptr;
  }
}

void Collection::index_segments(const std::stop_token& stop) {
  uint64_t seen = 0;
  while (!stop.stop_requested()) {
    try {
      while (!stop.stop_requested() && index_once(stop)) {
      }
    } catch (const std::exception& error) {
      if (stop.stop_requested()) return;
      const std::lock_guard lock(write_mutex_);
      unindexable_ = largest_unindexed(*view());
      note_trouble(std::string("a segment cannot be indexed, it is searched exactly: ") + error.what());
    }
    std::unique_lock lock(state_mutex_);
    indexing_file_.clear();
    indexing_ = false;
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::seconds(1), [&] { return events_ != seen || stop.stop_requested(); });
    seen = events_;
  }
}

bool Collection::index_once(const std::stop_token& stop) {
  std::shared_ptr<const Segment> segment;
  IndexOptions options;
  {
    // The merging thread looks at indexing_file_ under the same lock when it chooses.
    const std::lock_guard lock(write_mutex_);
    segment = largest_unindexed(*view());
    if (!segment) return false;
    options = index_options(config_);
    const std::lock_guard state(state_mutex_);
    indexing_file_ = segment->path().filename().string();
    indexing_ = true;
  }
  auto built = std::make_shared<SegmentIndex>(SegmentIndex{segment, VectorRows(segment->vectors()), nullptr});
  built->index = build_index(options, built->rows, nullptr, [&](size_t) {
    if (stop.stop_requested()) throw Error(ErrorCode::interrupted, "the collection is being closed");
  });
  built->index->save(index_path(*segment));
  install_index(built);
  return true;
}

void Collection::install_index(const std::shared_ptr<const SegmentIndex>& index) {
  const std::lock_guard lock(write_mutex_);
  auto next = std::make_shared<CollectionView>(*view());
  for (TableView& table : next->tables)
    if (table.segment == index->segment) table.index = index;
  publish(next);
}

}  // namespace cowatch

// Indexes of a collection's large segments: built in the background, kept in a file beside the segment.
#include <new>

#include "base/error.h"
#include "search/collection.h"

namespace cowatch {
namespace {

Path index_path(const Segment& segment) {
  return Path(segment.path()).replace_extension(".index");
}

}  // namespace

bool Collection::wants_index(const TableView& table) const {
  return table.segment && !table.index && config_.indexes(table.segment->size()) &&
         !unindexable_.contains(table.table.get());
}

// The index beside a segment, or null: then it is built.
std::shared_ptr<const SegmentIndex> Collection::open_segment_index(
    const std::shared_ptr<const Segment>& segment) {
  const Path path = index_path(*segment);
  if (!std::filesystem::exists(path)) return nullptr;
  try {
    auto opened = std::make_shared<SegmentIndex>(segment);
    opened->index = open_index(path, opened->rows);
    return opened;
  } catch (const Error& error) {
    note_damage(std::string("an index is built again: ") + error.what());
    std::filesystem::remove(path);
    return nullptr;
  }
}

// Null when the segment cannot be indexed: it is searched exactly then. Throws interrupted, and what a full
// disk or a damaged segment throws.
std::shared_ptr<const SegmentIndex> Collection::build_segment_index(
    const std::shared_ptr<const Segment>& segment, const std::stop_token& stop) {
  const IndexOptions options = config().index;
  auto built = std::make_shared<SegmentIndex>(segment);
  try {
    built->index = build_index(options, built->rows, nullptr, [&](size_t) {
      if (stop.stop_requested()) throw Error(ErrorCode::interrupted, "the collection is being closed");
    });
  } catch (const Error& error) {
    // A vector that cannot be indexed, options that an earlier version took, or more memory than the
    // collection may take.
    if (error.code() != ErrorCode::bad_input && error.code() != ErrorCode::bad_argument &&
        error.code() != ErrorCode::no_space)
      throw;
    leave_unindexed(segment, error.what());
    return nullptr;
  } catch (const std::bad_alloc&) {
    leave_unindexed(segment, "the machine has not enough memory for the index");
    return nullptr;
  }
  built->index->save(index_path(*segment));
  return built;
}

void Collection::leave_unindexed(const std::shared_ptr<const Segment>& segment, const std::string& why) {
  note_trouble("a segment cannot be indexed, it is searched exactly: " + why);
  const std::lock_guard lock(write_mutex_);
  unindexable_.insert(segment.get());
}

bool Collection::install_index(const std::shared_ptr<const SegmentIndex>& index) {
  const std::lock_guard lock(write_mutex_);
  auto next = std::make_shared<CollectionView>(*view());
  bool found = false;
  for (TableView& table : next->tables) {
    if (table.segment != index->segment) continue;
    table.index = index;
    found = true;
  }
  publish(next);
  return found;
}

}  // namespace cowatch

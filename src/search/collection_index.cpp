// Indexes of a collection's large segments: built in the background, kept in a file beside the segment.
#include <algorithm>
#include <new>

#include "base/error.h"
#include "base/log.h"
#include "search/collection.h"

namespace cowatch {
namespace {

Path index_path(const Segment& segment) {
  return Path(segment.path()).replace_extension(".index");
}

}  // namespace

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

Collection::FormerIndex Collection::former_index(std::span<const TableView> tables,
                                                 std::span<const Segment::Place> places) {
  size_t largest = tables.size();
  for (size_t t = 0; t < tables.size(); ++t) {
    if (tables[t].index && (largest == tables.size() || tables[t].live->count() > tables[largest].live->count())) largest = t;
  }
  if (largest == tables.size()) return {};
  FormerIndex former{tables[largest].index, {}};
  for (const Segment::Place& place : places)
    former.slots.push_back(place.source == largest ? place.slot : VectorIndex::no_former);
  return former;
}

// Gives the table its index, or the reason why it is searched exactly. Throws interrupted, and what a full
// disk or a damaged segment throws.
void Collection::build_segment_index(TableView& table, const FormerIndex& former, const std::stop_token& stop) {
  const IndexOptions options = config().index;
  auto built = std::make_shared<SegmentIndex>(table.segment);
  try {
    const auto advance = [&](size_t) { throw_if_stopped(stop); };
    if (former.index) built->index = former.index->index->grown(options, former.slots, built->rows, advance);
    if (built->index)
      ++grown_;
    else
      built->index = build_index(options, built->rows, nullptr, advance);
  } catch (const Error& error) {
    // A vector that cannot be indexed, options that an earlier version took, or more memory than the
    // collection may take.
    if (error.code() != ErrorCode::bad_input && error.code() != ErrorCode::bad_argument &&
        error.code() != ErrorCode::no_space)
      throw;
    return leave_unindexed(table, error.what());
  } catch (const std::bad_alloc&) {
    return leave_unindexed(table, "the machine has not enough memory for the index");
  }
  built->index->save(index_path(*table.segment));
  ++built_;
  table.index = built;
}

void Collection::leave_unindexed(TableView& table, const std::string& why) {
  const std::string instead = table.index ? " anew, its former index stays in use: " : ", it is searched exactly: ";
  table.unindexable = std::make_shared<const std::string>("a segment cannot be indexed" + instead + why);
  log(LogLevel::error, "collection " + folder_.filename().string() + ": " + *table.unindexable);
}

void Collection::install_index(const TableView& indexed) {
  const std::lock_guard lock(write_mutex_);
  auto next = std::make_shared<CollectionView>(*view());
  const auto table = std::ranges::find(next->tables, indexed.segment, &TableView::segment);
  if (table == next->tables.end()) {  // it was mended meanwhile
    std::filesystem::remove(index_path(*indexed.segment));
    return;
  }
  table->index = indexed.index;
  table->unindexable = indexed.unindexable;
  publish(next);
}

}  // namespace cowatch

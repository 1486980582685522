// What goes on behind a collection: tables in memory are written out as segments, segments are merged,
// cleaned and indexed, their bytes checked.
#include <algorithm>
#include <map>

#include "base/background.h"
#include "base/error.h"
#include "base/log.h"
#include "search/collection.h"

namespace cowatch {
namespace {

constexpr int flush_niceness = 5;
constexpr auto look_every = std::chrono::seconds(1);
constexpr int longest_pause = 64;  // looks left out after one failure after another
constexpr size_t most_damage = 100;
constexpr auto time_to_rest = std::chrono::minutes(1);  // after the last write

// To give back the memory of a large index, and its segment, takes a tenth of a second: not in the thread of a search that happens
// to be the last to hold it. In no view any longer, it comes into no more hands.
void drop_unread(std::vector<std::shared_ptr<const SegmentIndex>>& retired) {
  std::erase_if(retired, [](const auto& index) { return index.use_count() == 1; });
}

void remove_segment(const Path& path) {
  file_system().remove(path);
  std::filesystem::remove(Path(path).replace_extension(".index"));
}

}  // namespace

void Collection::wake() {
  const std::lock_guard lock(state_mutex_);
  ++events_;
  changed_.notify_all();
}

void Collection::note_damage(const std::string& text) {
  const std::lock_guard lock(state_mutex_);
  if (std::ranges::find(damage_, text, &Damage::text) != damage_.end()) return;  // mending is tried again
  log(LogLevel::error, "collection " + folder_.filename().string() + ": " + text);
  if (damage_.size() == most_damage) damage_.erase(damage_.begin());
  damage_.push_back({text});
}

void Collection::note_mended(const std::string& text) {
  const std::lock_guard lock(state_mutex_);
  if (const auto found = std::ranges::find(damage_, text, &Damage::text); found != damage_.end()) found->mended = true;
}

void Collection::maintain(Lane lane, const std::stop_token& stop) {
  // Writers wait for tables to be written out; searches wait for nothing.
  std::optional<BackgroundThread> background;
  if (lane != Lane::flush)
    background.emplace();
  else
    be_nice(flush_niceness);
  if (lane == Lane::large && unverified_) verify_segments(stop);
  std::string& failure = failures_[static_cast<size_t>(lane)];
  Indexes retired;
  uint64_t seen = 0;
  int pause = 1;
  while (!stop.stop_requested()) {
    std::string failed;
    try {
      if (lane == Lane::flush) {
        write_manifest();  // unless that failed before, there is nothing to write
        mend_damaged();
      }
      while (!stop.stop_requested() && work_once(lane, retired, stop)) {
        wake();
        drop_unread(retired);
      }
    } catch (const std::exception& error) {
      if (stop.stop_requested()) return;
      failed = error.what();
    }
    drop_unread(retired);
    pause = failed.empty() ? 1 : std::min(longest_pause, 2 * pause);
    std::unique_lock lock(state_mutex_);
    if (failed != failure && !failed.empty())
      log(LogLevel::error, "collection " + folder_.filename().string() + ": " + failed);
    failure = failed;
    changed_.notify_all();
    // After a failure, such as a full disk, events do not cut the pause short.
    changed_.wait_for(lock, look_every * pause,
                      [&] { return (failed.empty() && events_ != seen) || stop.stop_requested(); });
    seen = events_;
  }
}

bool Collection::work_once(Lane lane, Indexes& retired, const std::stop_token& stop) {
  std::optional<LaneWork> work;
  {
    const std::lock_guard lock(write_mutex_);
    const auto now = view();
    work = choice(*now, config_, busy_).next(lane);
    if (!work) return false;
    for (const TableView& table : work->tables) busy_.insert(table.table.get());
    ++working_;
  }
  const auto done = [&] {
    const std::lock_guard lock(write_mutex_);
    for (const TableView& table : work->tables) busy_.erase(table.table.get());
    --working_;
  };
  try {
    carry_out(*work, lane, stop);
  } catch (...) {
    done();
    throw;
  }
  done();
  for (const TableView& table : work->tables)
    if (table.index) retired.push_back(table.index);
  return true;
}

void Collection::carry_out(const LaneWork& work, Lane lane, const std::stop_token& stop) {
  if (work.index_only) {
    TableView indexed = work.tables[0];
    build_segment_index(indexed, {}, stop);
    install_index(indexed);
    return;
  }
  std::vector<Segment::Source> sources;
  size_t count = 0;
  for (const TableView& table : work.tables) {
    sources.push_back({table.table, *table.live});
    count += table.live->count();
  }
  std::vector<Segment::Place> places;
  TableView made;
  if (count > 0) made = make_segment(sources, places);
  try {
    // Tables in memory must not wait for a graph.
    if (made.segment && lane != Lane::flush && config().indexes(made.segment->size()))
      build_segment_index(made, former_index(work.tables, places), stop);
  } catch (...) {
    remove_segment(made.segment->path());
    throw;
  }
  if (replace(work, places, made)) {
    ++(lane == Lane::flush ? written_ : merged_);
    write_manifest();
  } else if (made.segment) {
    remove_segment(made.segment->path());
  }
}

// A segment of the points, all alive, without an index. Nothing is left of one that fails.
TableView Collection::make_segment(std::span<const Segment::Source> sources,
                                   std::vector<Segment::Place>& places) {
  const std::string number = std::to_string(next_file_++);
  const Path path = folder_ / ("segment-" + (id_.empty() ? number : id_ + "-" + number) + ".safetensors");
  try {
    places = Segment::write(path, config_.dimension, sources);
    const auto segment = std::make_shared<Segment>(path, config_.dimension, false);
    if (config().codes_segment(segment->size())) segment->code_rows();
    return {segment, std::make_shared<const Allowed>(places.size(), true), nullptr, segment};
  } catch (...) {
    remove_segment(path);
    throw;
  }
}

// Points that were erased or written again while the segment was made are dead in it too. False: a table is
// no longer in the view, it was mended meanwhile, and nothing has changed.
bool Collection::replace(const LaneWork& work, const std::vector<Segment::Place>& places, const TableView& made) {
  const std::lock_guard lock(write_mutex_);
  const auto now = view();
  std::map<const PointTable*, size_t> source_of;
  for (size_t s = 0; s < work.tables.size(); ++s) source_of[work.tables[s].table.get()] = s;
  std::vector<const Allowed*> live(work.tables.size());
  auto next = std::make_shared<CollectionView>();
  next->sequence = now->sequence;
  next->active = now->active;
  for (const TableView& table : now->tables) {
    if (const auto source = source_of.find(table.table.get()); source != source_of.end()) {
      live[source->second] = table.live.get();
    } else {
      next->tables.push_back(table);
    }
  }
  if (std::find(live.begin(), live.end(), nullptr) != live.end()) return false;
  if (made.segment) {
    auto alive = std::make_shared<Allowed>(made.segment->size(), true);
    for (uint32_t slot = 0; slot < places.size(); ++slot)
      if (!live[places[slot].source]->has(places[slot].slot)) alive->remove(slot);
    next->tables.insert(next->tables.begin(),
                        {made.table, alive, made.index, made.segment, made.unindexable});
  }
  for (const TableView& table : work.tables)
    if (table.segment) superseded_.push_back(table.segment->path());
  ++layout_;
  publish(next);
  return true;
}

// Says on the disk which segments there are, and removes those that were needed until it did. When it fails
// it is written by the next that asks.
void Collection::write_manifest() {
  const std::lock_guard turn(manifest_mutex_);
  Manifest manifest;
  manifest.collection = id_;
  uint64_t layout = 0;
  std::vector<Path> superseded;
  {
    const std::lock_guard lock(write_mutex_);
    if (!manifest_is_behind()) return;
    layout = layout_;
    superseded = superseded_;
    const auto now = view();
    manifest.sequence = now->sequence;
    for (const TableView& table : now->tables) {
      if (table.segment) {
        manifest.segments.push_back({table.segment->path().filename().string(), *table.live});
      } else {
        const auto least = static_cast<const MemoryTable&>(*table.table).least_sequence();
        manifest.sequence = std::min(manifest.sequence, least - 1);
      }
    }
  }
  manifest.next_file = next_file_;
  manifest.write(folder_ / "manifest.safetensors");
  const std::lock_guard lock(write_mutex_);
  records_->forget_erased(manifest.sequence);
  // Readers of older views keep the files' bytes through their maps.
  for (const Path& path : superseded) remove_segment(path);
  superseded_.erase(superseded_.begin(), superseded_.begin() + static_cast<ptrdiff_t>(superseded.size()));
  written_layout_ = layout;
}

void Collection::throw_if_stopped(const std::stop_token& stop) {
  if (stop.stop_requested()) throw Error(ErrorCode::interrupted, "the collection is being closed");
}

void Collection::verify_segments(const std::stop_token& stop) {
  const auto now = view();
  for (const TableView& table : now->tables) {
    try {
      if (table.segment) table.segment->verify([&] { throw_if_stopped(stop); });
    } catch (const Error& error) {
      if (error.code() == ErrorCode::interrupted) return;
      // The segment knows now; it is mended.
    }
  }
  unverified_ = false;
  wake();
}

// Segments that a search, a merge or the check found damaged.
void Collection::mend_damaged() {
  const auto now = view();
  for (const TableView& table : now->tables) {
    if (!table.segment || !table.segment->damaged()) continue;
    const std::string text = "a segment is made again from the records: " + table.segment->damage();
    note_damage(text);
    mend(table.segment);
    note_mended(text);
    write_manifest();
  }
}

// The points of the damaged segment come from the records instead; searches go on with the former view until
// all are there.
void Collection::mend(const std::shared_ptr<const Segment>& damaged) {
  const std::lock_guard lock(write_mutex_);
  const auto now = view();
  CollectionView rest{now->sequence, {}, nullptr};
  for (const TableView& table : now->tables)
    if (table.segment != damaged) rest.tables.push_back(table);
  if (rest.tables.size() == now->tables.size()) return;  // it was merged meanwhile
  ViewEdit edit(rest);
  try {
    replay(edit, 0);
  } catch (...) {
    for (const TableView& table : edit.view().tables) {
      const auto same = [&](const TableView& each) { return each.segment == table.segment; };
      if (table.segment && std::ranges::none_of(now->tables, same)) remove_segment(table.segment->path());
    }
    throw;
  }
  superseded_.push_back(damaged->path());
  ++layout_;
  publish(edit.finish(now->sequence));
}

bool Collection::at_rest() const {
  return settling_ > 0 || std::chrono::steady_clock::now() - written_at_.load() > time_to_rest;
}

bool Collection::has_work() const {
  const auto now = view();
  return !busy_.empty() || manifest_is_behind() || choice(*now, config_, busy_).any();
}

void Collection::settle() {
  const struct Settling {
    explicit Settling(std::atomic<size_t>& waiting) : waiting_(waiting) { ++waiting_; }
    ~Settling() { --waiting_; }
    std::atomic<size_t>& waiting_;
  } settling(settling_);
  {
    const std::lock_guard lock(write_mutex_);
    throw_if_closed();
    if (view()->active->size() > 0) {
      ViewEdit edit(*view());
      start_table(edit);
      publish(edit.finish(edit.view().sequence));
    }
  }
  wake();
  for (;;) {
    throw_if_closed();
    bool done = !unverified_;
    {
      const std::lock_guard writing(write_mutex_);
      done = done && !has_work();
    }
    std::unique_lock lock(state_mutex_);
    for (const std::string& failure : failures_)
      if (!failure.empty()) throw Error(ErrorCode::system, failure);
    if (done) return;
    changed_.wait_for(lock, std::chrono::milliseconds(20));
  }
}

std::vector<std::string> Collection::verify() {
  std::vector<std::string> found;
  const std::lock_guard lock(write_mutex_);
  throw_if_closed();
  const auto now = view();
  const auto attempt = [&](const auto& work) {
    try {
      work();
    } catch (const Error& error) {
      found.emplace_back(error.what());
    }
  };
  attempt([&] { records_->verify(); });
  for (const TableView& table : now->tables)
    if (table.segment) attempt([&] { table.segment->verify(); });
  size_t points = 0;
  attempt([&] {
    records_->replay(0, [&](const PointRecord& record) {
      if (record.erased) return;
      ++points;
      const auto at = now->find(record.id);
      const auto* table = at ? now->tables[at->table].table.get() : nullptr;
      if (!table || !std::ranges::equal(table->vector_of(at->slot), record.vector) ||
          table->payload_text(at->slot) != record.payload)
        found.push_back("point " + to_text(record.id) + " is answered otherwise than it is recorded");
    });
  });
  if (points != now->count())
    found.push_back(std::to_string(now->count()) + " points are answered, " + std::to_string(points) +
                    " recorded");
  return found;
}

}  // namespace cowatch

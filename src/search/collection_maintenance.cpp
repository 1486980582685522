// What goes on behind a collection: tables in memory are written out as segments, segments are merged and
// cleaned, their bytes checked.
#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/log.h"
#include "search/collection.h"

namespace cowatch {
namespace {

// Segments of about one size are merged once there are so many, so that a search asks few and each point is
// copied a logarithmic number of times.
constexpr size_t merge_count = 4, size_ratio = 4;
constexpr double most_dead = 0.3;  // a segment with more dead slots is written anew
constexpr auto look_every = std::chrono::seconds(1);

}  // namespace

void Collection::wake() {
  const std::lock_guard lock(state_mutex_);
  ++events_;
  changed_.notify_all();
}

void Collection::note_trouble(const std::string& text) {
  log(LogLevel::error, "collection " + folder_.filename().string() + ": " + text);
  const std::lock_guard lock(state_mutex_);
  trouble_.push_back(text);
}

void Collection::maintain(const std::stop_token& stop) {
  if (unverified_) verify_segments();
  uint64_t seen = 0;
  while (!stop.stop_requested()) {
    std::string failure;
    try {
      merging_ = true;
      while (!stop.stop_requested() && merge_once()) wake();
    } catch (const std::exception& error) {
      failure = error.what();
    }
    merging_ = false;
    std::unique_lock lock(state_mutex_);
    if (failure != failure_ && !failure.empty())
      log(LogLevel::error, "collection " + folder_.filename().string() + ": " + failure);
    failure_ = failure;
    changed_.notify_all();
    changed_.wait_for(lock, look_every, [&] { return events_ != seen || stop.stop_requested(); });
    seen = events_;
  }
}

// Full tables in memory first, all at once; else a segment with many dead, else small segments alike in size.
std::vector<size_t> Collection::choose_tables(const CollectionView& view) const {
  std::vector<size_t> full, segments;
  std::string indexing;
  {
    const std::lock_guard lock(state_mutex_);
    indexing = indexing_file_;
  }
  for (size_t t = 0; t < view.tables.size(); ++t) {
    const TableView& table = view.tables[t];
    if (!table.segment) {
      if (table.table.get() != active_.get()) full.push_back(t);
    } else if (table.segment->path().filename() != indexing) {
      segments.push_back(t);
    }
  }
  if (!full.empty()) return full;
  const auto living = [&](size_t t) { return view.tables[t].live->count(); };
  for (const size_t t : segments) {
    const auto slots = static_cast<double>(view.tables[t].segment->size());
    if (slots - static_cast<double>(living(t)) > most_dead * slots) return {t};
  }
  std::sort(segments.begin(), segments.end(), [&](size_t a, size_t b) { return living(a) < living(b); });
  for (size_t first = 0; first + merge_count <= segments.size(); ++first) {
    size_t end = first;
    while (end < segments.size() && living(segments[end]) <= size_ratio * std::max<size_t>(living(segments[first]), 1))
      ++end;
    if (end - first >= merge_count) return {segments.begin() + static_cast<ptrdiff_t>(first),
                                            segments.begin() + static_cast<ptrdiff_t>(end)};
  }
  return {};
}

bool Collection::merge_once() {
  std::shared_ptr<const CollectionView> before;
  std::vector<size_t> chosen;
  {
    const std::lock_guard lock(write_mutex_);
    before = view();
    chosen = choose_tables(*before);
  }
  if (chosen.empty()) return false;
  std::vector<Segment::Source> sources;
  size_t count = 0;
  for (const size_t t : chosen) {
    sources.push_back({before->tables[t].table, *before->tables[t].live});
    count += sources.back().live.count();
  }
  std::vector<Segment::Place> places;
  std::shared_ptr<const Segment> segment;
  if (count > 0) {
    const Path path = folder_ / ("segment-" + std::to_string(next_file_++) + ".safetensors");
    places = Segment::write(path, config_.dimension, sources);
    segment = std::make_shared<const Segment>(path, config_.dimension, false);
  }
  replace(*before, chosen, places, segment);
  write_manifest();
  // Readers of older views keep the files' bytes through their maps.
  for (const size_t t : chosen) {
    if (const auto& old = before->tables[t].segment) {
      file_system().remove(old->path());
      std::filesystem::remove(Path(old->path()).replace_extension(".index"));
    }
  }
  return true;
}

// Points that were erased or written again while the segment was made are dead in it too.
void Collection::replace(const CollectionView& before, const std::vector<size_t>& chosen,
                         const std::vector<Segment::Place>& places, std::shared_ptr<const Segment> segment) {
  const std::lock_guard lock(write_mutex_);
  const auto now = view();
  std::map<const PointTable*, size_t> source_of;
  for (size_t s = 0; s < chosen.size(); ++s) source_of[before.tables[chosen[s]].table.get()] = s;
  std::vector<const Allowed*> live(chosen.size());
  auto next = std::make_shared<CollectionView>();
  next->sequence = now->sequence;
  for (const TableView& table : now->tables) {
    if (const auto source = source_of.find(table.table.get()); source != source_of.end()) {
      live[source->second] = table.live.get();
    } else {
      next->tables.push_back(table);
    }
  }
  if (segment) {
    auto alive = std::make_shared<Allowed>(segment->size(), true);
    for (uint32_t slot = 0; slot < places.size(); ++slot)
      if (!live[places[slot].source]->has(places[slot].slot)) alive->remove(slot);
    next->tables.insert(next->tables.begin(), {segment, alive, nullptr, segment});
  }
  publish(next);
}

void Collection::write_manifest() {
  Manifest manifest;
  {
    const std::lock_guard lock(write_mutex_);
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
  records_.forget_erased(manifest.sequence);
}

void Collection::verify_segments() {
  const auto now = view();
  for (const TableView& table : now->tables) {
    if (!table.segment) continue;
    try {
      table.segment->verify();
    } catch (const Error& error) {
      note_trouble(std::string("a segment is made again from the records: ") + error.what());
      try {
        mend(table.segment);
      } catch (const std::exception& failed) {
        note_trouble(failed.what());
      }
    }
  }
  unverified_ = false;
}

// The points of the damaged segment come from the records instead; searches go on with the former view until
// all are there.
void Collection::mend(const std::shared_ptr<const Segment>& damaged) {
  const std::lock_guard lock(write_mutex_);
  const auto now = view();
  CollectionView rest{now->sequence, {}};
  for (const TableView& table : now->tables)
    if (table.segment != damaged) rest.tables.push_back(table);
  ViewEdit edit(rest);
  replay(edit, 0);
  publish(edit.finish(now->sequence));
}

void Collection::settle() {
  {
    const std::lock_guard lock(write_mutex_);
    if (active_->size() > 0) {
      ViewEdit edit(*view());
      start_table(edit);
      publish(edit.finish(edit.view().sequence));
    }
  }
  wake();
  std::unique_lock lock(state_mutex_);
  for (;;) {
    if (!failure_.empty()) throw Error(ErrorCode::system, failure_);
    lock.unlock();
    bool done = !merging_ && !unverified_ && !indexing_;
    {
      const std::lock_guard writing(write_mutex_);
      done = done && choose_tables(*view()).empty() && !largest_unindexed(*view());
    }
    lock.lock();
    if (done) return;
    changed_.wait_for(lock, std::chrono::milliseconds(20));
  }
}

std::vector<std::string> Collection::verify() {
  std::vector<std::string> found;
  const std::lock_guard lock(write_mutex_);
  const auto now = view();
  const auto attempt = [&](const auto& work) {
    try {
      work();
    } catch (const Error& error) {
      found.emplace_back(error.what());
    }
  };
  attempt([&] { records_.verify(); });
  for (const TableView& table : now->tables)
    if (table.segment) attempt([&] { table.segment->verify(); });
  size_t points = 0;
  attempt([&] {
    records_.replay(0, [&](const PointRecord& record) {
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
    found.push_back(std::to_string(now->count()) + " points are answered, " + std::to_string(points) + " recorded");
  return found;
}

}  // namespace cowatch

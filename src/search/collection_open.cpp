// Opening a collection: its segments, and what the records have beyond them.
#include <algorithm>
#include <set>

#include "base/error.h"
#include "search/collection.h"

namespace cowatch {
namespace {

constexpr const char* manifest_file = "manifest.safetensors";
// Every byte is read before the first answer as long as that takes a moment; larger collections are read in
// the background.
constexpr size_t verify_at_open = 256u << 20;

}  // namespace

void Collection::open_segments() {
  const Path path = folder_ / manifest_file;
  Manifest manifest;
  bool damaged = false;
  try {
    manifest = Manifest::read(path);
    if (manifest.collection != id_)
      throw Error(
          ErrorCode::damaged, "the manifest is one of another collection",
          {.where = path.string(), .expected = "id " + id_, .found = std::exchange(manifest, {}).collection});
  } catch (const Error& error) {
    if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::damaged) throw;
    damaged = error.code() == ErrorCode::damaged;
    if (damaged) note_damage(std::string("segments are made again from the records: ") + error.what());
  }
  next_file_ = manifest.next_file;
  remove_strays(manifest);
  size_t bytes = 0;
  for (const auto& entry : manifest.segments) {
    std::error_code ignored;
    bytes += std::filesystem::file_size(folder_ / entry.file, ignored);
  }
  unverified_ = bytes > verify_at_open;
  ViewEdit edit{CollectionView{}};
  for (const auto& entry : manifest.segments) {
    try {
      const auto segment = std::make_shared<Segment>(folder_ / entry.file, config_.dimension, !unverified_);
      if (segment->size() != entry.live.size())
        throw Error(ErrorCode::damaged, "the segment has another size than the manifest says",
                    {.where = segment->path().string()});
      if (config_.codes_segment(segment->size())) segment->code_rows();
      edit.add_table(
          {segment, std::make_shared<const Allowed>(entry.live), open_segment_index(segment), segment});
    } catch (const Error& error) {
      if (error.code() != ErrorCode::not_found && error.code() != ErrorCode::damaged) throw;
      damaged = true;
      superseded_.push_back(folder_ / entry.file);
      note_damage(std::string("a segment is made again from the records: ") + error.what());
    }
  }
  const uint64_t known = records_->sequence();
  replay(edit, damaged ? 0 : manifest.sequence);
  records_->raise_sequence(manifest.sequence);
  publish(edit.finish(std::max(known, manifest.sequence)));
  for (Damage& each : damage_) each.mended = true;  // segments come from the records, indexes are built in the background
  if (manifest.sequence > known) recover_records(*view(), known);
  if (damaged || next_file_ != manifest.next_file) ++layout_;  // segments went, or were made while replaying
}

// Files of a merge that a crash cut short, and segments that no manifest names.
void Collection::remove_strays(const Manifest& manifest) const {
  std::set<std::string> known;
  for (const auto& entry : manifest.segments) {
    known.insert(entry.file);
    known.insert(Path(entry.file).stem().string() + ".index");
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    const std::string name = entry.path().filename().string();
    if ((name.starts_with("segment-") || name.ends_with(".partial")) && !known.contains(name))
      std::filesystem::remove(entry.path());
  }
}

void Collection::replay(ViewEdit& edit, uint64_t after) {
  start_table(edit);
  records_->replay(after, [&](const PointRecord& record) {
    const auto at = edit.view().find(record.id);
    if (at) {
      const uint64_t sequence = edit.view().tables[at->table].table->sequence_of(at->slot);
      if (sequence >= record.sequence) return;
      edit.kill(*at);
    }
    if (!record.erased) append(edit, record.id, record.sequence, record.vector, record.payload);
    if (edit.view().tables_in_memory() > CollectionConfig::most_full_tables) write_out(edit);
  });
}

// Tables in memory become a segment at once: what is replayed may be much more than memory should hold.
void Collection::write_out(ViewEdit& edit) {
  CollectionView next{edit.view().sequence, {}, edit.view().active};
  std::vector<Segment::Source> sources;
  for (const TableView& table : edit.view().tables) {
    if (table.segment || table.table == next.active)
      next.tables.push_back(table);
    else
      sources.push_back({table.table, *table.live});
  }
  std::vector<Segment::Place> places;
  next.tables.insert(next.tables.begin(), make_segment(sources, places));
  edit = ViewEdit(next);
}

// The records end before the segments do: their end was lost or altered on the disk. What the segments hold
// of it is written anew.
void Collection::recover_records(const CollectionView& view, uint64_t known) {
  std::vector<PointChange> lost;
  for (const TableView& table : view.tables) {
    table.live->for_each([&](uint32_t slot) {
      if (table.table->sequence_of(slot) <= known) return;
      const auto vector = table.table->vector_of(slot);
      lost.push_back({table.table->id_of(slot),
                      false,
                      {vector.begin(), vector.end()},
                      std::string(table.table->payload_text(slot))});
    });
  }
  note_damage("the records end at batch " + std::to_string(known) +
              ", the segments later: " + std::to_string(lost.size()) +
              " points were written to the records again, erasures may be lost");
  if (!lost.empty()) write(std::move(lost));
}

}  // namespace cowatch

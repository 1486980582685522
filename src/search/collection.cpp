#include "search/collection.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <unordered_set>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"
#include "search/distance.h"
#include "search/row_errors.h"
#include "search/vector_fault.h"

namespace cowatch {
namespace {

constexpr const char* id_note = "id";

void draw_id(RecordStore& records) {
  std::random_device device;
  records.write_note(id_note, hex64(uint64_t{device()} << 32 | device()));
}

}  // namespace

void Collection::create(const Path& folder, const CollectionConfig& config) {
  check_config(config);
  std::filesystem::create_directories(folder);
  RecordStore records(folder / records_file, config.dimension);
  write_config(records, config);
  draw_id(records);
}

Collection::Collection(const Path& folder)
    : folder_(folder),
      lock_(folder / "lock", FileLock::Mode::exclusive),
      config_(read_config(folder)),
      id_(RecordStore::read_note(folder / records_file, id_note)),
      records_(std::in_place, folder / records_file, config_.dimension),
      table_capacity_(config_.table_capacity()) {
  open_segments();
  for (const Lane lane : {Lane::flush, Lane::small, Lane::large})
    lanes_.emplace_back([this, lane](const std::stop_token& stop) { maintain(lane, stop); });
}

Collection::~Collection() {
  close();
}

void Collection::close() {
  closed_ = true;
  for (auto& lane : lanes_) lane.request_stop();
  wake();
  lanes_.clear();
  const std::unique_lock copying(copying_mutex_);
  const std::lock_guard writing(write_mutex_);
  records_.reset();
}

void Collection::throw_if_closed() const {
  if (!closed_) return;
  throw Error(
      ErrorCode::conflict, "the collection was deleted or replaced meanwhile",
      {.found = folder_.filename().string(), .remedy = "Ask again: what has its name now will answer."});
}

std::shared_ptr<const CollectionView> Collection::view() const {
  const std::lock_guard lock(view_mutex_);
  return view_;
}

CollectionConfig Collection::config() const {
  const std::lock_guard lock(state_mutex_);
  return config_;
}

void Collection::configure(const CollectionConfig& config) {
  {
    const std::lock_guard writing(write_mutex_);
    throw_if_closed();
    CollectionConfig next = config_;
    next.index_threshold = config.index_threshold;
    next.index.degree = config.index.degree;
    next.index.build_effort = config.index.build_effort;
    next.index.memory_cap = config.index.memory_cap;
    next.most_points = config.most_points;
    check_config(next);
    records_->write_note("config", to_json(next).dump());
    const std::lock_guard lock(state_mutex_);
    config_.index_threshold = next.index_threshold;
    config_.index.degree = next.index.degree;
    config_.index.build_effort = next.index.build_effort;
    config_.index.memory_cap = next.index.memory_cap;
    config_.most_points = next.most_points;
    // What could not be indexed so perhaps can be now.
    auto retried = std::make_shared<CollectionView>(*view());
    for (TableView& table : retried->tables) table.unindexable = nullptr;
    publish(retried);
  }
  wake();
}

void Collection::publish(std::shared_ptr<const CollectionView> view) {
  const std::lock_guard lock(view_mutex_);
  view_.swap(view);
}

void Collection::start_table(ViewEdit& edit) {
  edit.start_table(std::make_shared<MemoryTable>(table_capacity_, config_.dimension, config_.codes_tables()));
}

void Collection::append(ViewEdit& edit, const PointId& id, uint64_t sequence, std::span<const float> vector,
                        std::string_view payload) {
  const MemoryTable& active = *edit.view().active;
  if (active.size() == active.capacity() || active.payload_bytes() >= CollectionConfig::most_table_payload)
    start_table(edit);
  edit.live(edit.view().tables.size() - 1).add(edit.view().active->append(id, sequence, vector, payload));
}

void check_changes(Metric metric, size_t dimension, std::vector<PointChange>& changes) {
  std::unordered_set<PointId> ids;
  RowErrors errors;
  for (size_t i = 0; i < changes.size(); ++i) {
    errors.attempt([&] {
      const std::string place = "/points/" + std::to_string(i);
      if (!ids.insert(changes[i].id).second) {
        throw Error(ErrorCode::bad_input, "a point occurs twice in one batch",
                    {.where = place + "/id", .expected = "each id once", .found = to_text(changes[i].id)});
      }
      if (changes[i].erase) return;
      if (const auto fault = vector_fault(metric, dimension, changes[i].vector))
        throw at_place(*fault, place + "/vector");
      if (metric == Metric::cosine) bring_to_unit(changes[i].vector);
    });
  }
  errors.throw_if_any();
}

void Collection::wait_for_room() {
  for (int waited = 0;; ++waited) {
    if (view()->tables_in_memory() <= CollectionConfig::most_full_tables) return;
    throw_if_closed();
    std::unique_lock lock(state_mutex_);
    const std::string& failure = failures_[static_cast<size_t>(Lane::flush)];
    if (waited > 300 || !failure.empty()) {
      throw Error(failure.empty() ? ErrorCode::overloaded : ErrorCode::no_space,
                  "points come faster than they are written out",
                  {.found = failure, .remedy = "Try again later."});
    }
    changed_.wait_for(lock, std::chrono::milliseconds(100));
  }
}

uint64_t Collection::write(std::vector<PointChange> changes) {
  return write([&](const CollectionView&) { return std::move(changes); });
}

uint64_t Collection::write(const std::function<std::vector<PointChange>(const CollectionView&)>& make) {
  wait_for_room();
  const std::lock_guard lock(write_mutex_);
  throw_if_closed();
  const auto before = view();
  std::vector<PointChange> changes = make(*before);
  if (changes.empty()) return before->sequence;
  check_changes(config_.index.metric, config_.dimension, changes);
  std::vector<Change> durable;
  std::vector<std::optional<PointPlace>> known;
  size_t added = 0;
  for (const PointChange& change : changes) {
    durable.push_back({change.id, change.erase, change.vector, change.payload});
    known.push_back(before->find(change.id));
    added += !change.erase && !known.back();
  }
  if (config_.most_points > 0 && added > 0 && before->count() + added > config_.most_points) {
    throw Error(ErrorCode::too_large, "the collection's quota of points is used up",
                {.expected = "at most " + std::to_string(config_.most_points) + " points"});
  }
  // The view is made first: what memory refuses must not be recorded. Slots that were filled in vain are in
  // no view.
  const uint64_t sequence = records_->sequence() + 1;
  ViewEdit edit(*before);
  for (size_t i = 0; i < changes.size(); ++i) {
    if (known[i]) edit.kill(*known[i]);
    if (!changes[i].erase) append(edit, changes[i].id, sequence, changes[i].vector, changes[i].payload);
  }
  const auto after = edit.finish(sequence);
  records_->apply(durable);
  publish(after);
  written_at_ = std::chrono::steady_clock::now();
  if (after->active != before->active) wake();
  return sequence;
}

void Collection::snapshot(const Path& path) const {
  const std::shared_lock copying(copying_mutex_);
  throw_if_closed();
  RecordStore::copy(folder_ / records_file, path);
}

void Collection::restore(const Path& snapshot, const Path& folder) {
  // Read first: a file that is no snapshot must leave nothing behind.
  const std::string_view magic = "SQLite format 3";
  {
    const MappedFile file(snapshot);
    const auto bytes = file.bytes();
    if (bytes.size() < magic.size() || std::memcmp(bytes.data(), magic.data(), magic.size()) != 0)
      throw Error(ErrorCode::bad_input, "this is not a snapshot of a collection",
                  {.where = snapshot.string(), .expected = "a file that `cowatch vectors snapshot` wrote"});
  }
  try {
    const CollectionConfig config = read_config_note(snapshot);
    std::filesystem::create_directories(folder);
    RecordStore::copy(snapshot, folder / records_file);
    RecordStore records(folder / records_file, config.dimension);
    records.verify();
    draw_id(records);  // it is another collection from here on
  } catch (const Error& error) {
    if (error.code() != ErrorCode::damaged) throw;
    throw Error(ErrorCode::bad_input, "the snapshot is damaged, or none of a collection",
                {.where = snapshot.string(),
                 .found = error.message(),
                 .remedy = "Nothing was changed: restore another snapshot."});
  }
}

Collection::Status Collection::status() const {
  const auto now = view();
  Status status;
  status.points = now->count();
  for (const TableView& table : now->tables) {
    if (table.unindexable) status.trouble.push_back(*table.unindexable);
    if (table.segment) {
      ++status.segments;
      status.vector_bytes += table.segment->bytes();
      status.index_bytes += table.segment->code_bytes();
    } else {
      status.in_memory += table.live->count();
      status.memory_bytes += table.table->capacity() * config_.table_row_bytes() +
                             static_cast<const MemoryTable&>(*table.table).payload_bytes();
    }
    if (!table.index) continue;
    status.indexed += table.live->count();
    status.index_bytes += table.index->index->bytes();
  }
  status.written = written_, status.merged = merged_, status.built = built_, status.grown = grown_;
  std::error_code ignored;
  status.record_bytes = std::filesystem::file_size(folder_ / records_file, ignored);
  // What is in work is not looked up, as that would wait for a writer and its disk: the lane counts then.
  status.working = working_ > 0 || unverified_ || manifest_is_behind() || choice(*now, config(), {}).any();
  const std::lock_guard lock(state_mutex_);
  for (const auto& [text, mended] : damage_) {
    status.damage.push_back(text);
    if (!mended) status.trouble.push_back(text);
  }
  for (const std::string& failure : failures_)
    if (!failure.empty()) status.trouble.push_back(failure);
  const auto fails = [](const std::string& failure) { return !failure.empty(); };
  status.working = !closed_ && (status.working || std::ranges::any_of(failures_, fails));
  return status;
}

}  // namespace cowatch

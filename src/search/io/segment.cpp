#include "search/io/segment.h"

#include <algorithm>
#include <cstring>

#include "base/json.h"
#include "search/io/scratch.h"

namespace cowatch {
namespace {

constexpr const char* segment_kind = "vector_segment";
constexpr int newest_segment = 2;  // 1 had no checks by block: it is checked whole when it is opened
static_assert(sizeof(PointId) == 3 * sizeof(uint64_t));

std::vector<Segment::Place> places_by_id(std::span<const Segment::Source> sources) {
  std::vector<Segment::Place> places;
  for (uint32_t s = 0; s < sources.size(); ++s)
    sources[s].live.for_each([&](size_t slot) { places.push_back({s, static_cast<uint32_t>(slot)}); });
  std::sort(places.begin(), places.end(), [&](const Segment::Place& a, const Segment::Place& b) {
    return sources[a.source].table->id_of(a.slot) < sources[b.source].table->id_of(b.slot);
  });
  return places;
}

// A tensor's bytes without its checksum, which for millions of vectors takes longer than the first answer
// may. `file` is the same file, whose header was checked.
const std::byte* unchecked(const MappedFile& map, const TensorFile& file, const std::string& name) {
  file.shape(name);  // it is there
  uint64_t length = 0;
  std::memcpy(&length, map.bytes().data(), sizeof length);
  const auto* text = reinterpret_cast<const char*>(map.bytes().data()) + sizeof length;
  const Json header = Json::parse(text, text + length);
  return map.bytes().data() + sizeof length + length + header[name]["data_offsets"][0].get<size_t>();
}

}  // namespace

std::vector<Segment::Place> Segment::write(const Path& path, size_t dimension,
                                           std::span<const Source> sources) {
  const std::vector<Place> places = places_by_id(sources);
  const size_t count = places.size();
  std::vector<uint64_t> ids, sequences, payload_ends;
  for (const Place& place : places) {
    const uint64_t before = payload_ends.empty() ? 0 : payload_ends.back();
    payload_ends.push_back(before + sources[place.source].table->payload_text(place.slot).size());
  }
  Scratch<uint8_t> payloads(path.parent_path(), count == 0 ? 0 : payload_ends.back());
  Scratch<float> vectors(path.parent_path(), count * dimension);
  PayloadIndexBuilder builder;
  for (uint32_t slot = 0; slot < count; ++slot) {
    const PointTable& table = *sources[places[slot].source].table;
    const uint32_t from = places[slot].slot;
    const PointId id = table.id_of(from);
    ids.insert(ids.end(), {id.uuid, id.high, id.low});
    sequences.push_back(table.sequence_of(from));
    std::ranges::copy(table.vector_of(from),
                      vectors.values().begin() + static_cast<ptrdiff_t>(slot * dimension));
    const std::string_view payload = table.payload_text(from);
    std::ranges::copy(payload, payloads.values().begin() + static_cast<ptrdiff_t>(payload_ends[slot] - payload.size()));
    if (payload != "{}") builder.add(slot, table.payload_of(from));
  }
  const auto vector_checks = BlockChecks::of(std::as_bytes(vectors.values()));
  const auto payload_checks = BlockChecks::of(std::as_bytes(payloads.values()));
  TensorFileWriter writer(segment_kind, newest_segment);
  writer.add<uint64_t>("vector_checks", {vector_checks.size()}, vector_checks);
  writer.add<uint64_t>("payload_checks", {payload_checks.size()}, payload_checks);
  writer.add<uint64_t>("ids", {count, 3}, ids);
  writer.add<uint64_t>("sequences", {count}, sequences);
  writer.add<float>("vectors", {count, dimension}, vectors.values());
  writer.add<uint64_t>("payload_ends", {count}, payload_ends);
  writer.add<uint8_t>("payloads", {payloads.values().size()}, payloads.values());
  builder.finish(writer);
  writer.write(path);
  return places;
}

Segment::Segment(const Path& path, size_t dimension, bool verify)
    : file_(path, segment_kind, newest_segment), map_(path), bytes_(map_.bytes().size()) {
  const bool by_block = file_.has("vector_checks");
  if (verify || !by_block) file_.verify();
  const auto shape = file_.shape("vectors");
  const size_t count = file_.shape("sequences").at(0);
  if (shape != std::vector<size_t>{count, dimension} || file_.shape("ids") != std::vector<size_t>{count, 3} ||
      file_.shape("payload_ends") != std::vector<size_t>{count}) {
    throw Error(ErrorCode::damaged, "the segment's arrays do not agree",
                {.where = path.string(), .expected = "vectors of " + std::to_string(dimension) + " numbers"});
  }
  const auto ids = file_.tensor<uint64_t>("ids");
  ids_ = {reinterpret_cast<const PointId*>(ids.data()), count};
  sequences_ = file_.tensor<uint64_t>("sequences");
  payload_ends_ = file_.tensor<uint64_t>("payload_ends");
  payloads_ = {reinterpret_cast<const uint8_t*>(unchecked(map_, file_, "payloads")),
               file_.shape("payloads").at(0)};
  if ((count == 0 ? 0 : payload_ends_.back()) != payloads_.size() ||
      !std::is_sorted(payload_ends_.begin(), payload_ends_.end()))
    throw Error(ErrorCode::damaged, "the segment's payloads have another length", {.where = path.string()});
  vectors_ = ConstMatrix(reinterpret_cast<const float*>(unchecked(map_, file_, "vectors")), count, dimension);
  payload_index_ = PayloadIndex(file_, count);
  if (by_block) check_by_block();
}

void Segment::check_by_block() {
  const auto checks_of = [&](const char* name, std::span<const std::byte> bytes) {
    const auto checks = file_.tensor<uint64_t>(name);
    if (checks.size() != BlockChecks::count(bytes.size()))
      throw Error(ErrorCode::damaged, "the segment has another number of checksums",
                  {.where = path().string(), .found = name});
    return BlockChecks(bytes, checks);
  };
  vector_checks_ =
      checks_of("vector_checks", std::as_bytes(std::span(vectors_.data, vectors_.rows * vectors_.columns)));
  payload_checks_ = checks_of("payload_checks", std::as_bytes(payloads_));
}

void Segment::code_rows() {
  codes_ = HeldRowCodes(size(), vectors_.columns);
  codes_.encode(0, rows(0, size()));
}

void Segment::fail(const std::string& what) const {
  const std::lock_guard lock(damage_mutex_);
  damage_ = path().string() + ": " + what;
  damaged_ = true;
  throw Error(ErrorCode::damaged, what,
              {.where = path().string(),
               .remedy = "It is being made again from the records: ask again in a moment."});
}

std::string Segment::damage() const {
  const std::lock_guard lock(damage_mutex_);
  return damage_;
}

void Segment::verify(const std::function<void()>& between) const {
  try {
    TensorFile(path(), segment_kind, newest_segment).verify(between);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::interrupted) throw;
    fail(error.what());
  }
}

ConstMatrix Segment::rows(size_t begin, size_t count) const {
  const size_t row_bytes = vectors_.columns * sizeof(float);
  if (!vector_checks_.intact(begin * row_bytes, (begin + count) * row_bytes))
    fail("vectors fail their checksum");
  return vectors_.rows_from(begin, count);
}

std::string_view Segment::payload_text(uint32_t slot) const {
  const uint64_t begin = slot == 0 ? 0 : payload_ends_[slot - 1], end = payload_ends_[slot];
  if (!payload_checks_.intact(begin, end)) fail("payloads fail their checksum");
  return {reinterpret_cast<const char*>(payloads_.data()) + begin, end - begin};
}

Json Segment::payload_of(uint32_t slot) const {
  Json payload = Json::parse(payload_text(slot), nullptr, false);
  if (payload.is_discarded()) fail("a payload cannot be read");
  return payload;
}

std::optional<uint32_t> Segment::slot_of(const PointId& id) const {
  if (ids_.empty() || id < ids_.front() || ids_.back() < id) return std::nullopt;
  const auto found = std::lower_bound(ids_.begin(), ids_.end(), id);
  if (*found != id) return std::nullopt;
  return static_cast<uint32_t>(found - ids_.begin());
}

std::optional<uint32_t> Segment::find(const PointId& id, const Allowed& live) const {
  const auto slot = slot_of(id);
  return slot && live.has(*slot) ? slot : std::nullopt;
}

std::vector<uint32_t> Segment::in_order(const PointId& from, size_t count, const Allowed& allowed) const {
  std::vector<uint32_t> slots;
  auto slot = static_cast<uint32_t>(std::lower_bound(ids_.begin(), ids_.end(), from) - ids_.begin());
  for (; slot < ids_.size() && slots.size() < count; ++slot)
    if (allowed.has(slot)) slots.push_back(slot);
  return slots;
}

Allowed Segment::select(const Condition& condition, const Allowed& live, const Patience& patience) const {
  Allowed selected = payload_index_.select(condition, *this, patience);
  intersect(selected, live);
  return selected;
}

}  // namespace cowatch

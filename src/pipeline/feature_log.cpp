#include "pipeline/feature_log.h"

#include <cstring>

#include "base/error.h"
#include "base/hash.h"

namespace cowatch {
namespace {

constexpr size_t header_size = 16, fields_size = 16;

struct Fields {
  uint32_t item, presence;
  uint64_t fingerprint;
};
static_assert(sizeof(Fields) == fields_size);

Fields fields_of(std::span<const std::byte> record) {
  Fields fields;
  std::memcpy(&fields, record.data(), sizeof fields);
  return fields;
}

bool sound(std::span<const std::byte> record) {
  uint64_t stated = 0;
  const auto guarded = record.first(record.size() - sizeof stated);
  std::memcpy(&stated, record.data() + guarded.size(), sizeof stated);
  return hash64(guarded) == stated;
}

}  // namespace

FeatureLog::FeatureLog(Path path, uint32_t layout_version, size_t columns)
    : path_(std::move(path)), layout_version_(layout_version), columns_(columns) {
  if (std::filesystem::exists(path_)) {
    const MappedFile map(path_);
    const size_t good = index(map.bytes());
    // An append after a torn record would be out of step; and rows made again and again would pile up.
    if (good < header_size || good != map.bytes().size() || records_ > 2 * newest_.size()) keep_newest(map.bytes().first(good));
  } else {
    keep_newest({});
  }
  file_ = file_system().append(path_);
}

size_t FeatureLog::record_size() const {
  return fields_size + columns_ * sizeof(float) + sizeof(uint64_t);
}

std::string FeatureLog::header() const {
  std::string text = "CWFEATS1";
  const auto columns = static_cast<uint32_t>(columns_);
  text.append(reinterpret_cast<const char*>(&layout_version_), sizeof layout_version_);
  text.append(reinterpret_cast<const char*>(&columns), sizeof columns);
  return text;
}

size_t FeatureLog::index(std::span<const std::byte> bytes) {
  const std::string expected = header();
  if (bytes.size() < header_size || std::memcmp(bytes.data(), expected.data(), header_size) != 0) return 0;
  size_t at = header_size;
  for (; at + record_size() <= bytes.size(); at += record_size()) {
    const auto record = bytes.subspan(at, record_size());
    if (!sound(record)) break;
    const Fields fields = fields_of(record);
    newest_[fields.item] = {fields.fingerprint, records_++};
  }
  return at;
}

void FeatureLog::keep_newest(std::span<const std::byte> bytes) {
  write_atomically(path_, [&](OutputFile& file) {
    const std::string start = header();
    file.write(std::as_bytes(std::span(start)));
    records_ = 0;
    for (auto& [item, place] : newest_) {
      file.write(bytes.subspan(header_size + place.number * record_size(), record_size()));
      place.number = records_++;
    }
  });
}

bool FeatureLog::has(uint32_t item, uint64_t fingerprint) const {
  const auto found = newest_.find(item);
  return found != newest_.end() && found->second.fingerprint == fingerprint;
}

void FeatureLog::append(uint32_t item, uint64_t fingerprint, uint32_t presence,
                        std::span<const float> values) {
  if (values.size() != columns_) throw Error(ErrorCode::internal, "a row of features of another width");
  const Fields fields = {item, presence, fingerprint};
  std::string record(reinterpret_cast<const char*>(&fields), sizeof fields);
  record.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  const uint64_t checksum = hash64(record);
  record.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
  file_->write(std::as_bytes(std::span(record)));
  newest_[item] = {fingerprint, records_++};
}

void FeatureLog::sync() {
  file_->sync();
  map_ = MappedFile();
}

uint32_t FeatureLog::read(uint32_t item, std::span<float> values) const {
  if (map_.bytes().empty()) map_ = MappedFile(path_);
  const auto record =
      map_.bytes().subspan(header_size + newest_.at(item).number * record_size(), record_size());
  std::memcpy(values.data(), record.data() + fields_size, columns_ * sizeof(float));
  return fields_of(record).presence;
}

}  // namespace cowatch

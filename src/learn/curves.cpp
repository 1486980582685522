#include "learn/curves.h"

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstring>

#include "base/error.h"

namespace cowatch {
namespace {

constexpr std::string_view ending = ".tfevents";

constexpr std::array<uint32_t, 256> crc_table = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? 0x82f63b78u : 0);
    table[byte] = value;
  }
  return table;
}();

// Fields of Event (event.proto): 1 double wall_time, 2 int64 step, 3 string file_version, 5 Summary summary;
// of Summary: 1 repeated Value; of Value: 1 string tag, 2 float simple_value.
enum WireType { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void put_key(std::string& out, uint32_t field, WireType type) {
  put_varint(out, field << 3 | type);
}

template <typename T>
void put_fixed(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value),
             sizeof value);  // little-endian, as every machine we build for
}

void put_text(std::string& out, uint32_t field, std::string_view text) {
  put_key(out, field, bytes);
  put_varint(out, text.size());
  out += text;
}

std::string event_of(const CurvePoint& point) {
  std::string value, summary, event;
  put_text(value, 1, point.tag);
  put_key(value, 2, fixed32);
  put_fixed(value, point.value);
  put_text(summary, 1, value);
  put_key(event, 1, fixed64);
  put_fixed(event, point.wall_seconds);
  put_key(event, 2, varint);
  put_varint(event, point.step);
  put_text(event, 5, summary);
  return event;
}

// A record: length, its masked checksum, data, their masked checksum.
std::string record_of(std::string_view data) {
  std::string record;
  const uint64_t length = data.size();
  put_fixed(record, length);
  put_fixed(record, masked_crc32c(std::as_bytes(std::span(record.data(), sizeof length))));
  record += data;
  put_fixed(record, masked_crc32c(std::as_bytes(std::span(data))));
  return record;
}

// Walks the fields of a message: visit(field, type, number, text).
template <typename Visit>
bool for_each_field(std::string_view message, const Visit& visit) {
  size_t at = 0;
  const auto read_varint = [&](uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64 && at < message.size(); shift += 7) {
      const auto byte = static_cast<uint8_t>(message[at++]);
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return true;
    }
    return false;
  };
  while (at < message.size()) {
    uint64_t key = 0, number = 0;
    if (!read_varint(key)) return false;
    std::string_view text;
    const auto type = key & 7;
    if (type == varint) {
      if (!read_varint(number)) return false;
    } else if (type == fixed64 || type == fixed32 || type == bytes) {
      uint64_t length = type == fixed64 ? 8 : 4;
      if (type == bytes && !read_varint(length)) return false;
      if (length > message.size() - at) return false;
      text = message.substr(at, length);
      at += length;
    } else {
      return false;
    }
    visit(key >> 3, type, number, text);
  }
  return true;
}

template <typename T>
T fixed_from(std::string_view text) {
  T value{};
  std::memcpy(&value, text.data(), sizeof value);
  return value;
}

bool parse_event(std::string_view event, std::vector<CurvePoint>& points) {
  CurvePoint point;
  std::vector<std::string_view> values;
  bool good =
      for_each_field(event, [&](uint64_t field, uint64_t type, uint64_t number, std::string_view text) {
        if (field == 1 && type == fixed64) point.wall_seconds = fixed_from<double>(text);
        if (field == 2 && type == varint) point.step = number;
        if (field == 5 && type == bytes) values.push_back(text);
      });
  std::vector<std::string_view> scalars;
  for (const auto summary : values) {
    good =
        good && for_each_field(summary, [&](uint64_t field, uint64_t type, uint64_t, std::string_view text) {
          if (field == 1 && type == bytes) scalars.push_back(text);
        });
  }
  for (const auto scalar : scalars) {
    bool has_value = false;
    good =
        good && for_each_field(scalar, [&](uint64_t field, uint64_t type, uint64_t, std::string_view text) {
          if (field == 1 && type == bytes) point.tag = text;
          if (field == 2 && type == fixed32) {
            point.value = fixed_from<float>(text);
            has_value = true;
          }
        });
    if (has_value) points.push_back(point);
  }
  return good;
}

[[noreturn]] void damaged(const Path& path, size_t place) {
  throw Error(ErrorCode::damaged, "the curves are damaged",
              {.where = path.string() + ", byte " + std::to_string(place),
               .expected = "a record with a matching checksum",
               .found = "other bytes",
               .remedy = "Delete the file; the next training writes it again."});
}

std::string version_record() {
  std::string event;
  put_text(event, 3, "brain.Event:2");
  return record_of(event);
}

}  // namespace

uint32_t crc32c(std::span<const std::byte> data) {
  uint32_t value = 0xffffffffu;
  for (const std::byte byte : data)
    value = value >> 8 ^ crc_table[(value ^ static_cast<uint32_t>(byte)) & 0xff];
  return ~value;
}

uint32_t masked_crc32c(std::span<const std::byte> data) {
  return std::rotr(crc32c(data), 15) + 0xa282ead8u;
}

CurveWriter::CurveWriter(const Path& path, uint64_t last_step) {
  std::vector<CurvePoint> kept;
  if (last_step > 0 && std::filesystem::exists(path)) {
    for (CurvePoint& point : read_curves(path)) {
      if (point.step <= last_step) kept.push_back(std::move(point));
    }
  }
  std::filesystem::create_directories(path.parent_path());
  std::string start = version_record();
  for (const CurvePoint& point : kept) start += record_of(event_of(point));
  write_atomically(path, start);
  file_ = file_system().append(path);
}

void CurveWriter::append(const CurvePoint& point) {
  const std::string record = record_of(event_of(point));
  file_->write(std::as_bytes(std::span(record)));
}

void CurveWriter::add(uint64_t step, const std::string& tag, double value) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  append({step, std::chrono::duration<double>(now).count(), tag, static_cast<float>(value)});
}

void CurveWriter::sync() {
  file_->sync();
}

std::vector<CurvePoint> read_curves(const Path& path) {
  const std::string text = read_text(path);
  std::vector<CurvePoint> points;
  const auto checksum_at = [&](size_t at) {
    return fixed_from<uint32_t>(std::string_view(text).substr(at, 4));
  };
  for (size_t at = 0; text.size() - at >= 12;) {
    const std::string_view head = std::string_view(text).substr(at, 8);
    if (masked_crc32c(std::as_bytes(std::span(head))) != checksum_at(at + 8)) damaged(path, at);
    const auto length = fixed_from<uint64_t>(head);
    const size_t left = text.size() - at - 12;
    if (left < 4 || length > left - 4) break;  // cut off: still being written
    const std::string_view data = std::string_view(text).substr(at + 12, length);
    if (masked_crc32c(std::as_bytes(std::span(data))) != checksum_at(at + 12 + length))
      damaged(path, at + 12);
    if (!parse_event(data, points)) damaged(path, at + 12);
    at += 16 + length;
  }
  return points;
}

std::vector<std::string> curve_names(const Path& folder) {
  std::vector<std::string> names;
  if (!std::filesystem::is_directory(folder)) return names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(ending)) names.push_back(name.substr(0, name.size() - ending.size()));
  }
  std::sort(names.begin(), names.end());
  return names;
}

Path curve_file(const Path& folder, std::string_view name) {
  return folder / (std::string(name) + std::string(ending));
}

}  // namespace cowatch

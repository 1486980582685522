#include "search/access/point_id.h"

#include <array>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/hash.h"
#include "base/json.h"

namespace cowatch {
namespace {

constexpr std::array<size_t, 4> hyphens = {8, 13, 18, 23};

std::optional<PointId> parse_uuid(std::string_view text) {
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool hyphen_place = text.size() == 36 && (i == 8 || i == 13 || i == 18 || i == 23);
    if (hyphen_place != (text[i] == '-')) return std::nullopt;
    if (!hyphen_place) digits += text[i];
  }
  if (digits.size() != 32) return std::nullopt;
  PointId id;
  id.uuid = 1;
  const auto half = [](std::string_view part, uint64_t& value) {
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value, 16);
    return error == std::errc() && end == part.data() + part.size();
  };
  const std::string_view all = digits;
  if (!half(all.substr(0, 16), id.high) || !half(all.substr(16), id.low)) return std::nullopt;
  return id;
}

[[noreturn]] void refuse(std::string_view where, std::string found) {
  throw Error(ErrorCode::bad_input, "this is not a point id",
              {.where = std::string(where),
               .expected = "a whole number of at least 0, or a UUID",
               .found = found.substr(0, 60)});
}

}  // namespace

std::optional<PointId> point_id_of(const Json& json) {
  if (json.is_number_unsigned()) return PointId(json.get<uint64_t>());
  if (json.is_string()) return parse_uuid(json.get_ref<const std::string&>());
  return std::nullopt;
}

PointId parse_point_id(const Json& json, std::string_view where) {
  if (const auto id = point_id_of(json)) return *id;
  refuse(where, json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

PointId parse_point_id(std::string_view text, std::string_view where) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return PointId(number);
  if (const auto id = parse_uuid(text)) return *id;
  refuse(where, "'" + std::string(text.substr(0, 60)) + "'");
}

std::string to_text(const PointId& id) {
  if (!id.uuid) return std::to_string(id.low);
  std::string text = hex64(id.high) + hex64(id.low);
  for (const size_t at : hyphens) text.insert(at, 1, '-');
  return text;
}

Json to_json(const PointId& id) {
  return id.uuid ? Json(to_text(id)) : Json(id.low);
}

std::string key_bytes(const PointId& id) {
  std::string bytes(17, static_cast<char>(id.uuid));
  for (size_t i = 0; i < 8; ++i) {
    bytes[1 + i] = static_cast<char>(id.high >> (56 - 8 * i));
    bytes[9 + i] = static_cast<char>(id.low >> (56 - 8 * i));
  }
  return bytes;
}

PointId from_key_bytes(std::string_view bytes) {
  if (bytes.size() != 17) throw Error(ErrorCode::damaged, "a point's key has another length");
  PointId id;
  id.uuid = static_cast<unsigned char>(bytes[0]);
  for (size_t i = 0; i < 8; ++i) {
    id.high = id.high << 8 | static_cast<unsigned char>(bytes[1 + i]);
    id.low = id.low << 8 | static_cast<unsigned char>(bytes[9 + i]);
  }
  return id;
}

uint64_t hash_of(const PointId& id) {
  // The finaliser of MurmurHash3 over a mix of the three: ids that count up must not share buckets.
  uint64_t h = id.low ^ (id.high * 0x9E3779B97F4A7C15u) ^ (id.uuid << 63);
  h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
  h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
  return h ^ (h >> 33);
}

}  // namespace cowatch

// The name of a point: a whole number or a UUID, as in Qdrant.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/json_forward.h"

namespace cowatch {

struct PointId {
  uint64_t uuid = 0;  // 1: high and low are a UUID's two halves; 0: low is the number
  uint64_t high = 0, low = 0;

  PointId() = default;
  explicit PointId(uint64_t number) : low(number) {}
  auto operator<=>(const PointId&) const = default;  // numbers first
};

// Nothing for anything but a whole number of at least 0 or a UUID (with or without hyphens).
std::optional<PointId> point_id_of(const Json& json);
// Throws bad_input naming `where` instead.
PointId parse_point_id(const Json& json, std::string_view where);
PointId parse_point_id(std::string_view text, std::string_view where);  // "7" or a UUID, of an address
Json to_json(const PointId& id);
std::string to_text(const PointId& id);

// 17 bytes whose order is that of the ids.
std::string key_bytes(const PointId& id);
PointId from_key_bytes(std::string_view bytes);

uint64_t hash_of(const PointId& id);  // never changes: it says on which shard a point lies

}  // namespace cowatch

template <>
struct std::hash<cowatch::PointId> {
  size_t operator()(const cowatch::PointId& id) const { return cowatch::hash_of(id); }
};

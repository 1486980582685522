// Filters over points, in Qdrant's shape:
//
//   {"must": [{"key": "city", "match": {"value": "Berlin"}}, {"key": "price", "range": {"lt": 20}}],
//    "must_not": [{"has_id": [7]}]}
//
// Known conditions: match (value, any, except, text), range (numbers, or dates in ISO 8601), values_count,
// is_empty, is_null, has_id, and filters within filters. A filter is a tree; it is asked of one payload
// (matches) or of a whole segment at once (PayloadIndex::select).
#pragma once

#include <string>
#include <vector>

#include "base/json_forward.h"
#include "search/access/payload.h"
#include "search/access/point_id.h"
#include "search/compute/patience.h"

namespace cowatch {

// Half-open or closed at either end, for numbers.
struct NumberRange {
  Number least = -std::numeric_limits<Number>::infinity(), most = std::numeric_limits<Number>::infinity();
  bool least_open = false, most_open = false;
  // What lies outside of a bound is out from now on, too.
  void raise_least(Number bound, bool open) {
    if (bound < least || (bound == least && !open)) return;
    least = bound;
    least_open = open;
  }
  void lower_most(Number bound, bool open) {
    if (bound > most || (bound == most && !open)) return;
    most = bound;
    most_open = open;
  }
  bool holds(Number value) const {
    return (least_open ? value > least : value >= least) && (most_open ? value < most : value <= most);
  }
};

struct Condition {
  enum class Kind {
    all,           // every child
    any,           // at least one child
    none,          // no child
    at_least,      // `least` of the children
    match,         // some value of `key` is one of `values`
    except,        // some value of `key`, not null, is none of `values`
    text,          // some string of `key` contains values[0]
    range,         // some number of `key` is in `range`
    time_range,    // some date of `key` is in `range` (ms since 1970)
    values_count,  // the number of values of `key` is in `range`
    is_empty,      // `key` is absent, null or []
    is_null,       // `key` is null
    has_null,      // `key` is null, or an array with a null in it
    has_id         // the point is one of `ids`
  };
  Kind kind = Kind::all;
  std::vector<Condition> children;
  size_t least = 0;
  std::string key;
  std::vector<Scalar> values;
  NumberRange range;
  std::vector<PointId> ids;  // sorted
};

inline constexpr size_t most_conditions = 4096;  // of a filter

// Throws bad_input naming the place below `where` ("/filter/must/0/range"), what was expected and found:
// unknown keys, wrong types, conditions that say nothing or are not supported (geo, nested), more than 32
// levels; too_large past most_conditions, groups among them.
Condition parse_filter(const Json& json, const std::string& where);

// Throws as Patience::check() when that ends among many conditions.
bool matches(const Condition& condition, const PointId& id, const Json& payload,
             const Patience& patience = {});

}  // namespace cowatch

// A set of points by slot, as searches see it: the mutable table on top and the immutable segments below are
// both one. What a slot holds never changes; which slots live is kept apart, in a Allowed of each reader's
// view.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "math/matrix.h"
#include "search/access/filter.h"
#include "search/access/payload_index.h"
#include "search/access/slot_sets.h"
#include "search/compute/codes/row_codes.h"

namespace cowatch {

// What a segment gives out was checked against its checksums: it throws damaged otherwise.
class PointTable : public PayloadIndex::Points {
 public:
  virtual size_t capacity() const = 0;                    // slots that there are or may be
  virtual uint64_t sequence_of(uint32_t slot) const = 0;  // of the batch that wrote it
  virtual std::span<const float> vector_of(uint32_t slot) const = 0;
  virtual std::string_view payload_text(uint32_t slot) const = 0;  // JSON
  // The living slot of a point: a table may hold several slots of one point, at most one of them lives.
  virtual std::optional<uint32_t> find(const PointId& id, const Allowed& live) const = 0;
  // Living slots of ids >= `from` in ascending order of id, at most `count`, of those `allowed`.
  virtual std::vector<uint32_t> in_order(const PointId& from, size_t count, const Allowed& allowed) const = 0;
  // The slots of `live` that satisfy the condition. Throws as Patience::check(), as facet() does.
  virtual Allowed select(const Condition& condition, const Allowed& live, const Patience& patience) const = 0;
  // The strings, whole numbers and bools of a payload field among `allowed`, with how many slots have each.
  virtual std::vector<std::pair<Scalar, size_t>> facet(const std::string& key, const Allowed& allowed,
                                                       const Patience& patience) const = 0;
  // Vectors of `count` consecutive slots from `begin` on.
  virtual ConstMatrix rows(size_t begin, size_t count) const = 0;
  // Of all rows, to look at first when they are compared with a query; or none.
  virtual RowCodes codes() const { return {}; }
};

}  // namespace cowatch

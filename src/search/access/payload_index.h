// Which points of an immutable segment have which payload values: every field is indexed, so no filter falls
// back to a scan of the payloads. For each key: sorted distinct strings with the slots of each, numbers and
// dates sorted with their slots, slots of true and false, and how many values each slot has.
//
// The arrays lie in the segment's file (tensors "payload.N.…", docs/formats.md) and are read through its map.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/tensor_file.h"
#include "search/access/slot_sets.h"
#include "search/access/filter.h"

namespace cowatch {

// Gathers the values of one payload after another and adds the arrays to a file. The arrays are borrowed by
// the writer: the builder must live until it has written.
class PayloadIndexBuilder {
 public:
  // A payload with so many different keys is data used as keys; those past the limit are answered by reading
  // the payloads.
  static constexpr size_t most_keys = 256;

  void add(uint32_t slot, const Json& payload);  // slots ascending
  void finish(TensorFileWriter& writer);

 private:
  template <typename Value>
  struct Sorted {
    std::vector<std::pair<Value, uint32_t>> pairs;
    std::vector<Value> values;
    std::vector<uint32_t> slots;
    void add_to(TensorFileWriter& writer, const std::string& name);
  };
  struct Field {
    std::map<std::string, std::vector<uint32_t>, std::less<>> texts;
    std::vector<uint8_t> text_bytes;
    std::vector<uint64_t> text_ends, posting_ends;
    std::vector<uint32_t> postings;
    Sorted<int64_t> integers, times;
    Sorted<double> numbers;
    std::vector<uint32_t> truths, lies, nulls, counted, counts;
    void add_texts_to(TensorFileWriter& writer, const std::string& name);
  };
  std::map<std::string, Field, std::less<>> fields_;
  bool complete_ = true;
};

// Points whose payloads are looked into between looks at who waits for it.
inline constexpr size_t points_read_at_once = 32;

// How many of the slots have each string, whole number or bool of `key`, found by reading their payloads.
template <typename PayloadOf>
std::vector<std::pair<Scalar, size_t>> count_scalars(const std::string& key, const Allowed& allowed,
                                                     const PayloadOf& payload_of, const Patience& patience) {
  std::map<Scalar, size_t> counts;
  size_t seen = 0;
  allowed.for_each([&](uint32_t slot) {
    if (++seen % points_read_at_once == 0) patience.check();
    std::set<Scalar> values;
    visit_nodes(payload_of(slot), key, [&](const Json& node) {
      visit_values(node, [&](const Json& value) {
        if (const auto scalar = scalar_of(value)) values.insert(*scalar);
      });
    });
    for (const Scalar& value : values) ++counts[value];
  });
  return {counts.begin(), counts.end()};
}

class PayloadIndex {
 public:
  PayloadIndex() = default;
  // Views into `file`, which must outlive the index.
  PayloadIndex(const TensorFile& file, size_t slots);

  // What a condition needs besides the payloads: the points' ids.
  struct Points {
    virtual ~Points() = default;
    virtual std::optional<uint32_t> slot_of(const PointId& id) const = 0;
    virtual PointId id_of(uint32_t slot) const = 0;
    virtual Json payload_of(uint32_t slot) const = 0;
  };
  // Exactly the slots for which matches() holds, dead ones included. Throws as Patience::check().
  Allowed select(const Condition& condition, const Points& points, const Patience& patience) const;

  struct FieldSummary {
    size_t points = 0, texts = 0, integers = 0, floats = 0, times = 0, bools = 0;
  };
  std::map<std::string, FieldSummary> summary() const;
  // The strings (or whole numbers, bools) of `key` among `allowed` slots, with how many slots have each.
  std::vector<std::pair<Scalar, size_t>> facet(const std::string& key, const Allowed& allowed,
                                               const Points& points, const Patience& patience) const;

 private:
  struct Field {
    std::span<const uint8_t> text_bytes;
    std::span<const uint64_t> text_ends, posting_ends;
    std::span<const uint32_t> postings;
    std::span<const int64_t> integers, times;
    std::span<const double> numbers;
    std::span<const uint32_t> integer_slots, time_slots, number_slots;
    std::span<const uint32_t> truths, lies, nulls, counted, counts;

    bool agrees() const;  // the arrays have lengths that belong together
    std::string_view text(size_t i) const;
    std::span<const uint32_t> posting(size_t i) const;
    size_t find_text(std::string_view wanted) const;  // its place, or that of the next larger
    void mark(const Scalar& value, Allowed& slots) const;
    void mark_except(const std::vector<Scalar>& values, Allowed& slots) const;
    Allowed with_others(size_t slots) const;  // that perhaps have more values than the arrays name
  };
  Allowed select_field(const Condition& condition, const Field& field, const Points& points,
                       const Patience& patience) const;
  size_t slots_ = 0;
  bool complete_ = true;
  std::map<std::string, Field, std::less<>> fields_;
};

}  // namespace cowatch

#include "search/access/payload_index.h"

#include <algorithm>

#include "base/json.h"

namespace cowatch {
namespace {

void set_all(std::span<const uint32_t> slots, Allowed& set) {
  for (const uint32_t slot : slots) set.add(slot);
}

// Slots whose value lies in `range`; values are sorted.
template <typename Value>
void mark_range(std::span<const Value> values, std::span<const uint32_t> slots, const NumberRange& range,
                Allowed& set) {
  const auto below = [&](Value value) {
    const auto number = static_cast<Number>(value);
    return range.least_open ? number <= range.least : number < range.least;
  };
  const auto begin = std::partition_point(values.begin(), values.end(), below);
  const auto end = std::partition_point(begin, values.end(),
                                        [&](Value value) { return range.holds(static_cast<Number>(value)); });
  for (auto at = begin; at != end; ++at) set.add(slots[static_cast<size_t>(at - values.begin())]);
}

template <typename T>
void add_array(TensorFileWriter& writer, const std::string& name, const std::vector<T>& values) {
  if (!values.empty()) writer.add<T>(name, {values.size()}, values);
}

template <typename T>
std::span<const T> view(const TensorFile& file, const std::string& name) {
  return file.has(name) ? file.tensor<T>(name) : std::span<const T>();
}

std::string prefix_of(size_t field) {
  return "payload." + std::to_string(field) + ".";
}

}  // namespace

template <typename Value>
void PayloadIndexBuilder::Sorted<Value>::add_to(TensorFileWriter& writer, const std::string& name) {
  std::sort(pairs.begin(), pairs.end());
  for (const auto& [value, slot] : pairs) {
    values.push_back(value);
    slots.push_back(slot);
  }
  pairs = {};
  add_array(writer, name, values);
  add_array(writer, name + "_slots", slots);
}

void PayloadIndexBuilder::Field::add_texts_to(TensorFileWriter& writer, const std::string& name) {
  for (const auto& [text, slots] : texts) {
    text_bytes.insert(text_bytes.end(), text.begin(), text.end());
    text_ends.push_back(text_bytes.size());
    postings.insert(postings.end(), slots.begin(), slots.end());
    posting_ends.push_back(postings.size());
  }
  texts = {};
  add_array(writer, name + "texts", text_bytes);
  add_array(writer, name + "text_ends", text_ends);
  add_array(writer, name + "postings", postings);
  add_array(writer, name + "posting_ends", posting_ends);
}

void PayloadIndexBuilder::add(uint32_t slot, const Json& payload) {
  visit_all(payload, [&](const std::string& key, const Json& node) {
    auto found = fields_.find(key);
    if (found == fields_.end()) {
      if (fields_.size() == most_keys) {
        complete_ = false;
        return;
      }
      found = fields_.try_emplace(key).first;
    }
    Field& field = found->second;
    // A key with [] may be met several times in one payload.
    const auto once = [slot](std::vector<uint32_t>& slots) {
      if (slots.empty() || slots.back() != slot) slots.push_back(slot);
    };
    if (node.is_null()) once(field.nulls);
    if (const size_t count = count_values(node); count > 0) {
      once(field.counted);
      field.counts.resize(field.counted.size());
      field.counts.back() += static_cast<uint32_t>(count);
    }
    visit_values(node, [&](const Json& value) {
      if (const auto time = time_of(value)) field.times.pairs.emplace_back(*time, slot);
      if (value.is_number_float()) field.numbers.pairs.emplace_back(value.get<double>(), slot);
      if (const auto scalar = scalar_of(value)) {
        if (const auto* text = std::get_if<std::string>(&*scalar)) {
          once(field.texts[*text]);
        } else if (const auto* integer = std::get_if<int64_t>(&*scalar)) {
          field.integers.pairs.emplace_back(*integer, slot);
        } else {
          once(std::get<bool>(*scalar) ? field.truths : field.lies);
        }
      } else if (value.is_number_unsigned()) {
        field.numbers.pairs.emplace_back(value.get<double>(), slot);  // past int64
      }
    });
  });
}

void PayloadIndexBuilder::finish(TensorFileWriter& writer) {
  Json keys = Json::array();
  for (auto& [key, field] : fields_) {
    const std::string name = prefix_of(keys.size());
    keys.push_back(key);
    field.add_texts_to(writer, name);
    field.integers.add_to(writer, name + "integers");
    field.times.add_to(writer, name + "times");
    field.numbers.add_to(writer, name + "numbers");
    add_array(writer, name + "truths", field.truths);
    add_array(writer, name + "lies", field.lies);
    add_array(writer, name + "nulls", field.nulls);
    add_array(writer, name + "counted", field.counted);
    add_array(writer, name + "counts", field.counts);
  }
  writer.set("payload_keys", keys.dump(-1, ' ', false, Json::error_handler_t::replace));
  writer.set("payload_complete", complete_ ? "1" : "0");
}

PayloadIndex::PayloadIndex(const TensorFile& file, size_t slots)
    : slots_(slots), complete_(file.get("payload_complete", "1") == "1") {
  const Json keys = Json::parse(file.get("payload_keys", "[]"), nullptr, false);
  if (!keys.is_array() ||
      !std::all_of(keys.begin(), keys.end(), [](const Json& key) { return key.is_string(); }))
    throw Error(ErrorCode::damaged, "the list of payload keys cannot be read",
                {.where = file.path().string()});
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string name = prefix_of(i);
    Field& field = fields_[keys[i].get<std::string>()];
    field.text_bytes = view<uint8_t>(file, name + "texts");
    field.text_ends = view<uint64_t>(file, name + "text_ends");
    field.postings = view<uint32_t>(file, name + "postings");
    field.posting_ends = view<uint64_t>(file, name + "posting_ends");
    field.integers = view<int64_t>(file, name + "integers");
    field.integer_slots = view<uint32_t>(file, name + "integers_slots");
    field.times = view<int64_t>(file, name + "times");
    field.time_slots = view<uint32_t>(file, name + "times_slots");
    field.numbers = view<double>(file, name + "numbers");
    field.number_slots = view<uint32_t>(file, name + "numbers_slots");
    field.truths = view<uint32_t>(file, name + "truths");
    field.lies = view<uint32_t>(file, name + "lies");
    field.nulls = view<uint32_t>(file, name + "nulls");
    field.counted = view<uint32_t>(file, name + "counted");
    field.counts = view<uint32_t>(file, name + "counts");
    if (!field.agrees())
      throw Error(ErrorCode::damaged, "the arrays of a payload key do not agree",
                  {.where = file.path().string(), .found = name});
  }
}

bool PayloadIndex::Field::agrees() const {
  const auto ends_at = [](std::span<const uint64_t> ends, size_t size) {
    return std::is_sorted(ends.begin(), ends.end()) && (ends.empty() ? size == 0 : ends.back() == size);
  };
  return ends_at(text_ends, text_bytes.size()) && ends_at(posting_ends, postings.size()) &&
         text_ends.size() == posting_ends.size() && integers.size() == integer_slots.size() &&
         times.size() == time_slots.size() && numbers.size() == number_slots.size() &&
         counted.size() == counts.size();
}

std::string_view PayloadIndex::Field::text(size_t i) const {
  const uint64_t begin = i == 0 ? 0 : text_ends[i - 1];
  return {reinterpret_cast<const char*>(text_bytes.data()) + begin, text_ends[i] - begin};
}

std::span<const uint32_t> PayloadIndex::Field::posting(size_t i) const {
  const uint64_t begin = i == 0 ? 0 : posting_ends[i - 1];
  return postings.subspan(begin, posting_ends[i] - begin);
}

size_t PayloadIndex::Field::find_text(std::string_view wanted) const {
  size_t low = 0, high = text_ends.size();
  while (low < high) {
    const size_t middle = (low + high) / 2;
    if (text(middle) < wanted) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

void PayloadIndex::Field::mark(const Scalar& value, Allowed& slots) const {
  if (const auto* wanted = std::get_if<std::string>(&value)) {
    const size_t at = find_text(*wanted);
    if (at < text_ends.size() && text(at) == *wanted) set_all(posting(at), slots);
  } else if (const auto* integer = std::get_if<int64_t>(&value)) {
    const auto [begin, end] = std::equal_range(integers.begin(), integers.end(), *integer);
    set_all(integer_slots.subspan(static_cast<size_t>(begin - integers.begin()),
                                  static_cast<size_t>(end - begin)),
            slots);
  } else {
    set_all(std::get<bool>(value) ? truths : lies, slots);
  }
}

void PayloadIndex::Field::mark_except(const std::vector<Scalar>& values, Allowed& slots) const {
  const auto listed = [&](const Scalar& value) {
    return std::binary_search(values.begin(), values.end(), value);
  };
  for (size_t i = 0; i < text_ends.size(); ++i)
    if (!listed(Scalar(std::string(text(i))))) set_all(posting(i), slots);
  for (size_t i = 0; i < integers.size(); ++i)
    if (!listed(Scalar(integers[i]))) slots.add(integer_slots[i]);
  set_all(number_slots, slots);
  if (!listed(Scalar(true))) set_all(truths, slots);
  if (!listed(Scalar(false))) set_all(lies, slots);
}

// A null, an object or an array in an array, or an object: counted, and in none of the arrays. So is a text
// that comes twice.
Allowed PayloadIndex::Field::with_others(size_t slots) const {
  std::vector<uint32_t> named(slots);
  for (const auto& some : {postings, integer_slots, number_slots, truths, lies})
    for (const uint32_t slot : some) ++named[slot];
  Allowed others(slots);
  for (size_t i = 0; i < counted.size(); ++i)
    if (counts[i] > named[counted[i]]) others.add(counted[i]);
  return others;
}

Allowed PayloadIndex::select_field(const Condition& condition, const Field& field, const Points& points,
                                   const Patience& patience) const {
  using Kind = Condition::Kind;
  Allowed slots(slots_);
  // What the arrays do not tell, the payloads do.
  const auto look_at_others = [&] {
    size_t seen = 0;
    field.with_others(slots_).for_each([&](uint32_t slot) {
      if (++seen % points_read_at_once == 0) patience.check();
      if (!slots.has(slot) && matches(condition, points.id_of(slot), points.payload_of(slot)))
        slots.add(slot);
    });
  };
  switch (condition.kind) {
    case Kind::match:
      for (const Scalar& value : condition.values) field.mark(value, slots);
      break;
    case Kind::except:
      field.mark_except(condition.values, slots);
      look_at_others();
      break;
    case Kind::text: {
      const auto& wanted = std::get<std::string>(condition.values[0]);
      for (size_t i = 0; i < field.text_ends.size(); ++i)
        if (field.text(i).find(wanted) != std::string_view::npos) set_all(field.posting(i), slots);
      break;
    }
    case Kind::range:
      mark_range(field.integers, field.integer_slots, condition.range, slots);
      mark_range(field.numbers, field.number_slots, condition.range, slots);
      break;
    case Kind::time_range:
      mark_range(field.times, field.time_slots, condition.range, slots);
      break;
    case Kind::values_count:
      if (condition.range.holds(0)) {
        invert(slots);
        for (const uint32_t slot : field.counted) slots.remove(slot);
      }
      for (size_t i = 0; i < field.counted.size(); ++i)
        if (condition.range.holds(field.counts[i])) slots.add(field.counted[i]);
      break;
    case Kind::is_empty:
      set_all(field.counted, slots);
      invert(slots);
      break;
    case Kind::is_null:
      set_all(field.nulls, slots);
      break;
    case Kind::has_null:
      set_all(field.nulls, slots);
      look_at_others();
      break;
    default:
      throw Error(ErrorCode::internal, "this condition has no key");
  }
  return slots;
}

Allowed PayloadIndex::select(const Condition& condition, const Points& points,
                             const Patience& patience) const {
  using Kind = Condition::Kind;
  patience.check();
  switch (condition.kind) {
    case Kind::all: {
      Allowed slots(slots_, true);
      for (const Condition& child : condition.children) {
        if (slots.count() == 0) break;
        intersect(slots, select(child, points, patience));
      }
      return slots;
    }
    case Kind::any:
    case Kind::none: {
      Allowed slots(slots_);
      for (const Condition& child : condition.children) {
        if (slots.count() == slots_) break;
        unite(slots, select(child, points, patience));
      }
      if (condition.kind == Kind::none) invert(slots);
      return slots;
    }
    case Kind::at_least: {
      std::vector<uint32_t> counts(slots_);
      for (const Condition& child : condition.children)
        select(child, points, patience).for_each([&](size_t slot) { ++counts[slot]; });
      Allowed slots(slots_);
      for (size_t slot = 0; slot < slots_; ++slot)
        if (counts[slot] >= condition.least) slots.add(slot);
      return slots;
    }
    case Kind::has_id: {
      Allowed slots(slots_);
      for (const PointId& id : condition.ids)
        if (const auto slot = points.slot_of(id)) slots.add(*slot);
      return slots;
    }
    default:
      break;
  }
  const auto field = fields_.find(condition.key);
  if (field != fields_.end() || complete_)
    return select_field(condition, field != fields_.end() ? field->second : Field{}, points, patience);
  Allowed slots(slots_);
  for (uint32_t slot = 0; slot < slots_; ++slot) {
    if (slot % points_read_at_once == 0) patience.check();
    if (matches(condition, points.id_of(slot), points.payload_of(slot))) slots.add(slot);
  }
  return slots;
}

std::map<std::string, PayloadIndex::FieldSummary> PayloadIndex::summary() const {
  std::map<std::string, FieldSummary> all;
  for (const auto& [key, field] : fields_) {
    all[key] = {field.counted.size(), field.postings.size(), field.integers.size(),
                field.numbers.size(), field.times.size(),    field.truths.size() + field.lies.size()};
  }
  return all;
}

std::vector<std::pair<Scalar, size_t>> PayloadIndex::facet(const std::string& key, const Allowed& allowed,
                                                           const Points& points,
                                                           const Patience& patience) const {
  std::vector<std::pair<Scalar, size_t>> counts;
  const auto found = fields_.find(key);
  if (found == fields_.end()) {
    if (complete_) return counts;
    return count_scalars(
        key, allowed, [&](uint32_t slot) { return points.payload_of(slot); }, patience);
  }
  const Field& field = found->second;
  const auto add_count = [&](Scalar value, std::span<const uint32_t> slots) {
    size_t count = 0;
    for (size_t i = 0; i < slots.size(); ++i)
      count += allowed.has(slots[i]) && (i == 0 || slots[i] != slots[i - 1]);
    if (count > 0) counts.emplace_back(std::move(value), count);
  };
  for (size_t i = 0; i < field.text_ends.size(); ++i) add_count(std::string(field.text(i)), field.posting(i));
  for (size_t i = 0; i < field.integers.size();) {
    size_t end = i;
    while (end < field.integers.size() && field.integers[end] == field.integers[i]) ++end;
    add_count(field.integers[i], field.integer_slots.subspan(i, end - i));
    i = end;
  }
  add_count(true, field.truths);
  add_count(false, field.lies);
  return counts;
}

}  // namespace cowatch

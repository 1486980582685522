#include "base/json_text.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <unordered_map>

#include "base/error.h"
#include "base/json.h"

namespace cowatch {
namespace {

constexpr int deepest = 64;
constexpr size_t most_keys = 1000;  // of an object that the slower reader takes, which looks for each key among all before it

// Printing and checking a value descend into it: depth is bounded before anything is built, and the keys of an object.
void check_bounds(std::string_view text, const std::string& where) {
  int depth = 0;
  std::array<size_t, deepest + 1> keys{};
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > deepest) {
        throw Error(ErrorCode::bad_input, "JSON is nested too deeply",
                    {.where = where + ", byte " + std::to_string(i),
                     .expected = "at most " + std::to_string(deepest) + " levels"});
      }
      keys[static_cast<size_t>(depth)] = 0;
    } else if (c == ':' && depth > 0 && ++keys[static_cast<size_t>(depth)] > most_keys) {
      throw Error(ErrorCode::bad_input, "an object has too many keys",
                  {.where = where + ", byte " + std::to_string(i),
                   .expected = "at most " + std::to_string(most_keys) + " in a text with mistakes or with numbers of more than 64 bits"});
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
}

// What a value is to a body with vectors; in any other text all is `other`.
enum class Part { other, body, bodies, vector, vectors };

Part member_of(Part object, std::string_view key) {
  if (object != Part::body) return Part::other;
  if (key == "vector" || key == "query") return Part::vector;
  if (key == "points" || key == "searches") return Part::bodies;
  return key == "batch" ? Part::body : key == "vectors" ? Part::vectors : Part::other;
}

Part element_of(Part list) {
  return list == Part::bodies ? Part::body : list == Part::vectors ? Part::vector : Part::other;
}

// Nothing where one is no finite number of 32 bits: whoever reads the list says which.
std::optional<Json> packed(const simdjson::dom::array& from) {
  Json::binary_t::container_type bytes(from.size() * sizeof(float));
  size_t filled = 0;
  for (const simdjson::dom::element value : from) {
    double wide;
    // There may be more of them than a very long list says that it has.
    if (filled == bytes.size() || value.get(wide)) return {};
    const auto number = static_cast<float>(wide);
    if (!std::isfinite(number)) return {};
    std::memcpy(bytes.data() + filled, &number, sizeof number);
    filled += sizeof number;
  }
  return Json::binary(std::move(bytes));
}

Json converted(const simdjson::dom::element& from, Part part);

Json list_of(const simdjson::dom::array& from, Part part) {
  if (part == Part::vector)
    if (auto vector = packed(from)) return *std::move(vector);
  Json json = Json::array();
  auto& values = json.get_ref<Json::array_t&>();
  values.reserve(from.size());
  for (const simdjson::dom::element value : from) values.push_back(converted(value, element_of(part)));
  return json;
}

using Members = Json::object_t::Container;

// Where a key of an object is, of which the last value counts. Objects look for a key among all others: one of many thousand keys
// would take seconds.
class KeyPlaces {
 public:
  explicit KeyPlaces(size_t keys) : few_(keys <= most_few) {}
  // `members.size()`: it is new, and comes next.
  size_t of(std::string_view key, const Members& members) {
    if (!few_) return places_.try_emplace(key, members.size()).first->second;
    const auto found = std::ranges::find(members, key, [](const auto& member) { return std::string_view(member.first); });
    return static_cast<size_t>(found - members.begin());
  }

 private:
  static constexpr size_t most_few = 32;
  bool few_;
  std::unordered_map<std::string_view, size_t> places_;
};

Json object_of(const simdjson::dom::object& from, Part part) {
  Json json = Json::object();
  Members& members = json.get_ref<Json::object_t&>();
  members.reserve(from.size());  // growing copies all that the members hold
  KeyPlaces places(from.size());
  for (const auto& [key, value] : from) {
    const auto place = places.of(key, members);
    Json member = converted(value, member_of(part, key));
    if (place < members.size())
      members[place].second = std::move(member);
    else
      members.emplace_back(std::string(key), std::move(member));
  }
  return json;
}

Json converted(const simdjson::dom::element& from, Part part) {
  using Type = simdjson::dom::element_type;
  switch (from.type()) {
    case Type::ARRAY: return list_of(from, part);
    case Type::OBJECT: return object_of(from, part);
    case Type::INT64: {
      const int64_t value = from;
      return value < 0 ? Json(value) : Json(static_cast<uint64_t>(value));
    }
    case Type::UINT64: return uint64_t(from);
    case Type::DOUBLE: return double(from);
    case Type::STRING: return std::string(std::string_view(from));
    case Type::BOOL: return bool(from);
    case Type::NULL_VALUE: return nullptr;
  }
  return nullptr;
}

// Several times as fast as the library that Json comes from. Nothing where the text is wrong or as deep as
// may be: that library says how, or takes it.
std::optional<Json> parse_fast(std::string_view text, Part part) {
  constexpr size_t kept_most = 1u << 20;  // bytes of text whose working memory a thread keeps
  thread_local simdjson::dom::parser kept;
  simdjson::dom::parser own;
  simdjson::dom::parser& parser = text.size() <= kept_most ? kept : own;
  // Of what is nested so deeply the parser takes empty lists and objects alone, and nothing that is deeper.
  if (parser.max_depth() != size_t{deepest} && parser.allocate(text.size(), deepest)) return {};
  simdjson::dom::element root;
  if (parser.parse(simdjson::padded_string(text)).get(root)) return {};
  return converted(root, part);
}

Json parse(std::string_view text, const std::string& where, Part part) {
  if (auto json = parse_fast(text, part)) return *std::move(json);
  check_bounds(text, where);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw Error(ErrorCode::bad_input, "this is not JSON",
                {.where = where + ", byte " + std::to_string(error.byte), .expected = "JSON in UTF-8"});
  } catch (const Json::exception&) {  // a number that no double holds
    throw Error(ErrorCode::bad_input, "a number is too large", {.where = where, .expected = "numbers of 64 bits"});
  }
}

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  return parse(text, where, Part::other);
}

Json parse_vectors(std::string_view text, const std::string& where) {
  return parse(text, where, Part::body);
}

std::optional<std::vector<float>> packed_vector(const Json& json) {
  if (!json.is_binary()) return {};
  const auto& bytes = json.get_binary();
  std::vector<float> vector(bytes.size() / sizeof(float));
  if (!bytes.empty()) std::memcpy(vector.data(), bytes.data(), bytes.size());
  return vector;
}

}  // namespace cowatch

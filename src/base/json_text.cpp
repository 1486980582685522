#include "base/json_text.h"

#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/json.h"

namespace cowatch {
namespace {

constexpr int deepest = 64;

// Printing and checking a value descend into it: depth is bounded before anything is built.
void check_depth(std::string_view text, const std::string& where) {
  int depth = 0;
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
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

// Reads what most requests are, ASCII without escapes, several times as fast as the library, most of all numbers. Gives
// up on all else, and on what is wrong: the library reads it then, or says what is wrong. What both read is the same.
class PlainReader {
 public:
  explicit PlainReader(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  std::optional<Json> read() {
    Json json;
    if (!value(json, 0)) return {};
    skip_space();
    if (at_ != end_) return {};
    return json;
  }

 private:
  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }
  bool take(char c) {
    skip_space();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (!std::string_view(at_, end_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  bool value(Json& json, int depth) {
    skip_space();
    if (at_ == end_) return false;
    switch (*at_) {
      case '[': return array(json, depth + 1);
      case '{': return object(json, depth + 1);
      case '"':
        json = std::string();
        return string(json.get_ref<std::string&>());
      case 't': json = true; return take_word("true");
      case 'f': json = false; return take_word("false");
      case 'n': json = nullptr; return take_word("null");
      default: return number(json);
    }
  }

  bool array(Json& json, int depth) {
    if (depth > deepest) return false;
    ++at_;
    json = Json::array();
    auto& list = json.get_ref<Json::array_t&>();
    if (take(']')) return true;
    list.reserve(values_ahead());
    do {
      if (!value(list.emplace_back(), depth)) return false;
    } while (take(','));
    return take(']');
  }
  // Of a flat array that begins here: room is made once.
  size_t values_ahead() const {
    size_t values = 1;
    for (const char* c = at_; c != end_ && *c != ']' && *c != '[' && *c != '{'; ++c) values += *c == ',';
    return values;
  }

  bool object(Json& json, int depth) {
    if (depth > deepest) return false;
    ++at_;
    json = Json::object();
    if (take('}')) return true;
    std::string key;
    do {
      skip_space();
      if (at_ == end_ || *at_ != '"' || !string(key) || !take(':')) return false;
      if (!value(json[key], depth)) return false;
    } while (take(','));
    return take('}');
  }

  bool string(std::string& text) {
    const char* begin = ++at_;
    while (at_ != end_ && *at_ != '"') {
      const auto c = static_cast<unsigned char>(*at_++);
      if (c < 0x20 || c >= 0x80 || c == '\\') return false;
    }
    if (at_ == end_) return false;
    text.assign(begin, at_++);
    return true;
  }

  bool digits() {
    const char* begin = at_;
    while (at_ != end_ && *at_ >= '0' && *at_ <= '9') ++at_;
    return at_ != begin;
  }
  bool number(Json& json) {
    const char* begin = at_;
    const bool negative = *at_ == '-';
    at_ += negative;
    const char* first = at_;
    if (!digits() || (*first == '0' && at_ - first > 1)) return false;
    bool whole = true;
    if (at_ != end_ && *at_ == '.') {
      whole = false, ++at_;
      if (!digits()) return false;
    }
    if (at_ != end_ && (*at_ == 'e' || *at_ == 'E')) {
      whole = false, ++at_;
      if (at_ != end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (!digits()) return false;
    }
    const auto keep = [&](auto number) {
      const auto [stop, error] = std::from_chars(begin, at_, number);
      if (error != std::errc() || stop != at_) return false;
      json = number;
      return true;
    };
    if (!whole) return keep(double{});
    return negative ? keep(int64_t{}) : keep(uint64_t{});
  }

  const char* at_;
  const char* end_;
};

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  if (auto plain = PlainReader(text).read()) return *std::move(plain);
  check_depth(text, where);
  try {
    return Json::parse(text);
  } catch (const Json::parse_error& error) {
    throw Error(ErrorCode::bad_input, "this is not JSON",
                {.where = where + ", byte " + std::to_string(error.byte), .expected = "JSON in UTF-8"});
  } catch (const Json::exception&) {  // a number that no double holds
    throw Error(ErrorCode::bad_input, "a number is too large", {.where = where, .expected = "numbers of 64 bits"});
  }
}

}  // namespace cowatch

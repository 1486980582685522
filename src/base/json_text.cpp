#include "base/json_text.h"

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

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
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

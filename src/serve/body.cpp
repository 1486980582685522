#include "serve/body.h"

#include "base/error.h"
#include "base/json.h"

namespace cowatch::serve {

Json parse_body(const std::string& text) {
  // Printing and checking a value descend into it: depth is bounded before anything is built.
  constexpr int deepest = 64;
  const auto bounded = [](int depth, Json::parse_event_t, Json&) {
    if (depth > deepest)
      throw Error(ErrorCode::bad_input, "the body is nested too deeply",
                  {.expected = "at most " + std::to_string(deepest) + " levels"});
    return true;
  };
  Json body = Json::parse(text, bounded, false);
  if (body.is_discarded())
    throw Error(ErrorCode::bad_input, "the body is not JSON",
                {.where = "the body", .expected = "a JSON value", .found = text.substr(0, 60)});
  return body;
}

}  // namespace cowatch::serve

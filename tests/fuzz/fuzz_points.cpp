// What comes with points: a line of a file of them, and below it a filter, asked of the point's payload. What is
// taken can be written again.
#include "base/json.h"
#include "base/json_text.h"
#include "fuzz/fuzz.h"
#include "search/access/filter.h"
#include "search/point_files.h"

using namespace cowatch;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const size_t end = text.find('\n');
  PointChange point;
  try {
    point = parse_point_line(parse_json(text.substr(0, end), "line 1"), "line 1");
    fuzz::expect(parse_point_id(to_json(point.id), "") == point.id, "the same id");
    fuzz::expect(Json::accept(point.payload), "a payload in JSON");
  } catch (const Error&) {
  }
  if (end == text.npos) return 0;
  try {
    const Condition condition = parse_filter(parse_json(text.substr(end + 1), "line 2"), "/filter");
    matches(condition, point.id, Json::parse(point.payload));
  } catch (const Error&) {
  }
  return 0;
}

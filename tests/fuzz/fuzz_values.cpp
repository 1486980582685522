// Single cells: times, numbers, hashtags, texts that are cut.
#include <cmath>

#include "fuzz/fuzz.h"
#include "store/import/parse.h"

using namespace cowatch;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  if (const auto time = parse_time(text))
    fuzz::expect(*time >= 631152000000 && *time <= 4102444800000, "a time from 1990 to 2100");
  if (const auto number = parse_number(text)) fuzz::expect(std::isfinite(*number), "a finite number");
  for (const std::string& tag : parse_hashtags(text)) {
    fuzz::expect(!tag.empty() && tag.find_first_of(" \t\n") == tag.npos, "hashtags without blanks");
  }
  size_t at = 0, of_piece = 0;
  const bool whole = is_utf8(text, at);
  fuzz::expect(whole || at < size, "the place of a byte that is not UTF-8");
  for (const size_t most : {size_t{0}, size_t{1}, size / 2, size, size + 1}) {
    const std::string_view piece = cut_text(text, most);
    fuzz::expect(piece.size() <= most && text.starts_with(piece), "a beginning");
    fuzz::expect(!whole || is_utf8(piece, of_piece), "no character is cut apart");
  }
  return 0;
}

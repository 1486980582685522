#include "search/compute/index_file.h"

#include <algorithm>

namespace cowatch {

void throw_damaged_index(const TensorFile& file, const std::string& what, const std::string& expected,
                         const std::string& found) {
  throw Error(ErrorCode::damaged, what,
              {.where = file.path().string(),
               .expected = expected,
               .found = found,
               .remedy = "Build the index again from its vectors."});
}

size_t stored_number(const TensorFile& file, const std::string& key, size_t least, size_t most) {
  const std::string text = file.get(key);
  size_t value = 0;
  const bool digits = !text.empty() && text.size() < 12 &&
                      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (digits) value = std::stoull(text);
  if (!digits || value < least || value > most) {
    throw_damaged_index(file, "an index does not fit its vectors",
                        key + " from " + std::to_string(least) + " to " + std::to_string(most), text);
  }
  return value;
}

}  // namespace cowatch

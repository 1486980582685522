// What index files have in common: reading their numbers and arrays with sizes checked, and one error for all
// damage.
#pragma once

#include <charconv>
#include <span>
#include <string>

#include "base/tensor_file.h"

namespace cowatch {

[[noreturn]] void throw_damaged_index(const TensorFile& file, const std::string& what,
                                      const std::string& expected, const std::string& found);
// A number of the metadata within a range; throws damaged.
size_t stored_number(const TensorFile& file, const std::string& key, size_t least, size_t most);

// Any number of its type, in whole; what there is no key for is the fallback. Throws damaged.
template <typename T>
T stored_value(const TensorFile& file, const std::string& key, T fallback) {
  const std::string text = file.get(key);
  if (text.empty()) return fallback;
  T value;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw_damaged_index(file, "an index has a setting that cannot be read", "a number as " + key, text);
  return value;
}

// A tensor of exactly `count` elements; throws damaged.
template <typename T>
std::span<const T> stored(const TensorFile& file, const std::string& name, size_t count) {
  const auto values = file.tensor<T>(name);
  if (values.size() != count)
    throw_damaged_index(file, "an index has too few or too many " + name, std::to_string(count),
                        std::to_string(values.size()));
  return values;
}

}  // namespace cowatch

#include "store/npy.h"

#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "math/float16.h"
#include "store/text_input.h"

namespace cowatch {
namespace {

[[noreturn]] void refuse(
    const Path& path, const std::string& what, const std::string& expected, const std::string& found,
    const std::string& remedy = "Write it with numpy.save(file, array.astype('float32')).") {
  throw Error(ErrorCode::bad_input, what,
              {.where = path.string(), .expected = expected, .found = found, .remedy = remedy});
}

// The text behind `'key':` in the header's Python dictionary, up to the next comma outside parentheses.
std::string header_value(const std::string& header, const std::string& key) {
  const size_t at = header.find("'" + key + "':");
  if (at == std::string::npos) return "";
  size_t begin = header.find_first_not_of(' ', at + key.size() + 3), end = begin;
  for (int depth = 0; end < header.size() && (depth > 0 || (header[end] != ',' && header[end] != '}'));
       ++end) {
    depth += header[end] == '(' ? 1 : header[end] == ')' ? -1 : 0;
  }
  return begin < header.size() ? header.substr(begin, end - begin) : "";
}

// Bytes of one number; 0: of a type that is not read.
size_t element_size(const std::string& type) {
  if (type == "'|u1'") return 1;
  if (type == "'<f2'") return 2;
  if (type == "'<f4'" || type == "'<i4'") return 4;
  return type == "'<f8'" || type == "'<i8'" ? 8 : 0;
}

bool parse_shape(const std::string& text, size_t& rows, size_t& columns) {
  unsigned long long r = 0, c = 0;
  int used = 0;
  if (std::sscanf(text.c_str(), "(%llu, %llu)%n", &r, &c, &used) != 2 || used == 0) return false;
  rows = r, columns = c;
  return true;
}

template <typename T, typename Convert>
void convert(const std::string& bytes, size_t at, std::vector<float>& values, Convert&& as_float) {
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + at + i * sizeof(T), sizeof(T));
    values[i] = as_float(value);
  }
}

}  // namespace

NumberTable read_npy(const Path& path) {
  const std::string bytes = InputStream(path).read_all();
  if (bytes.size() < 12 || bytes.compare(0, 6, "\x93NUMPY", 6) != 0) {
    refuse(path, "this is not an .npy file", "the magic \\x93NUMPY",
           std::to_string(bytes.size()) + " bytes of something else");
  }
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(bytes[i])); };
  if (byte(6) < 1 || byte(6) > 3)
    refuse(path, "this version of .npy is not read", "version 1, 2 or 3", std::to_string(byte(6)));
  const bool wide = byte(6) >= 2;
  const size_t begin = wide ? 12 : 10;
  const size_t length = byte(8) | byte(9) << 8 | (wide ? byte(10) << 16 | byte(11) << 24 : 0);
  if (begin + length > bytes.size())
    refuse(path, "the header is cut", std::to_string(length) + " bytes", "fewer");
  const std::string header = bytes.substr(begin, length);
  const std::string type = header_value(header, "descr");
  NumberTable table;
  if (!parse_shape(header_value(header, "shape"), table.rows, table.columns)) {
    refuse(path, "the array has another shape", "(videos, features)",
           std::string(cut_text(header_value(header, "shape"), 40)));
  }
  if (table.columns == 0) refuse(path, "the array has no columns", "at least one feature", "none");
  if (header_value(header, "fortran_order") != "False")
    refuse(path, "the array is in Fortran order", "C order", "Fortran order");
  const size_t element = element_size(type);
  if (element == 0)
    refuse(path, "numbers of this type are not read", "<f2, <f4, <f8, <i4, <i8 or |u1", type.substr(0, 40));
  size_t expected = 0;
  if (__builtin_mul_overflow(table.rows, table.columns, &expected) ||
      __builtin_mul_overflow(expected, element, &expected) || bytes.size() - begin - length != expected) {
    refuse(path, "the array does not have the length its header says",
           std::to_string(expected) + " bytes of data", std::to_string(bytes.size() - begin - length));
  }
  table.values.resize(table.rows * table.columns);
  const size_t at = begin + length;
  if (type == "'<f4'") {
    convert<float>(bytes, at, table.values, [](float v) { return v; });
  } else if (type == "'<f2'") {
    convert<uint16_t>(bytes, at, table.values, float_from_half);
  } else if (type == "'<f8'") {
    convert<double>(bytes, at, table.values, [](double v) { return static_cast<float>(v); });
  } else if (type == "'<i8'") {
    convert<int64_t>(bytes, at, table.values, [](int64_t v) { return static_cast<float>(v); });
  } else if (type == "'<i4'") {
    convert<int32_t>(bytes, at, table.values, [](int32_t v) { return static_cast<float>(v); });
  } else {
    convert<uint8_t>(bytes, at, table.values, [](uint8_t v) { return static_cast<float>(v); });
  }
  for (size_t i = 0; i < table.values.size(); ++i) {
    if (std::isfinite(table.values[i])) continue;
    throw Error(ErrorCode::bad_input, "a feature is not a finite number",
                {.where = path.string() + ", row " + std::to_string(i / table.columns) + ", column " +
                          std::to_string(i % table.columns),
                 .expected = "a finite number",
                 .found = std::isnan(table.values[i]) ? "NaN" : "infinity",
                 .remedy = "Correct the row; a video without features is a row of zeros."});
  }
  return table;
}

}  // namespace cowatch

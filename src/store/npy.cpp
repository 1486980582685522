#include "store/npy.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "base/error.h"
#include "math/float16.h"
#include "store/text_input.h"

namespace cowatch {
namespace {

constexpr size_t longest_header = 1 << 20, most_columns = 1 << 22;
constexpr size_t block_numbers = 1 << 20;  // converted at a time

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
void convert(const std::string& bytes, std::span<float> values, Convert&& as_float) {
  for (size_t i = 0; i < values.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = as_float(value);
  }
}

void convert(const std::string& type, const std::string& bytes, std::span<float> values) {
  const auto plain = [](auto value) { return static_cast<float>(value); };
  if (type == "'<f4'") return convert<float>(bytes, values, plain);
  if (type == "'<f2'") return convert<uint16_t>(bytes, values, float_from_half);
  if (type == "'<f8'") return convert<double>(bytes, values, plain);
  if (type == "'<i8'") return convert<int64_t>(bytes, values, plain);
  if (type == "'<i4'") return convert<int32_t>(bytes, values, plain);
  convert<uint8_t>(bytes, values, plain);
}

// Up to `size` bytes; fewer only at the end of the file.
std::string take(InputStream& stream, size_t size) {
  std::string bytes(size, '\0');
  size_t filled = 0;
  while (filled < size) {
    const size_t got = stream.read(bytes.data() + filled, size - filled);
    if (got == 0) break;
    filled += got;
  }
  bytes.resize(filled);
  return bytes;
}

// The header's dictionary, the stream then standing before the numbers.
std::string take_header(InputStream& stream, const Path& path) {
  const std::string start = take(stream, 10);
  if (start.size() < 10 || start.compare(0, 6, "\x93NUMPY", 6) != 0) {
    refuse(path, "this is not an .npy file", "the magic \\x93NUMPY",
           std::to_string(stream.size()) + " bytes of something else");
  }
  if (start[6] < 1 || start[6] > 3)
    refuse(path, "this version of .npy is not read", "version 1, 2 or 3",
           std::to_string(static_cast<unsigned char>(start[6])));
  const std::string more = start[6] >= 2 ? take(stream, 2) : "";
  size_t length = 0;
  for (const char c : start.substr(8) + more) length = length >> 8 | static_cast<size_t>(static_cast<unsigned char>(c)) << 24;
  length >>= 8 * (4 - 2 - more.size());
  if (length > longest_header)
    refuse(path, "the header is too long", "at most " + std::to_string(longest_header) + " bytes", std::to_string(length));
  std::string header = take(stream, length);
  if (header.size() != length)
    refuse(path, "the header is cut", std::to_string(length) + " bytes", std::to_string(header.size()));
  return header;
}

}  // namespace

void visit_npy(const Path& path, const std::function<void(size_t first, ConstMatrix rows)>& visit) {
  InputStream stream(path);
  const std::string header = take_header(stream, path);
  const std::string type = header_value(header, "descr");
  size_t rows = 0, columns = 0;
  if (const std::string shape = header_value(header, "shape"); !parse_shape(shape, rows, columns)) {
    const bool flat = std::ranges::count(shape, ',') < 2 && shape.ends_with(",)");
    refuse(path, flat ? "the array has one dimension" : "the array has another shape",
           "two dimensions, a row for each vector", std::string(cut_text(shape, 40)),
           flat ? "Write it with numpy.save(file, array.reshape(rows, -1))."
                : "Write an array of two dimensions.");
  }
  if (columns == 0 || columns > most_columns)
    refuse(path, "the array has no sensible number of columns", "1 to " + std::to_string(most_columns), std::to_string(columns));
  if (header_value(header, "fortran_order") != "False")
    refuse(path, "the array is in Fortran order", "C order", "Fortran order",
           "Write it with numpy.save(file, numpy.ascontiguousarray(array, dtype='float32')).");
  const size_t element = element_size(type);
  if (element == 0)
    refuse(path, "numbers of this type are not read", "<f2, <f4, <f8, <i4, <i8 or |u1", type.substr(0, 40));
  size_t expected = 0, read = 0;
  const bool sensible = !__builtin_mul_overflow(rows, columns * element, &expected);
  const size_t block = std::max<size_t>(1, block_numbers / columns);
  std::vector<float> values;
  for (size_t first = 0; sensible && first < rows; first += block) {
    const size_t count = std::min(block, rows - first);
    const std::string bytes = take(stream, count * columns * element);
    read += bytes.size();
    if (bytes.size() != count * columns * element) break;
    values.resize(count * columns);
    convert(type, bytes, values);
    visit(first, ConstMatrix(values.data(), count, columns));
  }
  read += take(stream, 1).size();
  if (!sensible || read != expected) {
    refuse(path, "the array does not have the length its header says", std::to_string(expected) + " bytes of data",
           read > expected ? "more" : std::to_string(read));
  }
}

NumberTable read_npy(const Path& path) {
  NumberTable table;
  visit_npy(path, [&](size_t first, ConstMatrix rows) {
    table.rows = first + rows.rows, table.columns = rows.columns;
    const std::span<const float> values(rows.data, rows.rows * rows.columns);
    for (size_t i = 0; i < values.size(); ++i) {
      if (std::isfinite(values[i])) continue;
      throw Error(ErrorCode::bad_input, "a feature is not a finite number",
                  {.where = path.string() + ", row " + std::to_string(first + i / rows.columns) + ", column " +
                            std::to_string(i % rows.columns),
                   .expected = "a finite number",
                   .found = std::isnan(values[i]) ? "NaN" : "infinity",
                   .remedy = "Correct the row; a video without features is a row of zeros."});
    }
    table.values.insert(table.values.end(), values.begin(), values.end());
  });
  return table;
}

}  // namespace cowatch

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

// What 'descr' says of one number: kind b, i, u or f, and its bytes.
struct NumberType {
  char kind = 0;
  size_t size = 0;  // 0: of a type that is not read
};

NumberType number_type(const std::string& text) {
  static constexpr std::string_view known[] = {"b1", "i1", "i2", "i4", "i8", "u1",
                                               "u2", "u4", "u8", "f2", "f4", "f8"};
  if (text.size() != 5 || text.front() != '\'' || text.back() != '\'') return {};
  const std::string_view name = std::string_view(text).substr(2, 2);
  const bool one_byte = name[1] == '1';
  if (std::ranges::find(known, name) == std::end(known) || (text[1] != '<' && !(one_byte && text[1] == '|')))
    return {};
  return {name[0], static_cast<size_t>(name[1] - '0')};
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
    T number;
    std::memcpy(&number, bytes.data() + i * sizeof(T), sizeof(T));
    values[i] = as_float(number);
  }
}

void convert(const NumberType& type, const std::string& bytes, std::span<float> values) {
  const auto as = [&]<typename T>(T) {
    convert<T>(bytes, values, [](T value) { return static_cast<float>(value); });
  };
  if (type.kind == 'f' && type.size == 2)
    return convert<uint16_t>(bytes, values, float_from_half);
  if (type.kind == 'f') return type.size == 4 ? as(float{}) : as(double{});
  const bool is_signed = type.kind == 'i';
  if (type.size == 1) return is_signed ? as(int8_t{}) : as(uint8_t{});
  if (type.size == 2) return is_signed ? as(int16_t{}) : as(uint16_t{});
  if (type.size == 4) return is_signed ? as(int32_t{}) : as(uint32_t{});
  return is_signed ? as(int64_t{}) : as(uint64_t{});
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

struct Header {
  NumberType type;
  size_t rows = 0, columns = 0;
  bool columns_first = false;  // Fortran order
};

Header read_header(InputStream& stream, const Path& path) {
  const std::string text = take_header(stream, path), type = header_value(text, "descr");
  Header header;
  if (const std::string shape = header_value(text, "shape");
      !parse_shape(shape, header.rows, header.columns)) {
    const bool flat = std::ranges::count(shape, ',') < 2 && shape.ends_with(",)");
    refuse(path, flat ? "the array has one dimension" : "the array has another shape",
           "two dimensions, a row for each vector", std::string(cut_text(shape, 40)),
           flat ? "Write it with numpy.save(file, array.reshape(rows, -1))."
                : "Write an array of two dimensions.");
  }
  if (header.columns == 0 || header.columns > most_columns)
    refuse(path, "the array has no sensible number of columns", "1 to " + std::to_string(most_columns),
           std::to_string(header.columns));
  const std::string order = header_value(text, "fortran_order");
  if (order != "False" && order != "True")
    refuse(path, "the header does not say the array's order", "'fortran_order': False or True",
           std::string(cut_text(order, 40)));
  header.columns_first = order == "True";
  header.type = number_type(type);
  if (header.type.size == 0)
    refuse(path, "numbers of this type are not read",
           "float16, float32, float64, bool, or integers of 1, 2, 4 or 8 bytes, least significant byte first", type.substr(0, 40));
  return header;
}

// Calls visit(number's place in the file, numbers) for all numbers in the file's order, `block` at a time.
template <typename Visit>
void visit_numbers(InputStream& stream, const Path& path, const Header& header, size_t block,
                   const Visit& visit) {
  const size_t element = header.type.size;
  size_t expected = 0, read = 0;
  const bool sensible = !__builtin_mul_overflow(header.rows, header.columns * element, &expected);
  std::vector<float> values;
  for (size_t first = 0, numbers = header.rows * header.columns; sensible && first < numbers;
       first += block) {
    const size_t count = std::min(block, numbers - first);
    const std::string bytes = take(stream, count * element);
    read += bytes.size();
    if (bytes.size() != count * element) break;
    values.resize(count);
    convert(header.type, bytes, values);
    visit(first, std::span<const float>(values));
  }
  read += take(stream, 1).size();
  if (!sensible || read != expected) {
    refuse(path, "the array does not have the length its header says", std::to_string(expected) + " bytes of data",
           read > expected ? "more" : std::to_string(read));
  }
}

}  // namespace

void visit_npy(const Path& path, const std::function<void(size_t first, ConstMatrix rows)>& visit) {
  InputStream stream(path);
  const Header header = read_header(stream, path);
  if (header.columns_first)  // its rows are complete with the last column only
    refuse(path, "the array is in Fortran order", "C order, row after row", "Fortran order",
           "Write it with numpy.save(file, numpy.ascontiguousarray(array, dtype='float32')).");
  const size_t columns = header.columns, block = std::max<size_t>(1, block_numbers / columns) * columns;
  visit_numbers(stream, path, header, block, [&](size_t first, std::span<const float> values) {
    visit(first / columns, ConstMatrix(values.data(), values.size() / columns, columns));
  });
}

NumberTable read_npy(const Path& path) {
  InputStream stream(path);
  const Header header = read_header(stream, path);
  std::vector<float> numbers;  // grows with what is really there, whatever the header says
  visit_numbers(stream, path, header, block_numbers, [&](size_t first, std::span<const float> values) {
    for (size_t i = 0; i < values.size(); ++i) {
      if (std::isfinite(values[i])) continue;
      const size_t place = first + i,
                   row = header.columns_first ? place % header.rows : place / header.columns,
                   column = header.columns_first ? place / header.rows : place % header.columns;
      throw Error(
          ErrorCode::bad_input, "a feature is not a finite number",
          {.where = path.string() + ", row " + std::to_string(row) + ", column " + std::to_string(column),
           .expected = "a finite number",
           .found = std::isnan(values[i]) ? "NaN" : "infinity",
           .remedy = "Correct the row; a video without features is a row of zeros."});
    }
    numbers.insert(numbers.end(), values.begin(), values.end());
  });
  if (header.rows == 0) return {};
  NumberTable table{header.rows, header.columns, std::move(numbers)};
  if (!header.columns_first) return table;
  std::vector<float> rows(table.values.size());
  for (size_t r = 0; r < table.rows; ++r) {
    for (size_t c = 0; c < table.columns; ++c) rows[r * table.columns + c] = table.values[c * table.rows + r];
  }
  table.values = std::move(rows);
  return table;
}

}  // namespace cowatch

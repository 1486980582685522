#include "search/compute/codes/scalar_codes.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "search/compute/kernels/rounding.h"

namespace cowatch {
namespace {

constexpr float finer_levels = 255;

size_t padded(size_t bytes, size_t to) {
  return (bytes + to - 1) / to * to;
}

float code_of(const ScalarLayout& layout, const uint8_t* record, size_t i) {
  if (layout.bits == 8) return record[i];
  return i < layout.code_bytes ? record[i] & 15 : record[i - layout.code_bytes] >> 4;
}

}  // namespace

ScalarLayout::ScalarLayout(size_t numbers, unsigned code_bits) : dimension(numbers), bits(code_bits) {
  code_bytes = padded(bits == 8 ? dimension : (dimension + 1) / 2, 32);
  record_bytes = padded(code_bytes + sizeof(CodeConstants), 16);
  finer_bytes = padded(dimension, 4) + sizeof(float);
}

CodeConstants constants_of(const ScalarLayout& layout, const uint8_t* record) {
  CodeConstants constants;
  std::memcpy(&constants, record + layout.code_bytes, sizeof constants);
  return constants;
}

void encode(const ScalarLayout& layout, std::span<const float> row, uint8_t* record, uint8_t* finer) {
  const auto [low, high] = std::minmax_element(row.begin(), row.end());
  const float levels = layout.bits == 8 ? 255 : 15;
  CodeConstants constants = {*low, (*high - *low) / levels, 0};
  const float inverse = constants.step > 0 ? 1 / constants.step : 0;
  std::memset(record, 0, layout.record_bytes);
  if (finer) std::memset(finer, 0, layout.finer_bytes);
  double square = 0, finer_square = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    const float code = std::min(levels, std::floor((row[i] - constants.offset) * inverse + 0.5f));
    const auto bits = static_cast<unsigned>(code);
    if (layout.bits == 8) {
      record[i] = static_cast<uint8_t>(bits);
    } else if (i < layout.code_bytes) {
      record[i] = static_cast<uint8_t>(record[i] | bits);
    } else {
      record[i - layout.code_bytes] = static_cast<uint8_t>(record[i - layout.code_bytes] | bits << 4);
    }
    const float decoded = constants.offset + constants.step * code;
    square += double{decoded} * decoded;
    if (!finer) continue;
    const float missed = (row[i] - decoded) * inverse + 0.5f;
    finer[i] = static_cast<uint8_t>(level_within(std::floor(missed * finer_levels + 0.5f), finer_levels));
    const double both = double{decoded} + constants.step * (finer[i] / double{finer_levels} - 0.5);
    finer_square += both * both;
  }
  constants.square = static_cast<float>(square);
  std::memcpy(record + layout.code_bytes, &constants, sizeof constants);
  if (!finer) return;
  const auto sum = static_cast<float>(finer_square);
  std::memcpy(finer + layout.finer_bytes - sizeof sum, &sum, sizeof sum);
}

void decode(const ScalarLayout& layout, const uint8_t* record, std::span<float> row) {
  const CodeConstants constants = constants_of(layout, record);
  if (layout.bits == 8) {
    for (size_t i = 0; i < row.size(); ++i) row[i] = constants.offset + constants.step * record[i];
    return;
  }
  const size_t half = std::min(row.size(), layout.code_bytes);
  for (size_t i = 0; i < half; ++i) row[i] = constants.offset + constants.step * (record[i] & 15);
  for (size_t i = half; i < row.size(); ++i)
    row[i] = constants.offset + constants.step * (record[i - half] >> 4);
}

void decode(const ScalarLayout& layout, const uint8_t* record, const uint8_t* finer, std::span<float> row) {
  const CodeConstants constants = constants_of(layout, record);
  for (size_t i = 0; i < row.size(); ++i) {
    row[i] = constants.offset + constants.step * (code_of(layout, record, i) +
                                                  static_cast<float>(finer[i]) / finer_levels - 0.5f);
  }
}

}  // namespace cowatch

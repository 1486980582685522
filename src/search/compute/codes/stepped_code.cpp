#include "search/compute/codes/stepped_code.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "math/float16.h"
#include "math/vectors.h"
#include "search/compute/kernels/rounding.h"
#include "search/compute/scan.h"

namespace cowatch {
namespace {

// The step of the uniform quantizer with 2^B levels that is best for normal numbers of variance 1 (Max 1960),
// and factors around it that are tried for each vector.
constexpr std::array<float, 9> normal_steps = {0,       1.596f,  0.9957f, 0.5860f, 0.3352f,
                                               0.1881f, 0.1041f, 0.0569f, 0.0308f};
constexpr std::array<float, 8> step_factors = {0.7f, 0.8f, 0.9f, 1.0f, 1.1f, 1.2f, 1.35f, 1.5f};

// The nearest bfloat16 that is not below, or not above, a finite value.
float bfloat_above(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if (value > 0 && (bits & 0xffffu) != 0) bits += 0x10000u;
  return std::bit_cast<float>(bits & 0xffff0000u);
}
float bfloat_below(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if (value < 0 && (bits & 0xffffu) != 0) bits += 0x10000u;
  return std::bit_cast<float>(bits & 0xffff0000u);
}

}  // namespace

SteppedCode::SteppedCode(Kind kind, size_t dimension, unsigned bits)
    : kind_(kind),
      dimension_(dimension),
      bits_(bits),
      query_bits_(bits == 1  ? 5
                  : bits < 4 ? 6
                             : 8) {
  const bool known = kind == Kind::scalar ? bits == 4 || bits == 8 : bits >= 1 && bits <= 8;
  if (!known)
    throw Error(ErrorCode::internal, "there is no code of so many bits", {.found = std::to_string(bits)});
  codes_bytes_ = in_planes() ? plane_block_bytes(dimension, bits) : packed_block_bytes(bits, dimension);
}

SteppedCode::Constants SteppedCode::encode_scalar(std::span<const float> row, uint8_t* codes) const {
  const auto [low, high] = std::minmax_element(row.begin(), row.end());
  const float levels = bits_ == 8 ? 255 : 15;
  Constants constants = {bfloat_below(*low), 0, 0};
  constants.step = bfloat_above((*high - constants.offset) / levels);
  const float inverse = constants.step > 0 ? 1 / constants.step : 0;
  double square = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    const float code = level_within(std::floor((row[i] - constants.offset) * inverse + 0.5f), levels);
    codes[i] = static_cast<uint8_t>(code);
    const double decoded = double{constants.offset} + double{constants.step} * code;
    square += decoded * decoded;
  }
  constants.square = static_cast<float>(square);
  return constants;
}

SteppedCode::Constants SteppedCode::encode_rabitq(std::span<const float> row, uint8_t* codes) const {
  const float square = dot(row, row), middle = static_cast<float>((1 << bits_) - 1) / 2;
  const float sigma = std::sqrt(square / static_cast<float>(row.size()));
  float best = 0, best_product = 0;
  std::vector<uint8_t> tried(row.size());
  for (const float factor : step_factors) {
    const float inverse = sigma > 0 ? 1 / (sigma * normal_steps[bits_] * factor) : 0;
    float product = 0, length = 0;
    for (size_t i = 0; i < row.size(); ++i) {
      const float level = level_within(std::floor(row[i] * inverse + middle + 0.5f), 2 * middle);
      const float value = level - middle;
      tried[i] = static_cast<uint8_t>(level);
      product += row[i] * value;
      length += value * value;
    }
    const float cosine = length > 0 ? product / std::sqrt(length) : 0;
    if (cosine > best || factor == step_factors[0]) {
      best = cosine, best_product = product;
      std::copy(tried.begin(), tried.end(), codes);
    }
    if (bits_ == 1) break;  // only signs count
  }
  const float step = best_product > 0 ? square / best_product : 0;
  return {-step * middle, step, square};
}

void SteppedCode::encode(ConstMatrix rows, ConstMatrix, uint8_t* codes) const {
  for (size_t r = 0; r < rows.rows; ++r) {
    uint8_t* code = codes + r * code_bytes();
    const Constants constants =
        kind_ == Kind::scalar ? encode_scalar(rows.row(r), code) : encode_rabitq(rows.row(r), code);
    std::memcpy(code + dimension_, &constants, sizeof constants);
  }
}

void SteppedCode::decode(const uint8_t* code, std::span<float> row) const {
  Constants constants;
  std::memcpy(&constants, code + dimension_, sizeof constants);
  for (size_t i = 0; i < row.size(); ++i) row[i] = constants.offset + constants.step * code[i];
}

// Behind the codes: 32 squares, then 32 steps (RaBitQ), or 32 offsets and 32 steps of 16 bits (scalar).
void SteppedCode::pack(const uint8_t* code, uint8_t* block, size_t place) const {
  Constants constants;
  std::memcpy(&constants, code + dimension_, sizeof constants);
  const std::span codes(code, dimension_);
  in_planes() ? pack_planes(bits_, codes, block, place) : pack_bytes(bits_, codes, block, place);
  uint8_t* squares = block + codes_bytes_;
  std::memcpy(squares + place * 4, &constants.square, 4);
  if (kind_ == Kind::rabitq) {
    std::memcpy(squares + (32 + place) * 4, &constants.step, 4);
    return;
  }
  const uint16_t offset = bfloat_from_float(constants.offset), step = bfloat_from_float(constants.step);
  std::memcpy(squares + 128 + place * 2, &offset, 2);
  std::memcpy(squares + 192 + place * 2, &step, 2);
}

void SteppedCode::unpack(const uint8_t* block, size_t place, uint8_t* code) const {
  const std::span codes(code, dimension_);
  in_planes() ? unpack_planes(bits_, block, place, codes) : unpack_bytes(bits_, block, place, codes);
  const uint8_t* squares = block + codes_bytes_;
  Constants constants;
  std::memcpy(&constants.square, squares + place * 4, 4);
  if (kind_ == Kind::rabitq) {
    std::memcpy(&constants.step, squares + (32 + place) * 4, 4);
    constants.offset = -constants.step * (static_cast<float>((1 << bits_) - 1) / 2);
  } else {
    uint16_t offset, step;
    std::memcpy(&offset, squares + 128 + place * 2, 2);
    std::memcpy(&step, squares + 192 + place * 2, 2);
    constants.offset = float_from_bfloat(offset), constants.step = float_from_bfloat(step);
  }
  std::memcpy(code + dimension_, &constants, sizeof constants);
}

void SteppedCode::prepare(std::span<const float> query, float factor, float square_factor,
                          CodeTables& tables) const {
  tables.factor = factor, tables.square_factor = square_factor;
  if (in_planes()) {
    round_query(query_bits_, query, tables.planes);
  } else {
    round_query(bits_, query, tables.bytes);
  }
}

size_t SteppedCode::scan(CodeTables& tables, const uint8_t* blocks, size_t count, float least,
                         CodeHit* hits) const {
  const float query_step = (in_planes() ? tables.planes.step : tables.bytes.step) * tables.factor;
  const float query_sum = (in_planes() ? tables.planes.sum : tables.bytes.sum) * tables.factor;
  const float middle = static_cast<float>((1 << bits_) - 1) / 2;
  size_t found = 0;
  std::array<int32_t, block_codes> products;
  std::array<float, block_codes> squares, steps, scores;
  for (size_t b = 0; b < count; ++b) {
    const uint8_t *block = blocks + b * block_bytes(), *constants = block + codes_bytes_;
    if (in_planes()) {
      plane_products(tables.planes, bits_, block, products.data());
    } else {
      packed_products(tables.bytes, bits_, block, products.data());
    }
    std::memcpy(squares.data(), constants, sizeof squares);
    if (kind_ == Kind::rabitq) {
      std::memcpy(steps.data(), constants + sizeof squares, sizeof steps);
      for (size_t i = 0; i < block_codes; ++i) {
        scores[i] = steps[i] * (query_step * static_cast<float>(products[i]) - middle * query_sum) -
                    tables.square_factor * squares[i];
      }
    } else {
      std::array<uint16_t, block_codes> offset_words, step_words;
      std::memcpy(offset_words.data(), constants + 128, sizeof offset_words);
      std::memcpy(step_words.data(), constants + 192, sizeof step_words);
      for (size_t i = 0; i < block_codes; ++i) {
        scores[i] = float_from_bfloat(step_words[i]) * query_step * static_cast<float>(products[i]) +
                    float_from_bfloat(offset_words[i]) * query_sum - tables.square_factor * squares[i];
      }
    }
    size_t i = 0;
    while ((i = next_at_least(scores, i, least)) < block_codes) {
      hits[found++] = {static_cast<uint32_t>(b * block_codes + i), scores[i]};
      ++i;
    }
  }
  return found;
}

}  // namespace cowatch

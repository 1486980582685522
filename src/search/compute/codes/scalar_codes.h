// Scalar codes with an offset and a step of each vector (LVQ; Aguerrebere et al., VLDB 2023): number i of a
// vector x is offset + step · code_i, code_i of 4 or 8 bits, offset = min x, step = (max x − min x) / 15 or
// 255.
//
// A record is, at multiples of 16 bytes: the codes, padded to 32 bytes, then offset, step and the squared
// length of the decoded vector as float32. With 4 bits, byte j of B holds number j below and number B + j
// above. A second level (finer record) has 8 bits a number for what the first level missed, which is between
// −step/2 and step/2, and the squared length of the vector decoded from both.
//
// Queries are rounded to signed bytes by one step of their own, so that a score is a sum of products of bytes
// and two multiplications: exact integers, the same on every instruction set.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cowatch {

struct ScalarLayout {
  ScalarLayout() = default;
  ScalarLayout(size_t dimension, unsigned bits);

  size_t dimension = 0;
  unsigned bits = 8;
  size_t code_bytes = 0;    // padded
  size_t record_bytes = 0;  // distance of records
  size_t finer_bytes = 0;   // distance of finer records
};

struct CodeConstants {
  float offset, step, square;
};
CodeConstants constants_of(const ScalarLayout& layout, const uint8_t* record);

// `row` has layout.dimension numbers; `record` and `finer` (nullptr: none) get all their bytes.
void encode(const ScalarLayout& layout, std::span<const float> row, uint8_t* record, uint8_t* finer);
void decode(const ScalarLayout& layout, const uint8_t* record, std::span<float> row);
void decode(const ScalarLayout& layout, const uint8_t* record, const uint8_t* finer, std::span<float> row);

// What the scores of one query need. score = factor · ⟨query, x⟩ − square_factor · ‖x‖²: (1, 0) for inner
// products, (2, 1) for −‖query − x‖² + ‖query‖². Its buffers keep their memory from query to query.
struct CodeQuery {
  std::vector<int8_t> codes;              // as the records' bytes are laid out, zeros behind the dimension
  std::vector<float> values;              // of the query itself, padded by zeros
  float step = 0, sum = 0, true_sum = 0;  // of the codes' values, and of the query's own
  float factor = 1, square_factor = 0;
};
void prepare_query(const ScalarLayout& layout, std::span<const float> query, float factor,
                   float square_factor, CodeQuery& prepared);

// scores[i] of the records at `records + slots[i] · record_bytes`.
void score_codes(const ScalarLayout& layout, const CodeQuery& query, const uint8_t* records,
                 std::span<const uint32_t> slots, float* scores);
// The same by the query's own numbers, and by both levels unless `finer` is nullptr.
void score_finer(const ScalarLayout& layout, const CodeQuery& query, const uint8_t* records,
                 const uint8_t* finer, std::span<const uint32_t> slots, float* scores);

}  // namespace cowatch

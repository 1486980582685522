// Products of unsigned codes of 4 or 8 bits and a query of signed bytes, for 32 codes at once. Exact
// integers.
//
// Codes lie in blocks of 32, in groups of four bytes a code: [group][code][4 bytes]. A group has 4 numbers of
// 8 bits, or 8 numbers of 4 bits: the first four in the lower halves of the bytes. Numbers behind the
// dimension are zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cowatch {

inline size_t packed_groups(unsigned bits, size_t dimension) {
  const size_t numbers = 32 / bits;
  return (dimension + numbers - 1) / numbers;
}
inline size_t packed_block_bytes(unsigned bits, size_t dimension) {
  return packed_groups(bits, dimension) * 4 * 32;
}
// Codes below 2^bits, one a number; the block's other codes stay as they are.
void pack_bytes(unsigned bits, std::span<const uint8_t> codes, uint8_t* block, size_t place);
void unpack_bytes(unsigned bits, const uint8_t* block, size_t place, std::span<uint8_t> codes);

// number i ≈ step · code i.
struct QueryBytes {
  float step = 0;
  float sum = 0;              // step · Σ codes
  std::vector<int8_t> codes;  // padded to whole groups
};
void round_query(unsigned bits, std::span<const float> query, QueryBytes& bytes);

// products[i] of the 32 codes of a block.
void packed_products(const QueryBytes& query, unsigned bits, const uint8_t* block, int32_t* products);

}  // namespace cowatch

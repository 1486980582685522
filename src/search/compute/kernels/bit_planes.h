// Products of small unsigned codes and signed query codes by counting bits: a code of B bits a number is B
// planes of one bit a number, a query of P bits (two's complement) P planes, and
//   ⟨code, query⟩ = Σ_b Σ_p ± 2^(b + p) · count(code plane b AND query plane p),
// the minus for the query's highest plane. Exact integers.
//
// Codes lie in blocks of 32: words of 64 numbers, [plane][word][code], so that each lane of a vector works on
// a code of its own and nothing is summed across lanes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cowatch {

inline size_t plane_words(size_t dimension) {
  return (dimension + 63) / 64;
}
inline size_t plane_block_bytes(size_t dimension, unsigned bits) {
  return plane_words(dimension) * bits * 32 * sizeof(uint64_t);
}
// Codes below 2^bits, one a number; the block's other codes stay as they are. Blocks are aligned to 8 bytes.
void pack_planes(unsigned bits, std::span<const uint8_t> codes, uint8_t* block, size_t place);
void unpack_planes(unsigned bits, const uint8_t* block, size_t place, std::span<uint8_t> codes);

// number i ≈ step · code i, codes from −(2^(bits − 1) − 1) to 2^(bits − 1) − 1.
struct QueryPlanes {
  unsigned bits = 0;
  float step = 0;
  float sum = 0;                // step · Σ codes
  std::vector<uint64_t> words;  // [word][plane]
};
void round_query(unsigned bits, std::span<const float> query, QueryPlanes& planes);

// products[i] of the 32 codes of a block.
void plane_products(const QueryPlanes& query, unsigned bits, const uint8_t* block, int32_t* products);

}  // namespace cowatch

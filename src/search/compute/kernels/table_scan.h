// Scores by tables of products of sub-vectors: a code is M parts of 4 or 8 bits, and its score the sum of one
// entry of each part's table. Entries are rounded to bytes, so that 16 or 256 of them stay in registers and
// are looked up by shuffles (fast scan: André et al., VLDB 2015); sums of bytes are exact integers, the same
// on every instruction set. 256 entries need AVX-512 VBMI for that; elsewhere they are read from the
// first-level cache.
//
// Codes lie in blocks of 32. Of 4-bit parts byte i < 16 of a part's 16 bytes has vector i below and vector
// 16 + i above; of 8-bit parts there are 32 bytes. Parts are padded (padded_parts) by such whose tables are
// zero.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace cowatch {

constexpr size_t block_codes = 32;

size_t padded_parts(unsigned bits, size_t parts);
inline size_t table_block_bytes(unsigned bits, size_t parts) {
  return padded_parts(bits, parts) * block_codes * bits / 8;
}
// `codes` is the number of each part; the block's other codes stay as they are.
void pack_parts(unsigned bits, std::span<const uint8_t> codes, uint8_t* block, size_t place);
void unpack_parts(unsigned bits, const uint8_t* block, size_t place, std::span<uint8_t> codes);

// One part's table: entries[e] = factor · ⟨query, centre e⟩ − square_factor · squares[e]. `turned` has the
// centres as columns: query.size() rows of entries.size() numbers.
void part_table(std::span<const float> query, std::span<const float> turned, float factor,
                std::span<const float> squares, float square_factor, std::span<float> entries);

// score ≈ offset + step · sum. The step is the widest table's range / 255, or what keeps the largest sum
// below 2^16, so that an entry is off by at most half a step.
//
// Where only scores of at least some `least` matter, none of their entries is below its table's best by more
// than the loss Σ best entries − least. Entries that are count as just that: their codes still score no more
// than `least`, and the others are rounded by the smaller steps of that loss.
struct ByteTables {
  unsigned bits = 4;
  size_t parts = 0;  // padded
  std::vector<uint8_t> values;
  float offset = 0, step = 0;
  float best = 0;    // Σ best entries
  float widest = 0;  // the range of entries that were rounded
};
// `values`: parts × 2^bits scores, higher is better. `loss`: how far below its table's best an entry matters.
void round_tables(unsigned bits, size_t parts, std::span<const float> values, float loss, ByteTables& tables);

struct TableHit {
  uint32_t place;  // among the codes of all blocks
  uint16_t sum;
};
// The codes of `blocks` consecutive blocks whose sums are at least `least`, in order: fills `hits` (32 ·
// blocks places) and returns how many.
size_t scan_tables(const ByteTables& tables, const uint8_t* blocks, size_t count, uint16_t least,
                   TableHit* hits);

}  // namespace cowatch

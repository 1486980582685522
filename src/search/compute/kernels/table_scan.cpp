#include "search/compute/kernels/table_scan.h"

#include <algorithm>
#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "search/compute/kernels/table_scan.cpp"
#include <hwy/foreach_target.h>
// Highway's own headers come after the target loop.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cowatch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

HWY_INLINE size_t take_hits(const uint16_t* sums, size_t count, uint16_t least, size_t first,
                            TableHit* hits) {
  size_t found = 0;
  for (size_t i = 0; i < count; ++i) {
    hits[found] = {static_cast<uint32_t>(first + i), sums[i]};
    found += sums[i] >= least;
  }
  return found;
}

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE void block_sums4(const uint8_t* tables, size_t parts, const uint8_t* block, uint16_t* sums) {
  std::fill_n(sums, block_codes, uint16_t{0});
  for (size_t p = 0; p < parts; ++p) {
    for (size_t i = 0; i < 16; ++i) {
      sums[i] = static_cast<uint16_t>(sums[i] + tables[p * 16 + (block[p * 16 + i] & 15)]);
      sums[16 + i] = static_cast<uint16_t>(sums[16 + i] + tables[p * 16 + (block[p * 16 + i] >> 4)]);
    }
  }
}
size_t scan4(const uint8_t* tables, size_t parts, const uint8_t* blocks, size_t count, uint16_t least,
             TableHit* hits) {
  size_t found = 0;
  uint16_t sums[block_codes];
  for (size_t b = 0; b < count; ++b) {
    block_sums4(tables, parts, blocks + b * parts * 16, sums);
    found += take_hits(sums, block_codes, least, b * block_codes, hits + found);
  }
  return found;
}
#else
using Sums = hn::FixedTag<uint16_t, 8>;

// The sum of a vector's pieces of 128 bits.
template <class D>
HWY_INLINE hn::Vec<Sums> folded(D d, hn::Vec<D> v) {
  if constexpr (sizeof(v.raw) > 16) {
    const hn::Half<D> half;
    return folded(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  } else {
    (void)d;
    return v;
  }
}

size_t scan4(const uint8_t* tables, size_t parts, const uint8_t* blocks, size_t count, uint16_t least,
             TableHit* hits) {
  // Parts are padded to 64 bytes of a block, which whole vectors of every width divide.
  const hn::CappedTag<uint8_t, 64> d;
  const hn::Repartition<uint16_t, decltype(d)> d16;
  const Sums sums_tag;
  const size_t bytes = parts * 16, lanes = hn::Lanes(d);
  const auto mask = hn::Set(d, uint8_t{15});
  const auto wanted = hn::Set(sums_tag, least);
  size_t found = 0;
  for (size_t b = 0; b < count; ++b) {
    const uint8_t* block = blocks + b * bytes;
    // As 16-bit numbers a lookup is its even byte + 256 · its odd byte: `both` sums that, `odd` the latter.
    auto low_both = hn::Zero(d16), low_odd = low_both, high_both = low_both, high_odd = low_both;
    for (size_t i = 0; i < bytes; i += lanes) {
      const auto codes = hn::LoadU(d, block + i), table = hn::LoadU(d, tables + i);
      const auto upper = hn::And(hn::BitCast(d, hn::ShiftRight<4>(hn::BitCast(d16, codes))), mask);
      const auto low = hn::BitCast(d16, hn::TableLookupBytes(table, hn::And(codes, mask)));
      const auto high = hn::BitCast(d16, hn::TableLookupBytes(table, upper));
      low_both = hn::Add(low_both, low);
      low_odd = hn::Add(low_odd, hn::ShiftRight<8>(low));
      high_both = hn::Add(high_both, high);
      high_odd = hn::Add(high_odd, hn::ShiftRight<8>(high));
    }
    const auto odd0 = folded(d16, low_odd), odd1 = folded(d16, high_odd);
    const auto even0 = hn::Sub(folded(d16, low_both), hn::ShiftLeft<8>(odd0));
    const auto even1 = hn::Sub(folded(d16, high_both), hn::ShiftLeft<8>(odd1));
    const auto any = hn::Max(hn::Max(odd0, odd1), hn::Max(even0, even1));
    if (HWY_LIKELY(hn::AllTrue(sums_tag, hn::Lt(any, wanted)))) continue;
    alignas(16) uint16_t sums[block_codes];
    hn::Store(hn::InterleaveLower(sums_tag, even0, odd0), sums_tag, sums);
    hn::Store(hn::InterleaveUpper(sums_tag, even0, odd0), sums_tag, sums + 8);
    hn::Store(hn::InterleaveLower(sums_tag, even1, odd1), sums_tag, sums + 16);
    hn::Store(hn::InterleaveUpper(sums_tag, even1, odd1), sums_tag, sums + 24);
    found += take_hits(sums, block_codes, least, b * block_codes, hits + found);
  }
  return found;
}
#endif

HWY_INLINE void block_sums8(const uint8_t* tables, size_t parts, const uint8_t* block, uint16_t* sums) {
  std::fill_n(sums, block_codes, uint16_t{0});
  for (size_t p = 0; p < parts; ++p) {
    const uint8_t *table = tables + p * 256, *codes = block + p * block_codes;
    for (size_t i = 0; i < block_codes; ++i) sums[i] = static_cast<uint16_t>(sums[i] + table[codes[i]]);
  }
}

#if HWY_TARGET == HWY_AVX3_DL
// Two blocks at once: 64 lookups take two shuffles of 128 entries and a blend by the highest bit.
HWY_INLINE void two_block_sums8(const uint8_t* tables, size_t parts, const uint8_t* block, uint16_t* sums) {
  const uint8_t* second = block + parts * block_codes;
  __m512i even = _mm512_setzero_si512(), odd = even;
  for (size_t p = 0; p < parts; ++p) {
    const uint8_t* table = tables + p * 256;
    const auto half = [&](const uint8_t* from) {
      return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + p * block_codes));
    };
    const __m512i codes = _mm512_inserti64x4(_mm512_castsi256_si512(half(block)), half(second), 1);
    const __m512i lower =
        _mm512_permutex2var_epi8(_mm512_loadu_si512(table), codes, _mm512_loadu_si512(table + 64));
    const __m512i upper =
        _mm512_permutex2var_epi8(_mm512_loadu_si512(table + 128), codes, _mm512_loadu_si512(table + 192));
    const __m512i found = _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), lower, upper);
    even = _mm512_add_epi16(even, found);
    odd = _mm512_add_epi16(odd, _mm512_srli_epi16(found, 8));
  }
  even = _mm512_sub_epi16(even, _mm512_slli_epi16(odd, 8));
  // 16-bit lane l of each has vectors 2 l and 2 l + 1; unpacking works in pieces of 128 bits.
  const __m512i low = _mm512_unpacklo_epi16(even, odd), high = _mm512_unpackhi_epi16(even, odd);
  alignas(64) uint16_t lows[32], highs[32];
  _mm512_store_si512(lows, low);
  _mm512_store_si512(highs, high);
  for (size_t piece = 0; piece < 4; ++piece) {
    std::copy_n(lows + 8 * piece, 8, sums + 16 * piece);
    std::copy_n(highs + 8 * piece, 8, sums + 16 * piece + 8);
  }
}
#endif

size_t scan8(const uint8_t* tables, size_t parts, const uint8_t* blocks, size_t count, uint16_t least,
             TableHit* hits) {
  size_t found = 0, b = 0;
  const size_t bytes = parts * block_codes;
#if HWY_TARGET == HWY_AVX3_DL
  for (; b + 2 <= count; b += 2) {
    uint16_t sums[2 * block_codes];
    two_block_sums8(tables, parts, blocks + b * bytes, sums);
    found += take_hits(sums, 2 * block_codes, least, b * block_codes, hits + found);
  }
#endif
  for (; b < count; ++b) {
    uint16_t sums[block_codes];
    block_sums8(tables, parts, blocks + b * bytes, sums);
    found += take_hits(sums, block_codes, least, b * block_codes, hits + found);
  }
  return found;
}

void part_table(const float* query, size_t numbers, const float* turned, float factor, const float* squares,
                float square_factor, float* entries, size_t count) {
  // 16 or 256 entries: whole vectors of every width.
  const hn::CappedTag<float, 16> d;
  const auto scale = hn::Set(d, -square_factor);
  for (size_t e = 0; e < count; e += hn::Lanes(d)) {
    auto sum = hn::Zero(d);
    for (size_t i = 0; i < numbers; ++i)
      sum = hn::MulAdd(hn::Set(d, query[i]), hn::LoadU(d, turned + i * count + e), sum);
    hn::StoreU(hn::MulAdd(scale, hn::LoadU(d, squares + e), hn::Mul(sum, hn::Set(d, factor))), d,
               entries + e);
  }
}

void table_range(const float* values, size_t count, float* low, float* high) {
  const hn::CappedTag<float, 16> d;
  auto lowest = hn::LoadU(d, values), highest = lowest;
  for (size_t e = hn::Lanes(d); e < count; e += hn::Lanes(d)) {
    const auto loaded = hn::LoadU(d, values + e);
    lowest = hn::Min(lowest, loaded), highest = hn::Max(highest, loaded);
  }
  *low = hn::GetLane(hn::MinOfLanes(d, lowest));
  *high = hn::GetLane(hn::MaxOfLanes(d, highest));
}

void round_table(const float* values, size_t count, float low, float inverse, uint8_t* rounded) {
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> d32;
  const hn::Rebind<uint8_t, decltype(d)> d8;
  for (size_t e = 0; e < count; e += hn::Lanes(d)) {
    const auto above = hn::Sub(hn::LoadU(d, values + e), hn::Set(d, low));
    const auto scaled = hn::MulAdd(above, hn::Set(d, inverse), hn::Set(d, 0.5f));
    hn::StoreU(hn::DemoteTo(d8, hn::ConvertTo(d32, scaled)), d8, rounded + e);
  }
}

}  // namespace cowatch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cowatch {

HWY_EXPORT(scan4);
HWY_EXPORT(scan8);
HWY_EXPORT(part_table);
HWY_EXPORT(table_range);
HWY_EXPORT(round_table);

size_t padded_parts(unsigned bits, size_t parts) {
  return bits == 4 ? (parts + 3) / 4 * 4 : parts;
}

void pack_parts(unsigned bits, std::span<const uint8_t> codes, uint8_t* block, size_t place) {
  for (size_t p = 0; p < codes.size(); ++p) {
    if (bits == 8) {
      block[p * block_codes + place] = codes[p];
      continue;
    }
    uint8_t& byte = block[p * 16 + place % 16];
    byte = static_cast<uint8_t>(place < 16 ? (byte & 0xf0) | codes[p] : (byte & 0x0f) | codes[p] << 4);
  }
}

void unpack_parts(unsigned bits, const uint8_t* block, size_t place, std::span<uint8_t> codes) {
  for (size_t p = 0; p < codes.size(); ++p) {
    const uint8_t byte = bits == 8 ? block[p * block_codes + place] : block[p * 16 + place % 16];
    codes[p] = static_cast<uint8_t>(bits == 8 ? byte : place < 16 ? byte & 15 : byte >> 4);
  }
}

void round_tables(unsigned bits, size_t parts, std::span<const float> values, float loss,
                  ByteTables& tables) {
  const size_t entries = size_t{1} << bits;
  tables.bits = bits;
  tables.parts = padded_parts(bits, parts);
  tables.values.assign(tables.parts * entries, 0);
  std::vector<float> lowest(parts);
  float widest = 0, total = 0, offset = 0, best = 0;
  for (size_t p = 0; p < parts; ++p) {
    float high = 0;
    HWY_DYNAMIC_DISPATCH(table_range)(values.data() + p * entries, entries, &lowest[p], &high);
    best += high;
    lowest[p] = std::max(lowest[p], high - loss);
    offset += lowest[p], total += high - lowest[p];
    widest = std::max(widest, high - lowest[p]);
  }
  tables.offset = offset, tables.best = best, tables.widest = widest;
  // Rounding adds at most half a step to a part's sum.
  const auto room = 65535.0f - static_cast<float>(parts);
  tables.step = std::max(widest / 255, total / room);
  const float inverse = tables.step > 0 ? 1 / tables.step : 0;
  for (size_t p = 0; p < parts; ++p) {
    HWY_DYNAMIC_DISPATCH(round_table)
    (values.data() + p * entries, entries, lowest[p], inverse, tables.values.data() + p * entries);
  }
}

void part_table(std::span<const float> query, std::span<const float> turned, float factor,
                std::span<const float> squares, float square_factor, std::span<float> entries) {
  HWY_DYNAMIC_DISPATCH(part_table)
  (query.data(), query.size(), turned.data(), factor, squares.data(), square_factor, entries.data(),
   entries.size());
}

size_t scan_tables(const ByteTables& tables, const uint8_t* blocks, size_t count, uint16_t least,
                   TableHit* hits) {
  if (tables.bits == 4)
    return HWY_DYNAMIC_DISPATCH(scan4)(tables.values.data(), tables.parts, blocks, count, least, hits);
  return HWY_DYNAMIC_DISPATCH(scan8)(tables.values.data(), tables.parts, blocks, count, least, hits);
}

}  // namespace cowatch
#endif

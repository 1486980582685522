#include "search/compute/kernels/packed_products.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "search/compute/kernels/rounding.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "search/compute/kernels/packed_products.cpp"
#include <hwy/foreach_target.h>
// Highway's own headers come after the target loop.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
#if HWY_TARGET == HWY_AVX3_DL
// This target needs a processor with VNNI, but Highway does not tell the compiler so.
#pragma GCC push_options
#pragma GCC target("avx512vnni")
#endif
namespace cowatch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Adds to each 32-bit lane the four products of its bytes.
template <class D32, class V>
HWY_INLINE V add_four(D32 d32, V codes, V query, V sum) {
#if HWY_TARGET == HWY_AVX3_DL
  (void)d32;
  return V{_mm512_dpbusd_epi32(sum.raw, codes.raw, query.raw)};
#else
  // A product is below 2^15, so that it fits its 16 bits; the two of a lane are then added in 32.
  const hn::Repartition<int16_t, D32> d16;
  const auto low = [&](V v) { return hn::BitCast(d16, v); };
  const auto even = hn::Mul(hn::And(low(codes), hn::Set(d16, int16_t{255})),
                            hn::ShiftRight<8>(hn::ShiftLeft<8>(low(query))));
  const auto odd = hn::Mul(hn::And(hn::ShiftRight<8>(low(codes)), hn::Set(d16, int16_t{255})),
                           hn::ShiftRight<8>(low(query)));
  const auto both = [&](auto products) {
    const auto v = hn::BitCast(d32, products);
    return hn::Add(hn::ShiftRight<16>(v), hn::ShiftRight<16>(hn::ShiftLeft<16>(v)));
  };
  return hn::Add(sum, hn::Add(both(even), both(odd)));
#endif
}

template <bool four_bits>
HWY_INLINE void products_of(const int8_t* query, size_t groups, const uint8_t* block, int32_t* products) {
#if HWY_TARGET == HWY_SCALAR
  std::fill_n(products, 32, 0);
  for (size_t g = 0; g < groups; ++g) {
    for (size_t i = 0; i < 128; ++i) {
      const int code = block[g * 128 + i];
      if (four_bits) {
        products[i / 4] += (code & 15) * query[g * 8 + i % 4] + (code >> 4) * query[g * 8 + 4 + i % 4];
      } else {
        products[i / 4] += code * query[g * 4 + i % 4];
      }
    }
  }
#else
  const hn::CappedTag<int32_t, 16> d;
  const size_t lanes = hn::Lanes(d);
  const auto mask = hn::Set(d, 0x0f0f0f0f);
  const auto* codes = reinterpret_cast<const int32_t*>(block);
  const auto four = [](const int8_t* from) {
    int32_t word;
    std::memcpy(&word, from, sizeof word);
    return word;
  };
  for (size_t i = 0; i < 32; i += lanes) {
    auto sum = hn::Zero(d), other = sum;
    for (size_t g = 0; g < groups; ++g) {
      const auto loaded = hn::LoadU(d, codes + g * 32 + i);
      if constexpr (four_bits) {
        sum = add_four(d, hn::And(loaded, mask), hn::Set(d, four(query + 8 * g)), sum);
        other =
            add_four(d, hn::And(hn::ShiftRight<4>(loaded), mask), hn::Set(d, four(query + 8 * g + 4)), other);
      } else {
        sum = add_four(d, loaded, hn::Set(d, four(query + 4 * g)), sum);
      }
    }
    hn::StoreU(hn::Add(sum, other), d, products + i);
  }
#endif
}

void products4(const int8_t* query, size_t groups, const uint8_t* block, int32_t* products) {
  products_of<true>(query, groups, block, products);
}
void products8(const int8_t* query, size_t groups, const uint8_t* block, int32_t* products) {
  products_of<false>(query, groups, block, products);
}

}  // namespace cowatch::HWY_NAMESPACE
#if HWY_TARGET == HWY_AVX3_DL
#pragma GCC pop_options
#endif
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cowatch {

HWY_EXPORT(products4);
HWY_EXPORT(products8);

void pack_bytes(unsigned bits, std::span<const uint8_t> codes, uint8_t* block, size_t place) {
  const size_t numbers = 32 / bits;
  for (size_t g = 0; g < packed_groups(bits, codes.size()); ++g) {
    uint8_t* bytes = block + (g * 32 + place) * 4;
    std::fill_n(bytes, 4, uint8_t{0});
    for (size_t i = g * numbers; i < std::min(codes.size(), (g + 1) * numbers); ++i)
      bytes[i % 4] = static_cast<uint8_t>(bytes[i % 4] | codes[i] << (i % numbers < 4 ? 0 : 4));
  }
}

void unpack_bytes(unsigned bits, const uint8_t* block, size_t place, std::span<uint8_t> codes) {
  const size_t numbers = 32 / bits;
  for (size_t i = 0; i < codes.size(); ++i) {
    const unsigned byte = block[(i / numbers * 32 + place) * 4 + i % 4];
    codes[i] = static_cast<uint8_t>(bits == 8 ? byte : i % numbers < 4 ? byte & 15u : byte >> 4);
  }
}

void round_query(unsigned bits, std::span<const float> query, QueryBytes& bytes) {
  float largest = 0;
  for (const float value : query) largest = std::max(largest, std::fabs(value));
  const float inverse = largest > 0 ? 127 / largest : 0;
  bytes.step = largest / 127;
  bytes.codes.assign(packed_groups(bits, query.size()) * (32 / bits), 0);
  int sum = 0;
  for (size_t i = 0; i < query.size(); ++i) {
    const int code = rounded_within(query[i] * inverse, 127);
    bytes.codes[i] = static_cast<int8_t>(code);
    sum += code;
  }
  bytes.sum = static_cast<float>(sum) * bytes.step;
}

void packed_products(const QueryBytes& query, unsigned bits, const uint8_t* block, int32_t* products) {
  const size_t groups = query.codes.size() / (32 / bits);
  if (bits == 4) {
    HWY_DYNAMIC_DISPATCH(products4)(query.codes.data(), groups, block, products);
  } else {
    HWY_DYNAMIC_DISPATCH(products8)(query.codes.data(), groups, block, products);
  }
}

}  // namespace cowatch
#endif

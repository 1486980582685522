#include "search/compute/kernels/bit_planes.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "search/compute/kernels/rounding.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "search/compute/kernels/bit_planes.cpp"
#include <hwy/foreach_target.h>
// Highway's own headers come after the target loop.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace cowatch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Σ_p ± 2^p count(code AND plane p) of 64 numbers, by Horner's rule from the highest plane.
template <class D, class V>
HWY_INLINE hn::Vec<hn::RebindToSigned<D>> weighted_counts(D d, V code, const uint64_t* planes,
                                                          unsigned bits) {
  const hn::RebindToSigned<D> counts;
  const auto count = [&](unsigned p) {
    return hn::BitCast(counts, hn::PopulationCount(hn::And(code, hn::Set(d, planes[p]))));
  };
  auto sum = hn::Neg(count(bits - 1));
  for (unsigned p = bits - 1; p-- > 0;) sum = hn::Add(hn::Add(sum, sum), count(p));
  return sum;
}

void plane_products(const uint64_t* query, unsigned query_bits, size_t words, unsigned bits,
                    const uint8_t* block, int32_t* products) {
  const hn::CappedTag<uint64_t, 8> d;
  const hn::RebindToSigned<decltype(d)> counts;
  const size_t lanes = hn::Lanes(d);
  for (size_t i = 0; i < 32; i += lanes) {
    auto total = hn::Zero(counts);
    for (unsigned b = bits; b-- > 0;) {
      total = hn::Add(total, total);
      for (size_t w = 0; w < words; ++w) {
        const uint8_t* at = block + ((b * words + w) * 32 + i) * sizeof(uint64_t);
        const auto code = hn::LoadU(d, reinterpret_cast<const uint64_t*>(at));
        total = hn::Add(total, weighted_counts(d, code, query + w * query_bits, query_bits));
      }
    }
    alignas(64) int64_t sums[8];
    hn::Store(total, counts, sums);
    for (size_t lane = 0; lane < lanes; ++lane) products[i + lane] = static_cast<int32_t>(sums[lane]);
  }
}

}  // namespace cowatch::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cowatch {
namespace {

uint64_t load_word(const uint8_t* block, size_t word, size_t place) {
  uint64_t value;
  std::memcpy(&value, block + (word * 32 + place) * sizeof value, sizeof value);
  return value;
}

}  // namespace

HWY_EXPORT(plane_products);

void pack_planes(unsigned bits, std::span<const uint8_t> codes, uint8_t* block, size_t place) {
  const size_t words = plane_words(codes.size());
  for (unsigned b = 0; b < bits; ++b) {
    for (size_t w = 0; w < words; ++w) {
      uint64_t value = 0;
      for (size_t i = 64 * w; i < std::min(codes.size(), 64 * w + 64); ++i)
        value |= uint64_t{codes[i] >> b & 1u} << i % 64;
      std::memcpy(block + ((b * words + w) * 32 + place) * sizeof value, &value, sizeof value);
    }
  }
}

void unpack_planes(unsigned bits, const uint8_t* block, size_t place, std::span<uint8_t> codes) {
  const size_t words = plane_words(codes.size());
  std::fill(codes.begin(), codes.end(), uint8_t{0});
  for (unsigned b = 0; b < bits; ++b) {
    for (size_t i = 0; i < codes.size(); ++i) {
      const uint64_t bit = load_word(block, b * words + i / 64, place) >> i % 64 & 1;
      codes[i] = static_cast<uint8_t>(codes[i] | bit << b);
    }
  }
}

void round_query(unsigned bits, std::span<const float> query, QueryPlanes& planes) {
  const float most = static_cast<float>((1 << (bits - 1)) - 1);
  float largest = 0;
  for (const float value : query) largest = std::max(largest, std::fabs(value));
  const float inverse = largest > 0 ? most / largest : 0;
  planes.bits = bits;
  planes.step = largest / most;
  planes.words.assign(plane_words(query.size()) * bits, 0);
  int sum = 0;
  for (size_t i = 0; i < query.size(); ++i) {
    const int code = rounded_within(query[i] * inverse, most);
    sum += code;
    for (unsigned p = 0; p < bits; ++p)
      planes.words[i / 64 * bits + p] |= uint64_t{static_cast<unsigned>(code) >> p & 1u} << i % 64;
  }
  planes.sum = static_cast<float>(sum) * planes.step;
}

void plane_products(const QueryPlanes& query, unsigned bits, const uint8_t* block, int32_t* products) {
  HWY_DYNAMIC_DISPATCH(plane_products)
  (query.words.data(), query.bits, query.words.size() / query.bits, bits, block, products);
}

}  // namespace cowatch
#endif

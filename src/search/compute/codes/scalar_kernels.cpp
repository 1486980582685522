#include <cstring>

#include "search/compute/codes/scalar_codes.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "search/compute/codes/scalar_kernels.cpp"
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

#if HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
// Sums of products of unsigned codes and signed query bytes in lanes of 32 bits, over vectors of D bytes.
// Codes below 16 fit pairwise sums of 16 bits, which the older instruction sets make in one instruction.
template <bool small_codes, class D, class V, class Sum>
HWY_INLINE Sum add_products(D d, V codes, const int8_t* query, Sum sum) {
  const hn::RebindToSigned<D> signed_bytes;
  const auto factors = hn::LoadU(signed_bytes, query);
#if HWY_TARGET == HWY_AVX3_DL
  if constexpr (sizeof(V) == 64) return Sum{_mm512_dpbusd_epi32(sum.raw, codes.raw, factors.raw)};
  if constexpr (sizeof(V) == 32) return Sum{_mm256_dpbusd_epi32(sum.raw, codes.raw, factors.raw)};
#elif HWY_TARGET == HWY_AVX3
  if constexpr (small_codes && sizeof(V) == 64) {
    const auto pairs = _mm512_maddubs_epi16(codes.raw, factors.raw);
    return Sum{_mm512_add_epi32(sum.raw, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)))};
  }
#elif HWY_TARGET == HWY_AVX2
  if constexpr (small_codes && sizeof(V) == 32) {
    const auto pairs = _mm256_maddubs_epi16(codes.raw, factors.raw);
    return Sum{_mm256_add_epi32(sum.raw, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))};
  }
#endif
  const hn::Half<D> half;
  const hn::Half<decltype(signed_bytes)> signed_half;
  const hn::RepartitionToWide<decltype(signed_bytes)> wide;
  const hn::RepartitionToWide<decltype(wide)> widest;
  auto other = hn::Zero(widest);
  sum = hn::ReorderWidenMulAccumulate(widest, hn::PromoteTo(wide, hn::LowerHalf(half, codes)),
                                      hn::PromoteTo(wide, hn::LowerHalf(signed_half, factors)), sum, other);
  sum = hn::ReorderWidenMulAccumulate(widest, hn::PromoteTo(wide, hn::UpperHalf(half, codes)),
                                      hn::PromoteTo(wide, hn::UpperHalf(signed_half, factors)), sum, other);
  return hn::Add(sum, other);
}

template <bool four_bits, class D>
HWY_INLINE int32_t dot_part(D d, const uint8_t* record, const int8_t* query, size_t bytes, size_t begin,
                            size_t end) {
  using D32 = hn::Repartition<int32_t, D>;
  const D32 d32;
  auto sum0 = hn::Zero(d32), sum1 = sum0;
  for (size_t j = begin; j < end; j += hn::Lanes(d)) {
    const auto loaded = hn::LoadU(d, record + j);
    if constexpr (four_bits) {
      const auto mask = hn::Set(d, uint8_t{15});
      const hn::Repartition<uint16_t, D> d16;
      const auto high = hn::And(hn::BitCast(d, hn::ShiftRight<4>(hn::BitCast(d16, loaded))), mask);
      sum0 = add_products<true>(d, hn::And(loaded, mask), query + j, sum0);
      sum1 = add_products<true>(d, high, query + bytes + j, sum1);
    } else {
      sum0 = add_products<false>(d, loaded, query + j, sum0);
    }
  }
  return hn::GetLane(hn::SumOfLanes(d32, hn::Add(sum0, sum1)));
}

#endif

// Code bytes come in multiples of 32: whole wide vectors, then perhaps one of 32.
template <bool four_bits>
HWY_INLINE int32_t code_dot(const uint8_t* record, const int8_t* query, size_t bytes) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  int32_t sum = 0;
  for (size_t j = 0; j < bytes; ++j) {
    sum += (four_bits ? record[j] & 15 : record[j]) * query[j];
    if (four_bits) sum += (record[j] >> 4) * query[bytes + j];
  }
  return sum;
#else
  const hn::CappedTag<uint8_t, 64> wide;
  const size_t whole = bytes / hn::Lanes(wide) * hn::Lanes(wide);
  int32_t sum = dot_part<four_bits>(wide, record, query, bytes, 0, whole);
  if (whole < bytes) {
    const hn::CappedTag<uint8_t, 32> narrow;
    sum += dot_part<four_bits>(narrow, record, query, bytes, whole, bytes);
  }
  return sum;
#endif
}

template <bool four_bits>
void score_all(const ScalarLayout& layout, const CodeQuery& query, const uint8_t* records,
               const uint32_t* slots, size_t count, float* scores) {
  const size_t bytes = layout.code_bytes, stride = layout.record_bytes;
  const int8_t* codes = query.codes.data();
  const float sum = query.sum * query.factor, step = query.step * query.factor;
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* record = records + slots[i] * stride;
    const auto product = static_cast<float>(code_dot<four_bits>(record, codes, bytes));
    CodeConstants constants;
    std::memcpy(&constants, record + bytes, sizeof constants);
    scores[i] =
        constants.offset * sum + constants.step * step * product - query.square_factor * constants.square;
  }
}

void score_codes(const ScalarLayout& layout, const CodeQuery& query, const uint8_t* records,
                 const uint32_t* slots, size_t count, float* scores) {
  if (layout.bits == 8) {
    score_all<false>(layout, query, records, slots, count, scores);
  } else {
    score_all<true>(layout, query, records, slots, count, scores);
  }
}

// Σ query · (255 · code + finer code), or with no finer codes Σ query · code, over `count` numbers.
template <int shift, bool has_finer>
HWY_INLINE float finer_dot(const uint8_t* codes, const uint8_t* finer, const float* query, size_t count) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> d32;
  const hn::Rebind<uint8_t, decltype(d)> bytes;
  const size_t lanes = hn::Lanes(d);
  auto sum = hn::Zero(d);
  size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    auto code = hn::PromoteTo(d32, hn::LoadU(bytes, codes + i));
    if constexpr (shift == 4) code = hn::ShiftRight<4>(code);
    if constexpr (shift == 0) code = hn::And(code, hn::Set(d32, 15));
    if constexpr (has_finer) {
      code = hn::Sub(hn::ShiftLeft<8>(code), code);
      code = hn::Add(code, hn::PromoteTo(d32, hn::LoadU(bytes, finer + i)));
    }
    sum = hn::MulAdd(hn::ConvertTo(d, code), hn::LoadU(d, query + i), sum);
  }
  float total = hn::GetLane(hn::SumOfLanes(d, sum));
  for (; i < count; ++i) {
    const int code = shift == 4 ? codes[i] >> 4 : shift == 0 ? codes[i] & 15 : codes[i];
    total += static_cast<float>(has_finer ? 255 * code + finer[i] : code) * query[i];
  }
  return total;
}

template <bool has_finer>
HWY_INLINE float float_dot(const ScalarLayout& layout, const uint8_t* record, const uint8_t* finer,
                           const float* query) {
  const size_t dimension = layout.dimension;
  if (layout.bits == 8) return finer_dot<-1, has_finer>(record, finer, query, dimension);
  const size_t half = layout.code_bytes < dimension ? layout.code_bytes : dimension;
  return finer_dot<0, has_finer>(record, finer, query, half) +
         finer_dot<4, has_finer>(record, has_finer ? finer + half : finer, query + half, dimension - half);
}

void score_finer(const ScalarLayout& layout, const CodeQuery& query, const uint8_t* records,
                 const uint8_t* finer, const uint32_t* slots, size_t count, float* scores) {
  const float* values = query.values.data();
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* record = records + slots[i] * layout.record_bytes;
    CodeConstants constants;
    std::memcpy(&constants, record + layout.code_bytes, sizeof constants);
    float inner;
    if (finer) {
      const uint8_t* fine = finer + slots[i] * layout.finer_bytes;
      std::memcpy(&constants.square, fine + layout.finer_bytes - sizeof(float), sizeof(float));
      inner = (constants.offset - constants.step / 2) * query.true_sum +
              constants.step / 255 * float_dot<true>(layout, record, fine, values);
    } else {
      inner = constants.offset * query.true_sum +
              constants.step * float_dot<false>(layout, record, nullptr, values);
    }
    scores[i] = query.factor * inner - query.square_factor * constants.square;
  }
}

}  // namespace cowatch::HWY_NAMESPACE
#if HWY_TARGET == HWY_AVX3_DL
#pragma GCC pop_options
#endif
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cowatch {

HWY_EXPORT(score_codes);
HWY_EXPORT(score_finer);

void score_codes(const ScalarLayout& layout, const CodeQuery& query, const uint8_t* records,
                 std::span<const uint32_t> slots, float* scores) {
  HWY_DYNAMIC_DISPATCH(score_codes)(layout, query, records, slots.data(), slots.size(), scores);
}

void score_finer(const ScalarLayout& layout, const CodeQuery& query, const uint8_t* records,
                 const uint8_t* finer, std::span<const uint32_t> slots, float* scores) {
  HWY_DYNAMIC_DISPATCH(score_finer)(layout, query, records, finer, slots.data(), slots.size(), scores);
}

}  // namespace cowatch
#endif

#include <algorithm>
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
template <class D, class V, class Sum>
HWY_INLINE Sum add_products(D d, V codes, const int8_t* query, Sum sum) {
  const hn::RebindToSigned<D> signed_bytes;
  const auto factors = hn::LoadU(signed_bytes, query);
#if HWY_TARGET == HWY_AVX3_DL
  if constexpr (sizeof(V) == 64) return Sum{_mm512_dpbusd_epi32(sum.raw, codes.raw, factors.raw)};
  if constexpr (sizeof(V) == 32) {
    // GCC 12 writes the intrinsic of 32 bytes as AVX-VNNI, which processors with AVX512-VNNI need not have.
    asm("%{evex%} vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(codes.raw), "v"(factors.raw));
    return sum;
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

template <class D, class V>
HWY_INLINE V upper_codes(D d, V loaded) {
  const hn::Repartition<uint16_t, D> d16;
  return hn::And(hn::BitCast(d, hn::ShiftRight<4>(hn::BitCast(d16, loaded))), hn::Set(d, uint8_t{15}));
}

#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
// The sums of codes below 16, for sets that multiply bytes in pairs, into 16 bits: eight pairs of at most
// 2 · 15 · 127 fit, and are widened together.
template <class D>
HWY_INLINE auto small_sums(D d, const uint8_t* record, const int8_t* query, size_t bytes, size_t begin,
                           size_t end) {
  const hn::RebindToSigned<D> signed_bytes;
  const hn::RepartitionToWide<decltype(signed_bytes)> d16;
  const hn::RepartitionToWide<decltype(d16)> d32;
  using Pairs = hn::Vec<decltype(d16)>;
  const auto pairs_of = [&](auto codes, const int8_t* from) {
    const auto factors = hn::LoadU(signed_bytes, from);
    if constexpr (sizeof(Pairs) == 64) {
      return Pairs{_mm512_maddubs_epi16(codes.raw, factors.raw)};
    } else {
      return Pairs{_mm256_maddubs_epi16(codes.raw, factors.raw)};
    }
  };
  const auto widened = [&](Pairs pairs) {
    if constexpr (sizeof(Pairs) == 64) {
      return hn::Vec<decltype(d32)>{_mm512_madd_epi16(pairs.raw, _mm512_set1_epi16(1))};
    } else {
      return hn::Vec<decltype(d32)>{_mm256_madd_epi16(pairs.raw, _mm256_set1_epi16(1))};
    }
  };
  const size_t lanes = hn::Lanes(d);
  auto sum = hn::Zero(d32);
  while (begin < end) {
    const size_t stop = end - begin > 4 * lanes ? begin + 4 * lanes : end;
    auto pairs = hn::Zero(d16);
    for (; begin < stop; begin += lanes) {
      const auto loaded = hn::LoadU(d, record + begin);
      pairs = hn::Add(pairs, pairs_of(hn::And(loaded, hn::Set(d, uint8_t{15})), query + begin));
      pairs = hn::Add(pairs, pairs_of(upper_codes(d, loaded), query + bytes + begin));
    }
    sum = hn::Add(sum, widened(pairs));
  }
  return sum;
}
#endif

template <bool four_bits, class D>
HWY_INLINE auto sums_of(D d, const uint8_t* record, const int8_t* query, size_t bytes, size_t begin,
                        size_t end) {
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3
  if constexpr (four_bits) return small_sums(d, record, query, bytes, begin, end);
#endif
  const hn::Repartition<int32_t, D> d32;
  auto sum0 = hn::Zero(d32), sum1 = sum0;
  for (size_t j = begin; j < end; j += hn::Lanes(d)) {
    const auto loaded = hn::LoadU(d, record + j);
    if constexpr (four_bits) {
      sum0 = add_products(d, hn::And(loaded, hn::Set(d, uint8_t{15})), query + j, sum0);
      sum1 = add_products(d, upper_codes(d, loaded), query + bytes + j, sum1);
    } else {
      sum0 = add_products(d, loaded, query + j, sum0);
    }
  }
  return hn::Add(sum0, sum1);
}

using Four = hn::FixedTag<int32_t, 4>;

template <class V>
HWY_INLINE hn::Vec<Four> folded(V sums) {
  const hn::DFromV<V> d;
  if constexpr (sizeof(V) == 16) {
    return sums;
  } else {
    const hn::Half<decltype(d)> half;
    return folded(hn::Add(hn::LowerHalf(half, sums), hn::UpperHalf(half, sums)));
  }
}

// Code bytes come in multiples of 32: whole wide vectors, then perhaps one of 32.
template <bool four_bits>
HWY_INLINE hn::Vec<Four> code_sums(const uint8_t* record, const int8_t* query, size_t bytes) {
  const hn::CappedTag<uint8_t, 64> wide;
  const size_t whole = bytes / hn::Lanes(wide) * hn::Lanes(wide);
  auto sums = folded(sums_of<four_bits>(wide, record, query, bytes, 0, whole));
  if (whole < bytes) {
    const hn::CappedTag<uint8_t, 32> narrow;
    sums = hn::Add(sums, folded(sums_of<four_bits>(narrow, record, query, bytes, whole, bytes)));
  }
  return sums;
}

// Four records side by side: adding up across lanes costs as much as the products of a short record.
template <bool four_bits>
HWY_INLINE void score_four(size_t bytes, const CodeQuery& query, const uint8_t* const* records,
                           float* scores) {
  const Four d32;
  const hn::FixedTag<float, 4> d;
  const int8_t* codes = query.codes.data();
  // Rows a, b, c, d of four lanes: (a0 b0 a1 b1), (c0 d0 c1 d1) and the same of lanes 2 and 3.
  const auto a = code_sums<four_bits>(records[0], codes, bytes),
             b = code_sums<four_bits>(records[1], codes, bytes);
  const auto c = code_sums<four_bits>(records[2], codes, bytes),
             e = code_sums<four_bits>(records[3], codes, bytes);
  const auto ab = hn::Add(hn::InterleaveLower(d32, a, b), hn::InterleaveUpper(d32, a, b));
  const auto ce = hn::Add(hn::InterleaveLower(d32, c, e), hn::InterleaveUpper(d32, c, e));
  const hn::Repartition<uint64_t, Four> halves;
  const auto lower = [&](auto tag, auto x, auto y) {
    return hn::BitCast(tag, hn::InterleaveLower(halves, hn::BitCast(halves, x), hn::BitCast(halves, y)));
  };
  const auto upper = [&](auto tag, auto x, auto y) {
    return hn::BitCast(tag, hn::InterleaveUpper(halves, hn::BitCast(halves, x), hn::BitCast(halves, y)));
  };
  const auto products = hn::ConvertTo(d, hn::Add(lower(d32, ab, ce), upper(d32, ab, ce)));
  const auto constants = [&](size_t i) {
    return hn::LoadU(d, reinterpret_cast<const float*>(records[i] + bytes));
  };
  const auto first = hn::InterleaveLower(d, constants(0), constants(1)),
             second = hn::InterleaveLower(d, constants(2), constants(3));
  const auto squares = lower(d, hn::InterleaveUpper(d, constants(0), constants(1)),
                             hn::InterleaveUpper(d, constants(2), constants(3)));
  const auto steps = hn::Mul(upper(d, first, second), hn::Set(d, query.step * query.factor));
  const auto rest = hn::NegMulAdd(squares, hn::Set(d, query.square_factor),
                                  hn::Mul(lower(d, first, second), hn::Set(d, query.sum * query.factor)));
  hn::StoreU(hn::MulAdd(steps, products, rest), d, scores);
}

// Of records with `known` bytes of codes, or as many as the layout says.
template <bool four_bits, size_t known>
void score_records(const ScalarLayout& layout, const CodeQuery& query, const uint8_t* records,
                   const uint32_t* slots, size_t count, float* scores) {
  const size_t bytes = known > 0 ? known : layout.code_bytes, stride = layout.record_bytes;
  const uint8_t* four[4];
  size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (size_t j = 0; j < 4; ++j) four[j] = records + slots[i + j] * stride;
    score_four<four_bits>(bytes, query, four, scores + i);
  }
  if (i == count) return;
  float some[4];
  for (size_t j = 0; j < 4; ++j) four[j] = records + slots[i + j < count ? i + j : i] * stride;
  score_four<four_bits>(bytes, query, four, some);
  for (size_t j = 0; i + j < count; ++j) scores[i + j] = some[j];
}

template <bool four_bits>
void score_all(const ScalarLayout& layout, const CodeQuery& query, const uint8_t* records,
               const uint32_t* slots, size_t count, float* scores) {
  if (four_bits && layout.code_bytes == 64) {  // 128 numbers: the loop over a record unrolls
    score_records<four_bits, 64>(layout, query, records, slots, count, scores);
  } else {
    score_records<four_bits, 0>(layout, query, records, slots, count, scores);
  }
}
#else
template <bool four_bits>
void score_all(const ScalarLayout& layout, const CodeQuery& query, const uint8_t* records,
               const uint32_t* slots, size_t count, float* scores) {
  const size_t bytes = layout.code_bytes;
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* record = records + slots[i] * layout.record_bytes;
    int32_t product = 0;
    for (size_t j = 0; j < bytes; ++j) {
      product += (four_bits ? record[j] & 15 : record[j]) * query.codes[j];
      if (four_bits) product += (record[j] >> 4) * query.codes[bytes + j];
    }
    CodeConstants constants;
    std::memcpy(&constants, record + bytes, sizeof constants);
    scores[i] = query.factor * (constants.offset * query.sum +
                                constants.step * query.step * static_cast<float>(product)) -
                query.square_factor * constants.square;
  }
}
#endif

void score_codes(const ScalarLayout& layout, const CodeQuery& query, const uint8_t* records,
                 const uint32_t* slots, size_t count, float* scores) {
  if (layout.bits == 8) {
    score_all<false>(layout, query, records, slots, count, scores);
  } else {
    score_all<true>(layout, query, records, slots, count, scores);
  }
}

// Adds Σ query · (255 · code + finer code), or with no finer codes Σ query · code, over `count` numbers: to
// `sum`, and the last few to `rest`.
template <int shift, bool has_finer, class V>
HWY_INLINE V add_finer(const uint8_t* codes, const uint8_t* finer, const float* query, size_t count, V sum,
                       float& rest) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> d32;
  const hn::Rebind<uint8_t, decltype(d)> bytes;
  const size_t lanes = hn::Lanes(d);
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
  for (; i < count; ++i) {
    const int code = shift == 4 ? codes[i] >> 4 : shift == 0 ? codes[i] & 15 : codes[i];
    rest += static_cast<float>(has_finer ? 255 * code + finer[i] : code) * query[i];
  }
  return sum;
}

template <bool has_finer>
HWY_INLINE float float_dot(const ScalarLayout& layout, const uint8_t* record, const uint8_t* finer,
                           const float* query) {
  const hn::ScalableTag<float> d;
  const size_t dimension = layout.dimension;
  const auto zero = hn::Zero(d);
  float rest = 0;
  if (layout.bits == 8) {
    const auto sum = add_finer<-1, has_finer>(record, finer, query, dimension, zero, rest);
    return hn::GetLane(hn::SumOfLanes(d, sum)) + rest;
  }
  const size_t half = layout.code_bytes < dimension ? layout.code_bytes : dimension;
  const auto lower = add_finer<0, has_finer>(record, finer, query, half, zero, rest);
  const auto upper = add_finer<4, has_finer>(record, has_finer ? finer + half : finer, query + half,
                                             dimension - half, zero, rest);
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(lower, upper))) + rest;
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

// The query's values, a multiple of 32 of them, to signed bytes of one step.
void round_query(CodeQuery& query) {
  const float* values = query.values.data();
  int8_t* codes = query.codes.data();
  const size_t count = query.values.size();
  const hn::CappedTag<float, 16> d;
  const hn::RebindToSigned<decltype(d)> d32;
  const hn::Rebind<int8_t, decltype(d)> bytes;
  const size_t lanes = hn::Lanes(d);
  auto largest = hn::Zero(d), total = largest;
  for (size_t i = 0; i < count; i += lanes) {
    const auto value = hn::LoadU(d, values + i);
    largest = hn::Max(largest, hn::Abs(value));
    total = hn::Add(total, value);
  }
  const float most = hn::GetLane(hn::MaxOfLanes(d, largest));
  const auto inverse = hn::Set(d, most > 0 ? 127 / most : 0), half = hn::Set(d, 0.5f);
  auto sum = hn::Zero(d32);
  for (size_t i = 0; i < count; i += lanes) {
    const auto scaled = hn::Mul(hn::LoadU(d, values + i), inverse);
    const auto rounded = hn::Add(scaled, hn::CopySign(half, scaled));
    const auto fits = hn::Le(hn::Abs(rounded), hn::Set(d, 128.0f));  // what is no number becomes 0
    const auto code = hn::ConvertTo(d32, hn::IfThenElseZero(fits, rounded));  // truncates
    hn::StoreU(hn::DemoteTo(bytes, code), bytes, codes + i);
    sum = hn::Add(sum, code);
  }
  query.step = most / 127;
  query.sum = static_cast<float>(hn::GetLane(hn::SumOfLanes(d32, sum))) * query.step;
  query.true_sum = hn::GetLane(hn::SumOfLanes(d, total));
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
HWY_EXPORT(round_query);

void prepare_query(const ScalarLayout& layout, std::span<const float> query, float factor,
                   float square_factor, CodeQuery& prepared) {
  const size_t numbers = layout.bits == 8 ? layout.code_bytes : 2 * layout.code_bytes;
  prepared.values.resize(numbers), prepared.codes.resize(numbers);
  std::copy(query.begin(), query.end(), prepared.values.begin());
  std::fill(prepared.values.begin() + static_cast<ptrdiff_t>(query.size()), prepared.values.end(), 0.0f);
  HWY_DYNAMIC_DISPATCH(round_query)(prepared);
  prepared.factor = factor;
  prepared.square_factor = square_factor;
}

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

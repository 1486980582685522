#include "search/compute/kernels/distances.h"

#include <cstdint>
#include <string>

#include "math/float16.h"
#include "math/vectors.h"
#include "search/compute/scan.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "search/compute/kernels/distances.cpp"
#include <hwy/foreach_target.h>
// Highway's own headers come after the target loop.
#include <hwy/highway.h>

#ifndef COWATCH_DISTANCES_TYPES
#define COWATCH_DISTANCES_TYPES
namespace cowatch {

// Words of 16 bits by what they mean.
struct Half {
  uint16_t word;
};
struct Bfloat {
  uint16_t word;
};
inline float value_of(Half half) {
  return float_from_half(half.word);
}
inline float value_of(Bfloat bfloat) {
  return float_from_bfloat(bfloat.word);
}
inline float value_of(int8_t value) {
  return value;
}

}  // namespace cowatch
#endif

HWY_BEFORE_NAMESPACE();
#if HWY_TARGET == HWY_AVX3_DL
// The dot products of bfloat16 are in few of this target's processors: asked for at run time.
#pragma GCC push_options
#pragma GCC target("avx512bf16")
#endif
namespace cowatch::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;
using Lanes = hn::ScalableTag<float>;

HWY_INLINE hn::Vec<Lanes> load(Lanes d, const Half* row) {
  const hn::Rebind<hwy::float16_t, Lanes> d16;
  return hn::PromoteTo(d, hn::LoadU(d16, reinterpret_cast<const hwy::float16_t*>(row)));
}
HWY_INLINE hn::Vec<Lanes> load(Lanes d, const Bfloat* row) {
  const hn::Rebind<uint16_t, Lanes> d16;
  const hn::RebindToUnsigned<Lanes> d32;
  const auto words = hn::PromoteTo(d32, hn::LoadU(d16, reinterpret_cast<const uint16_t*>(row)));
  return hn::BitCast(d, hn::ShiftLeft<16>(words));
}
HWY_INLINE hn::Vec<Lanes> load(Lanes d, const int8_t* row) {
  const hn::Rebind<int8_t, Lanes> d8;
  const hn::RebindToSigned<Lanes> d32;
  return hn::ConvertTo(d, hn::PromoteTo(d32, hn::LoadU(d8, row)));
}

// Four sums hide the latency of the addition.
template <typename T, typename Term>
HWY_INLINE float sum_of_terms(const float* query, const T* row, size_t count, const Term& term) {
  const Lanes d;
  const size_t lanes = hn::Lanes(d);
  auto sum0 = hn::Zero(d), sum1 = sum0, sum2 = sum0, sum3 = sum0;
  size_t i = 0;
  const auto step = [&](size_t at, auto sum) {
    return term(hn::LoadU(d, query + at), load(d, row + at), sum);
  };
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    sum0 = step(i, sum0);
    sum1 = step(i + lanes, sum1);
    sum2 = step(i + 2 * lanes, sum2);
    sum3 = step(i + 3 * lanes, sum3);
  }
  for (; i + lanes <= count; i += lanes) sum0 = step(i, sum0);
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(sum0, sum1), hn::Add(sum2, sum3))));
  const hn::CappedTag<float, 1> one;
  for (; i < count; ++i)
    sum = hn::GetLane(term(hn::LoadU(one, query + i), hn::Set(one, value_of(row[i])), hn::Set(one, sum)));
  return sum;
}

template <typename T>
HWY_INLINE float row_product(const float* query, const T* row, size_t count) {
  return sum_of_terms(query, row, count, [](auto a, auto b, auto sum) { return hn::MulAdd(a, b, sum); });
}
template <typename T>
HWY_INLINE float row_distance(const float* query, const T* row, size_t count) {
  return sum_of_terms(query, row, count, [](auto a, auto b, auto sum) {
    const auto difference = hn::Sub(a, b);
    return hn::MulAdd(difference, difference, sum);
  });
}
template <typename T>
HWY_INLINE ProductAndSquare row_both(const float* query, const T* row, size_t count) {
  // The second pass finds the row in the first-level cache.
  return {row_product(query, row, count),
          sum_of_terms(query, row, count, [](auto, auto b, auto sum) { return hn::MulAdd(b, b, sum); })};
}
template <typename T>
HWY_INLINE void row_products(const float* query, size_t width, const T* rows, size_t stride, size_t count,
                             float* scores) {
  constexpr size_t ahead = 16, line = 64 / sizeof(T);
  for (size_t r = 0; r < count; ++r) {
    if (r + ahead < count) {
      for (size_t i = 0; i < width; i += line) __builtin_prefetch(rows + (r + ahead) * stride + i);
    }
    scores[r] = row_product(query, rows + r * stride, width);
  }
}

#if HWY_TARGET == HWY_AVX3_DL
// Splits 32 numbers of the query into bfloat16 parts once and multiplies each row of a block by both.
void bfloat_products(const float* query, size_t width, const uint16_t* rows, size_t stride, size_t count,
                     float* scores) {
  constexpr size_t piece = 32, most_pieces = 32;
  const size_t whole = width / piece < most_pieces ? width / piece : most_pieces;
  __m512bh high[most_pieces], low[most_pieces];
  for (size_t p = 0; p < whole; ++p) {
    const float* part = query + p * piece;
    const __m512 second = _mm512_loadu_ps(part + 16), first = _mm512_loadu_ps(part);
    high[p] = _mm512_cvtne2ps_pbh(second, first);
    const auto words = reinterpret_cast<__m512i>(high[p]);
    const auto wide = [](__m256i half) {
      return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
    };
    low[p] = _mm512_cvtne2ps_pbh(_mm512_sub_ps(second, wide(_mm512_extracti64x4_epi64(words, 1))),
                                 _mm512_sub_ps(first, wide(_mm512_castsi512_si256(words))));
  }
  for (size_t r = 0; r < count; ++r) {
    const uint16_t* row = rows + r * stride;
    if (r + 16 < count) {
      for (size_t i = 0; i < width; i += piece) __builtin_prefetch(row + 16 * stride + i);
    }
    __m512 sum0 = _mm512_setzero_ps(), sum1 = sum0;
    for (size_t p = 0; p < whole; ++p) {
      const auto loaded = reinterpret_cast<__m512bh>(_mm512_loadu_si512(row + p * piece));
      sum0 = _mm512_dpbf16_ps(sum0, high[p], loaded);
      sum1 = _mm512_dpbf16_ps(sum1, low[p], loaded);
    }
    scores[r] = _mm512_reduce_add_ps(_mm512_add_ps(sum0, sum1)) +
                row_product(query + whole * piece, reinterpret_cast<const Bfloat*>(row) + whole * piece,
                            width - whole * piece);
  }
}
#endif

float product_half(const float* query, const Half* row, size_t count) {
  return row_product(query, row, count);
}
float product_bfloat(const float* query, const Bfloat* row, size_t count) {
  return row_product(query, row, count);
}
float product_int8(const float* query, const int8_t* row, size_t count) {
  return row_product(query, row, count);
}
float distance_half(const float* query, const Half* row, size_t count) {
  return row_distance(query, row, count);
}
float distance_bfloat(const float* query, const Bfloat* row, size_t count) {
  return row_distance(query, row, count);
}
float distance_int8(const float* query, const int8_t* row, size_t count) {
  return row_distance(query, row, count);
}
ProductAndSquare both_half(const float* query, const Half* row, size_t count) {
  return row_both(query, row, count);
}
ProductAndSquare both_bfloat(const float* query, const Bfloat* row, size_t count) {
  return row_both(query, row, count);
}
ProductAndSquare both_int8(const float* query, const int8_t* row, size_t count) {
  return row_both(query, row, count);
}
void products_half(const float* query, size_t width, const Half* rows, size_t stride, size_t count,
                   float* scores) {
  row_products(query, width, rows, stride, count, scores);
}
void products_bfloat(const float* query, size_t width, const Bfloat* rows, size_t stride, size_t count,
                     float* scores) {
#if HWY_TARGET == HWY_AVX3_DL
  static const bool native = __builtin_cpu_supports("avx512bf16");
  if (native) {
    bfloat_products(query, width, reinterpret_cast<const uint16_t*>(rows), stride, count, scores);
    return;
  }
#endif
  row_products(query, width, rows, stride, count, scores);
}
void products_int8(const float* query, size_t width, const int8_t* rows, size_t stride, size_t count,
                   float* scores) {
  row_products(query, width, rows, stride, count, scores);
}

}  // namespace cowatch::HWY_NAMESPACE
#if HWY_TARGET == HWY_AVX3_DL
#pragma GCC pop_options
#endif
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cowatch {

HWY_EXPORT(product_half);
HWY_EXPORT(product_bfloat);
HWY_EXPORT(product_int8);
HWY_EXPORT(distance_half);
HWY_EXPORT(distance_bfloat);
HWY_EXPORT(distance_int8);
HWY_EXPORT(both_half);
HWY_EXPORT(both_bfloat);
HWY_EXPORT(both_int8);
HWY_EXPORT(products_half);
HWY_EXPORT(products_bfloat);
HWY_EXPORT(products_int8);

namespace {

[[noreturn]] void throw_type(ElementType type) {
  throw Error(ErrorCode::internal, "vectors of this type have no kernel",
              {.expected = "F32, F16, BF16 or I8", .found = std::string(element_name(type))});
}
const auto* halves(const void* row) {
  return static_cast<const Half*>(row);
}
const auto* bfloats(const void* row) {
  return static_cast<const Bfloat*>(row);
}
const auto* bytes(const void* row) {
  return static_cast<const int8_t*>(row);
}
std::span<const float> floats(const void* row, size_t count) {
  return {static_cast<const float*>(row), count};
}

}  // namespace

bool is_vector_type(ElementType type) {
  return type == ElementType::f32 || type == ElementType::f16 || type == ElementType::bf16 ||
         type == ElementType::i8;
}

float inner_product(std::span<const float> query, ElementType type, const void* row) {
  const float* q = query.data();
  const size_t n = query.size();
  switch (type) {
    case ElementType::f32:
      return dot(query, floats(row, n));
    case ElementType::f16:
      return HWY_DYNAMIC_DISPATCH(product_half)(q, halves(row), n);
    case ElementType::bf16:
      return HWY_DYNAMIC_DISPATCH(product_bfloat)(q, bfloats(row), n);
    case ElementType::i8:
      return HWY_DYNAMIC_DISPATCH(product_int8)(q, bytes(row), n);
    default:
      throw_type(type);
  }
}

float squared_distance(std::span<const float> query, ElementType type, const void* row) {
  const float* q = query.data();
  const size_t n = query.size();
  switch (type) {
    case ElementType::f32:
      return squared_distance(query, floats(row, n));
    case ElementType::f16:
      return HWY_DYNAMIC_DISPATCH(distance_half)(q, halves(row), n);
    case ElementType::bf16:
      return HWY_DYNAMIC_DISPATCH(distance_bfloat)(q, bfloats(row), n);
    case ElementType::i8:
      return HWY_DYNAMIC_DISPATCH(distance_int8)(q, bytes(row), n);
    default:
      throw_type(type);
  }
}

ProductAndSquare product_and_square(std::span<const float> query, ElementType type, const void* row) {
  const float* q = query.data();
  const size_t n = query.size();
  switch (type) {
    case ElementType::f32:
      return {dot(query, floats(row, n)), dot(floats(row, n), floats(row, n))};
    case ElementType::f16:
      return HWY_DYNAMIC_DISPATCH(both_half)(q, halves(row), n);
    case ElementType::bf16:
      return HWY_DYNAMIC_DISPATCH(both_bfloat)(q, bfloats(row), n);
    case ElementType::i8:
      return HWY_DYNAMIC_DISPATCH(both_int8)(q, bytes(row), n);
    default:
      throw_type(type);
  }
}

void inner_products(std::span<const float> query, ElementType type, const void* rows, size_t stride,
                    std::span<float> scores) {
  const float* q = query.data();
  const size_t n = query.size(), count = scores.size();
  switch (type) {
    case ElementType::f32:
      return score_rows(query, ConstMatrix(static_cast<const float*>(rows), count, n, stride), scores);
    case ElementType::f16:
      return HWY_DYNAMIC_DISPATCH(products_half)(q, n, halves(rows), stride, count, scores.data());
    case ElementType::bf16:
      return HWY_DYNAMIC_DISPATCH(products_bfloat)(q, n, bfloats(rows), stride, count, scores.data());
    case ElementType::i8:
      return HWY_DYNAMIC_DISPATCH(products_int8)(q, n, bytes(rows), stride, count, scores.data());
    default:
      throw_type(type);
  }
}

}  // namespace cowatch
#endif

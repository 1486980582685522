#include "search/compute/kernels/distances.h"

#include <cmath>
#include <cstring>
#include <vector>

#include "math/float16.h"
#include "math/target_test.h"
#include "search/compute_examples.h"

namespace cowatch {
namespace {

using test::random_values;

constexpr size_t dimensions[] = {1,  2,  3,  7,   15,  16,  17,  31,  32,  33,
                                 63, 64, 65, 100, 128, 200, 257, 768, 1100};
constexpr ElementType types[] = {ElementType::f32, ElementType::f16, ElementType::bf16, ElementType::i8};

class Distances : public cowatch::testing::EachTarget {};

// Rows of one element type that begin one element behind an aligned address, and what they stand for.
struct TypedRows {
  TypedRows(ElementType element, size_t count, size_t width)
      : type(element), bytes((count * width + 1) * element_size(element)), values(count * width) {
    const auto drawn = random_values(count * width, 6);
    for (size_t i = 0; i < values.size(); ++i) put(i, drawn[i]);
  }
  const void* row(size_t offset) const { return bytes.data() + (offset + 1) * element_size(type); }

  void put(size_t i, float value) {
    void* place = bytes.data() + (i + 1) * element_size(type);
    const auto store = [&](auto stored, float meant) {
      std::memcpy(place, &stored, sizeof stored);
      values[i] = meant;
    };
    if (type == ElementType::f32) store(value, value);
    if (type == ElementType::f16) store(half_from_float(value), float_from_half(half_from_float(value)));
    if (type == ElementType::bf16)
      store(bfloat_from_float(value), float_from_bfloat(bfloat_from_float(value)));
    if (type == ElementType::i8) {
      const float clipped = std::round(std::max(-128.0f, std::min(127.0f, value * 50)));
      store(static_cast<int8_t>(clipped), clipped);
    }
  }

  ElementType type;
  std::vector<char> bytes;
  std::vector<float> values;
};

TEST_F(Distances, AreThoseOfThePlainLoopForEveryTypeAtRaggedSizes) {
  for (const ElementType type : types) {
    for (const size_t width : dimensions) {
      SCOPED_TRACE(std::string(element_name(type)) + ", dimension " + std::to_string(width));
      constexpr size_t count = 21;
      const size_t stride = width + 3;
      const TypedRows rows(type, count, stride);
      const auto query = random_values(width, 7);
      for_each_target([&] {
        std::vector<float> products(count);
        inner_products(query, type, rows.row(0), stride, products);
        for (size_t r = 0; r < count; ++r) {
          double product = 0, distance = 0, square = 0, magnitude = 0;
          for (size_t i = 0; i < width; ++i) {
            const double q = query[i], x = rows.values[r * stride + i];
            product += q * x, distance += (q - x) * (q - x), square += x * x;
            magnitude += std::abs(q * x);
          }
          const void* row = rows.row(r * stride);
          const auto both = product_and_square(query, type, row);
          EXPECT_NEAR(inner_product(query, type, row), product, 1e-6 * magnitude + 1e-6);
          EXPECT_NEAR(both.product, product, 1e-6 * magnitude + 1e-6);
          EXPECT_NEAR(both.square, square, 1e-6 * square + 1e-6);
          EXPECT_NEAR(squared_distance(query, type, row), distance, 1e-6 * distance + 1e-6);
          // The query in two parts of bfloat16 keeps 16 bits of its fraction.
          EXPECT_NEAR(products[r], product, (type == ElementType::bf16 ? 3e-5 : 1e-6) * magnitude + 1e-6);
        }
      });
    }
  }
}

TEST_F(Distances, ATypeWithoutAKernelIsRefused) {
  const std::vector<float> query(4, 1.0f);
  EXPECT_FALSE(is_vector_type(ElementType::i32));
  EXPECT_THROW(inner_product(query, ElementType::i32, query.data()), Error);
}

}  // namespace
}  // namespace cowatch

// Sums over pairs of vectors for exact scores: a float32 query against rows of float32, float16, bfloat16 or
// int8, widened in registers, so that no row is copied and half or a quarter of the memory is read.
//
// Sums of one row are made in the same order wherever it stands. They differ in the last bits between
// instruction sets; bfloat16 rows are multiplied by the processor's own dot products where it has them, with
// the query split in two bfloat16 parts (16 bits of its fraction are kept).
#pragma once

#include <span>

#include "base/tensor_file.h"

namespace cowatch {

// Whether rows of this type can be scored: f32, f16, bf16 and i8.
bool is_vector_type(ElementType type);

// Rows begin at `row` and have query.size() numbers. The type must be one of the four (internal otherwise).
float inner_product(std::span<const float> query, ElementType type, const void* row);
float squared_distance(std::span<const float> query, ElementType type, const void* row);

// Both sums that a cosine needs, in one pass.
struct ProductAndSquare {
  float product, square;  // ⟨query, row⟩, ‖row‖²
};
ProductAndSquare product_and_square(std::span<const float> query, ElementType type, const void* row);

// scores[r] = ⟨query, row r⟩ of rows `stride` elements apart: the inner loop of exact search.
void inner_products(std::span<const float> query, ElementType type, const void* rows, size_t stride,
                    std::span<float> scores);

}  // namespace cowatch

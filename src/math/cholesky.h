// Cholesky factor of a symmetric positive definite matrix, inverted: what whitens rows (x ↦ L⁻¹ x).
#pragma once

#include <cstddef>
#include <vector>

namespace cowatch {

// L⁻¹, row-major n × n with zeros above its diagonal, where `matrix` = L Lᵀ (row-major, n² numbers). Diagonal
// blocks are solved in float64, everything else is a matrix product: 4/3 · n³ multiplications and additions.
// The same bytes for any number of threads. Throws bad_input when the matrix is not positive definite.
std::vector<float> inverse_cholesky(std::vector<float> matrix, size_t n);

}  // namespace cowatch

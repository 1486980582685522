// Times and checks one matrix library's products against a plain float64 loop.
#pragma once

#include <cstddef>
#include <vector>

#include "math/matrix_library.h"

namespace cowatch {

// Largest error over products of ragged shapes, all transpositions and several alpha and beta, as a share of
// what the rounding of a sum in any order allows (Higham, Accuracy and Stability of Numerical Algorithms,
// section 3.1). Above 1, or infinite: the library is wrong here. `supported` becomes false when it has no
// such product.
template <typename T>
double product_error(const MatrixLibrary& library, bool& supported);

// Times size³ products. Holds their matrices, so that one timer serves all libraries in turn.
template <typename T>
class ProductTimer {
 public:
  explicit ProductTimer(size_t size);
  double rate(
      const MatrixLibrary& library);  // billions of multiplications and additions a second, of one product

 private:
  size_t size_;
  std::vector<T> a_, b_;
  std::vector<float> c_;
};

}  // namespace cowatch

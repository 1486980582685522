// Eigenvectors of symmetric matrices: all of a small one, the leading ones of a large one.
#pragma once

#include <vector>

#include "math/matrix.h"

namespace cowatch {

struct Eigen {
  std::vector<double> values;   // falling
  std::vector<double> vectors;  // row i is the unit eigenvector of values[i]
};

// All eigenpairs of a symmetric n × n matrix (row-major, n² numbers; only read), by Householder reduction to
// tridiagonal form and implicit QL steps (Golub and Van Loan, Matrix Computations, chapter 8). O(n³): for n
// up to about a thousand.
Eigen symmetric_eigen(const std::vector<double>& matrix, size_t n);

// Approximately the `count` eigenpairs of largest magnitude of a symmetric matrix, by subspace iteration from
// a fixed start; of a small matrix the `count` largest exactly. Rows of the result are unit and orthogonal
// however far the iteration has come.
Eigen leading_eigen(ConstMatrix matrix, size_t count);

}  // namespace cowatch

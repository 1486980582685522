// Arrays of numbers from NumPy's .npy files (versions 1 to 3, plain, gzip or zstd): features made elsewhere.
#pragma once

#include <functional>
#include <vector>

#include "base/file.h"
#include "math/matrix.h"

namespace cowatch {

struct NumberTable {
  size_t rows = 0, columns = 0;
  std::vector<float> values;  // row-major
};

// Calls visit(first row's number, rows) for consecutive rows of a two-dimensional array in C order, of
// float16, float32, float64, bool or an integer type, little-endian, as float32: never more than a few
// MiB of it are in memory. Numbers are as they stand in the file, NaN too. Throws bad_input: not an .npy
// file, another shape, order or type; a file that is cut off or too long is known for it only after its rows
// were visited.
void visit_npy(const Path& path, const std::function<void(size_t first, ConstMatrix rows)>& visit);

// The whole array, also one in Fortran order, which is held twice for a moment. Throws as visit_npy, and
// bad_input for NaN or infinite values (row and column). Columns of an array without rows are not known: 0.
NumberTable read_npy(const Path& path);

}  // namespace cowatch

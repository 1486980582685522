// Arrays of numbers from NumPy's .npy files (versions 1 to 3, plain, gzip or zstd): features made elsewhere.
#pragma once

#include <vector>

#include "base/file.h"

namespace cowatch {

struct NumberTable {
  size_t rows = 0, columns = 0;
  std::vector<float> values;  // row-major
};

// A two-dimensional array in C order of float16, float32, float64 or an integer type, as float32. Throws
// bad_input that names the place: not an .npy file, another shape or order, too short, NaN or infinite values
// (row and column).
NumberTable read_npy(const Path& path);

}  // namespace cowatch

// Tables of vectors in the formats of others: .npy (also .npy.gz and .npy.zst), .fvecs and .bvecs (TEXMEX: each
// row a little-endian int32 of its length and then float32 or uint8 numbers), .safetensors (a two-dimensional F32
// tensor), and .hdf5 or .h5 as of ann-benchmarks (a two-dimensional dataset of numbers).
#pragma once

#include <functional>
#include <string>

#include "base/file.h"
#include "math/matrix.h"

namespace cowatch {

// Calls visit(first row's number, rows) block by block; all have one width. `name` is the tensor or dataset to
// read; empty: the only one, or "train". Throws bad_input naming the place: no such format, cut off, rows of
// several lengths, another byte order, NaN or infinite numbers.
void read_vectors(const Path& path, const std::string& name,
                  const std::function<void(size_t first, ConstMatrix rows)>& visit);

// row(r, values) fills in row r. Writes .npy, .fvecs or
// .safetensors (tensor "vectors"), atomically.
void write_vectors(const Path& path, size_t rows, size_t columns, const std::function<void(size_t, std::span<float>)>& row);

// Defined in hdf5.cpp, the one place that names the library.
void read_hdf5(const Path& path, const std::string& name,
               const std::function<void(size_t first, ConstMatrix rows)>& visit);

}  // namespace cowatch

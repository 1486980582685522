// Tables of vectors in the formats of others: .npy (also .npy.gz and .npy.zst), .fvecs and .bvecs (TEXMEX:
// each row a little-endian int32 of its length and then float32 or uint8 numbers), .safetensors (a
// two-dimensional F32 or F16 tensor), and .hdf5 or .h5 as of ann-benchmarks (a two-dimensional dataset of
// numbers).
#pragma once

#include <functional>
#include <string>

#include "base/file.h"
#include "math/matrix.h"

namespace cowatch {

inline constexpr int widest_vector = 65536;  // numbers of a row, of any format with a width in its head

enum class VectorFormat { npy, fvecs, bvecs, safetensors, hdf5 };
VectorFormat vector_format_of(const Path& path);  // by its name; bad_input for another

// Calls visit(first row's number, rows) block by block; all have one width. `name` is the tensor or dataset
// to read; empty: "vectors", "embeddings", "features" or "train". Numbers are as they stand in the file, NaN
// too. Throws bad_input naming the place: no such format, cut off (of .npy known only at the end), rows of
// several lengths, another byte order.
void read_vectors(VectorFormat format, const Path& path, const std::string& name,
                  const std::function<void(size_t first, ConstMatrix rows)>& visit);

// row(r, values) fills in row r. Writes .npy, .fvecs, .bvecs, .safetensors (tensor "vectors") or .hdf5 (dataset
// "train"), atomically. Throws bad_argument for another format, and for numbers that .bvecs cannot hold.
using RowFiller = std::function<void(size_t r, std::span<float> values)>;
void write_vectors(const Path& path, size_t rows, size_t columns, const RowFiller& row);

// Defined in hdf5.cpp, the one place that names the library.
void read_hdf5(const Path& path, const std::string& name,
               const std::function<void(size_t first, ConstMatrix rows)>& visit);
void write_hdf5(const Path& path, size_t rows, size_t columns, const RowFiller& row);

}  // namespace cowatch

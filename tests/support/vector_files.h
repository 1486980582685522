// The same table of vectors in every format that is read, written by other means than the program's own.
#pragma once

#include <hdf5.h>

#include <array>
#include <cstring>

#include "base/json.h"
#include "support/text_files.h"

namespace cowatch::test {

struct VectorTable {
  size_t rows = 0, columns = 0;
  std::vector<float> values;

  // Whole numbers from 1 to 200, which every format holds exactly.
  static VectorTable of(size_t rows, size_t columns) {
    VectorTable table{rows, columns, std::vector<float>(rows * columns)};
    for (size_t i = 0; i < table.values.size(); ++i) table.values[i] = static_cast<float>(1 + (i * 37 + i / columns * 11) % 200);
    return table;
  }
  std::span<const float> row(size_t r) const { return {values.data() + r * columns, columns}; }
};

inline std::string bytes_of(const void* data, size_t size) {
  return {static_cast<const char*>(data), size};
}

// A row is an int32 of its length, then numbers of type T.
template <typename T>
std::string vecs_text(const VectorTable& table) {
  std::string text;
  const auto width = static_cast<int32_t>(table.columns);
  for (size_t r = 0; r < table.rows; ++r) {
    text += bytes_of(&width, sizeof width);
    for (const float value : table.row(r)) {
      const T narrow = static_cast<T>(value);
      text += bytes_of(&narrow, sizeof narrow);
    }
  }
  return text;
}

// `values` stand for those of the table; `type` is theirs.
template <typename T>
std::string safetensors_text(const VectorTable& table, const std::string& name, const char* type,
                             const std::vector<T>& values) {
  const Json header = {{name,
                        {{"dtype", type},
                         {"shape", {table.rows, table.columns}},
                         {"data_offsets", {0, values.size() * sizeof(T)}}}}};
  std::string text = header.dump();
  text.resize((text.size() + 63) / 64 * 64 - 8, ' ');
  const uint64_t length = text.size();
  return bytes_of(&length, sizeof length) + text + bytes_of(values.data(), values.size() * sizeof(T));
}
inline std::string safetensors_text(const VectorTable& table, const std::string& name) {
  return safetensors_text(table, name, "F32", table.values);
}

// As ann-benchmarks writes them: dataset "train", here of big-endian doubles, to be turned on reading.
inline Path write_hdf5(const Path& path, const VectorTable& table, const char* name = "train") {
  const std::array<hsize_t, 2> shape = {table.rows, table.columns};
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hid_t space = H5Screate_simple(2, shape.data(), nullptr);
  const hid_t data = H5Dcreate2(file, name, H5T_IEEE_F64BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Dwrite(data, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, table.values.data());
  H5Dclose(data);
  H5Sclose(space);
  H5Fclose(file);
  return path;
}

inline std::string lines_text(const VectorTable& table) {
  std::string text;
  for (size_t r = 0; r < table.rows; ++r) {
    const auto row = table.row(r);
    const Json line = {{"id", r}, {"vector", std::vector<float>(row.begin(), row.end())}, {"payload", {{"even", r % 2 == 0}}}};
    text += line.dump() + "\n";
  }
  return text;
}

inline const std::vector<std::string> vector_file_names = {"a.npy",   "a.npy.gz",      "a.npy.zst", "a.fvecs", "a.bvecs",
                                                           "a.hdf5",  "a.safetensors", "a.jsonl",   "a.jsonl.gz"};

inline Path write_vector_file(const Path& folder, const std::string& name, const VectorTable& table) {
  const Path path = folder / name;
  if (name.ends_with(".fvecs")) return write_text(path, vecs_text<float>(table));
  if (name.ends_with(".bvecs")) return write_text(path, vecs_text<uint8_t>(table));
  if (name.ends_with(".safetensors")) return write_text(path, safetensors_text(table, "vectors"));
  if (name.ends_with(".hdf5")) return write_hdf5(path, table);
  if (name.ends_with(".jsonl")) return write_text(path, lines_text(table));
  if (name.ends_with(".jsonl.gz")) return write_gzip(path, lines_text(table));
  const Path plain = write_npy(folder / "plain.npy", table.rows, table.columns, table.values);
  if (name.ends_with(".gz")) return write_gzip(path, read_text(plain));
  if (name.ends_with(".zst")) return write_zstd(path, read_text(plain));
  std::filesystem::rename(plain, path);
  return path;
}

}  // namespace cowatch::test

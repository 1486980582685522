#include "search/io/vector_files.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/tensor_file.h"
#include "math/float16.h"
#include "search/io/scratch.h"
#include "store/npy.h"

namespace cowatch {
namespace {

constexpr size_t block_rows = 4096;
using VisitRows = std::function<void(size_t, ConstMatrix)>;

template <typename T>
void read_vecs(const Path& path, const VisitRows& visit) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  int32_t width = 0;
  if (bytes.size() >= sizeof width) std::memcpy(&width, bytes.data(), sizeof width);
  if (width < 1 || width > widest_vector) {
    throw Error(ErrorCode::bad_input, "the first row has no sensible length",
                {.where = path.string() + ", byte 0",
                 .expected = "a little-endian int32 from 1 to " + std::to_string(widest_vector),
                 .found = std::to_string(width),
                 .remedy = "Such a length comes from a file of another format or of the other byte order."});
  }
  const auto columns = static_cast<size_t>(width);
  const size_t stride = sizeof width + columns * sizeof(T);
  if (bytes.size() % stride != 0) {
    throw Error(ErrorCode::bad_input, "the file is cut off, or its rows differ in length",
                {.where = path.string(),
                 .expected = "a multiple of " + std::to_string(stride) + " bytes",
                 .found = std::to_string(bytes.size())});
  }
  const size_t count = bytes.size() / stride;
  std::vector<float> block(std::min(block_rows, count) * columns);
  std::vector<T> row(columns);
  for (size_t first = 0; first < count; first += block_rows) {
    const ConstMatrix rows(block.data(), std::min(block_rows, count - first), columns);
    for (size_t r = 0; r < rows.rows; ++r) {
      const auto* at = bytes.data() + (first + r) * stride;
      int32_t length = 0;
      std::memcpy(&length, at, sizeof length);
      if (length != width) {
        throw Error(ErrorCode::bad_input, "a row has another length",
                    {.where = path.string() + ", row " + std::to_string(first + r),
                     .expected = std::to_string(width),
                     .found = std::to_string(length)});
      }
      std::memcpy(row.data(), at + sizeof length, columns * sizeof(T));
      std::copy(row.begin(), row.end(), block.begin() + static_cast<ptrdiff_t>(r * columns));
    }
    visit(first, rows);
  }
}

// A file of the user's is not what was expected of ours.
template <typename Work>
auto of_user(const Path& path, const Work& work) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::damaged) throw;
    throw Error(ErrorCode::bad_input, "this is not a whole safetensors file",
                {.where = path.string(), .found = error.message(), .remedy = "Write the file again."});
  }
}

void read_safetensors(const Path& path, const std::string& name, const VisitRows& visit) {
  const auto file = of_user(path, [&] { return TensorFile(path, "", 0); });
  std::string chosen = name;
  for (const char* usual : {"vectors", "embeddings", "features", "train"})
    if (chosen.empty() && file.has(usual)) chosen = usual;
  if (chosen.empty() || !file.has(chosen)) {
    throw Error(
        ErrorCode::bad_input, "the file has no such tensor",
        {.where = path.string(),
         .expected =
             chosen.empty() ? "vectors, embeddings, features, train, or the one that --name says" : chosen});
  }
  const auto shape = file.shape(chosen);
  const ElementType type = file.type(chosen);
  if (shape.size() != 2 || (type != ElementType::f32 && type != ElementType::f16))
    throw Error(ErrorCode::bad_input, "the tensor is not a table of floats",
                {.where = path.string() + ", tensor " + chosen,
                 .expected = "two dimensions of F32 or F16",
                 .found = std::to_string(shape.size()) + " of " + std::string(element_name(type))});
  if (shape[1] < 1 || shape[1] > widest_vector)
    throw Error(ErrorCode::bad_input, "the tensor has no sensible width",
                {.where = path.string() + ", tensor " + chosen,
                 .expected = "1 to " + std::to_string(widest_vector) + " columns",
                 .found = std::to_string(shape[1])});
  const auto bytes = of_user(path, [&] { return file.raw(chosen, type); });
  const size_t row_bytes = shape[1] * element_size(type);
  std::vector<float> block(std::min(block_rows, shape[0]) * shape[1]);
  std::vector<uint16_t> halves(type == ElementType::f16 ? block.size() : 0);
  void* const copied = halves.empty() ? static_cast<void*>(block.data()) : halves.data();
  for (size_t first = 0; first < shape[0]; first += block_rows) {
    const ConstMatrix rows(block.data(), std::min(block_rows, shape[0] - first), shape[1]);
    const size_t numbers = rows.rows * rows.columns;
    // Copied, as numbers of others need not be aligned.
    if (numbers > 0) std::memcpy(copied, bytes.data() + first * row_bytes, rows.rows * row_bytes);
    if (!halves.empty()) floats_from_halves({halves.data(), numbers}, {block.data(), numbers});
    visit(first, rows);
  }
}

std::string npy_header(size_t rows, size_t columns) {
  std::string text = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                     std::to_string(columns) + "), }";
  text.resize((10 + text.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  text += '\n';
  const auto length = static_cast<uint16_t>(text.size());
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(length & 255) + static_cast<char>(length >> 8) + text;
}

// The numbers of a row of .bvecs.
std::vector<uint8_t> bytes_of(std::span<const float> values, const Path& path, size_t row) {
  std::vector<uint8_t> bytes;
  for (const float value : values) {
    if (!(value >= 0 && value <= 255 && value == std::trunc(value))) {
      throw Error(ErrorCode::bad_argument, ".bvecs holds whole numbers of a byte only",
                  {.where = path.string() + ", row " + std::to_string(row),
                   .expected = "0 to 255",
                   .found = std::to_string(value),
                   .remedy = "Write .fvecs, .npy, .safetensors or .hdf5 instead."});
    }
    bytes.push_back(static_cast<uint8_t>(value));
  }
  return bytes;
}

void write_safetensors(const Path& path, size_t rows, size_t columns, const RowFiller& row) {
  Scratch<float> all(path.has_parent_path() ? path.parent_path() : Path("."), rows * columns);
  for (size_t r = 0; r < rows; ++r) row(r, all.values().subspan(r * columns, columns));
  TensorFileWriter writer("vectors", 1);
  writer.add<float>("vectors", {rows, columns}, all.values());
  writer.write(path);
}

}  // namespace

VectorFormat vector_format_of(const Path& path) {
  const std::string file = path.filename().string();
  if (file.ends_with(".fvecs")) return VectorFormat::fvecs;
  if (file.ends_with(".bvecs")) return VectorFormat::bvecs;
  if (file.ends_with(".safetensors")) return VectorFormat::safetensors;
  if (file.ends_with(".hdf5") || file.ends_with(".h5")) return VectorFormat::hdf5;
  if (file.find(".npy") != file.npos) return VectorFormat::npy;
  throw Error(ErrorCode::bad_input, "this is no format of vectors",
              {.where = path.string(), .expected = ".npy, .fvecs, .bvecs, .safetensors, .hdf5 or .jsonl"});
}

void read_vectors(VectorFormat format, const Path& path, const std::string& name, const VisitRows& visit) {
  switch (format) {
    case VectorFormat::npy:
      return visit_npy(path, visit);
    case VectorFormat::fvecs:
      return read_vecs<float>(path, visit);
    case VectorFormat::bvecs:
      return read_vecs<uint8_t>(path, visit);
    case VectorFormat::safetensors:
      return read_safetensors(path, name, visit);
    case VectorFormat::hdf5:
      return read_hdf5(path, name, visit);
  }
}

void write_vectors(const Path& path, size_t rows, size_t columns, const RowFiller& row) {
  const std::string extension = path.extension().string();
  if (extension == ".safetensors") return write_safetensors(path, rows, columns, row);
  if (extension == ".hdf5" || extension == ".h5") return write_hdf5(path, rows, columns, row);
  if (extension != ".npy" && extension != ".fvecs" && extension != ".bvecs") {
    throw Error(ErrorCode::bad_argument, "vectors are not written in this format",
                {.where = path.string(),
                 .expected = ".npy, .fvecs, .bvecs, .safetensors, .hdf5 or .jsonl"});
  }
  std::vector<float> values(columns);
  write_atomically(path, [&](OutputFile& file) {
    const std::string header = extension == ".npy" ? npy_header(rows, columns) : "";
    file.write(std::as_bytes(std::span(header)));
    const auto width = static_cast<int32_t>(columns);
    for (size_t r = 0; r < rows; ++r) {
      row(r, values);
      if (extension != ".npy") file.write(std::as_bytes(std::span(&width, 1)));
      if (extension == ".bvecs") {
        const auto bytes = bytes_of(values, path, r);
        file.write(std::as_bytes(std::span(bytes)));
      } else {
        file.write(std::as_bytes(std::span(values)));
      }
    }
  });
}

}  // namespace cowatch

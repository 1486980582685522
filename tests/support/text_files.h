// Small files for tests of readers: written plain or compressed.
#pragma once

#include <zlib.h>

#include <span>
#include <stdexcept>
#include <string>

#include "base/file.h"

namespace cowatch::test {

inline Path write_text(const Path& path, std::string_view text) {
  write_atomically(path, text);
  return path;
}

inline Path write_gzip(const Path& path, std::string_view text) {
  gzFile file = gzopen(path.c_str(), "wb");
  if (!file) throw std::runtime_error("cannot write " + path.string());
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return path;
}

// A frame of one uncompressed block: enough to be told apart and read.
inline Path write_zstd(const Path& path, std::string_view text) {
  if (text.size() >= 1 << 17) throw std::runtime_error("too long for one block");
  const auto little = [](size_t value, size_t bytes) {
    std::string out;
    for (size_t i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
    return out;
  };
  // Frame header: one segment, content size in 4 bytes; block header: last, raw, its size.
  write_atomically(path, "\x28\xb5\x2f\xfd\xa0" + little(text.size(), 4) + little(text.size() << 3 | 1, 3) +
                             std::string(text));
  return path;
}

// A .npy file of float32.
inline Path write_npy(const Path& path, size_t rows, size_t columns, std::span<const float> values) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                       std::to_string(columns) + "), }";
  header.resize((10 + header.size() + 64) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xff);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  write_atomically(path, bytes);
  return path;
}

}  // namespace cowatch::test

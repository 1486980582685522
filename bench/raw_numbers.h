// Arrays as raw little-endian files, which NumPy reads with fromfile().
#pragma once

#include <span>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace cowatch::bench {

template <typename T>
void write_numbers(const Path& path, std::span<const T> numbers) {
  const auto file = file_system().create(path);
  file->write(std::as_bytes(numbers));
}

template <typename T>
std::vector<T> read_numbers(const Path& path) {
  const MappedFile file(path);
  const auto* data = reinterpret_cast<const T*>(file.bytes().data());
  return {data, data + file.bytes().size() / sizeof(T)};
}

}  // namespace cowatch::bench

// Damage to files, as a disk does it.
#pragma once

#include <algorithm>
#include <fstream>
#include <string_view>
#include <vector>

#include "base/file.h"

namespace cowatch::test {

// Turns a bit over at a share of the file's length.
inline void flip_a_bit(const Path& path, double where, int bit = 2) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  const auto at = static_cast<std::streamoff>(where * static_cast<double>(std::filesystem::file_size(path)));
  file.seekg(at);
  const char byte = static_cast<char>(file.get());
  file.seekp(at);
  file.put(static_cast<char>(byte ^ (1 << bit)));
}

// The folder's files with names that begin and end so, in order of name.
inline std::vector<Path> files_of(const Path& folder, std::string_view prefix, std::string_view suffix = "") {
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix) && name.ends_with(suffix)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace cowatch::test

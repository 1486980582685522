// Files that tests damage on purpose: written without syncing, thousands of them in a test.
#pragma once

#include <fstream>
#include <string_view>

#include "base/file.h"

namespace cowatch::test {

inline void write_plainly(const Path& path, std::string_view bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace cowatch::test

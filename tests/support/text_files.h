// Small files for tests of readers: written plain or compressed.
#pragma once

#include <zlib.h>

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

}  // namespace cowatch::test

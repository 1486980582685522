// A file's bytes as text, decompressed on the way: plain, gzip or zstd, told apart by content.
#pragma once

#include <memory>
#include <string>

#include "base/file.h"

namespace cowatch {

class InputStream {
 public:
  // Throws not_found, bad_input (a folder).
  explicit InputStream(const Path& path);
  ~InputStream();
  InputStream(InputStream&&) noexcept;

  // Fills `buffer` with up to `size` bytes; 0 only at the end. A damaged or cut compressed file: bad_input
  // with the place.
  size_t read(char* buffer, size_t size);
  std::string read_all();
  // Progress: bytes of the file (compressed) consumed so far, and in all.
  uint64_t consumed() const;
  uint64_t size() const;
  const Path& path() const;
  bool compressed() const;

  struct Source;

 private:
  std::unique_ptr<Source> source_;
};

// Reads a compressed file to its end: damage shows before any of it is used. Throws bad_input with the place.
void check_compression(const Path& path);

}  // namespace cowatch

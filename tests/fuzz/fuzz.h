// What the fuzz targets share: an input as a file, and expectations that end the process.
//
// A target must take any bytes: what it tests may refuse them with cowatch::Error and nothing else. Build and
// run: tests/parts/fuzz.sh, those of long/ tests/parts/fuzz_long.sh; one target for longer: build/fuzz/bin/fuzz_NAME -max_total_time=600
// FOLDER_FOR_FINDINGS.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace cowatch::fuzz {

// A file in memory that is there under a name.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(::memfd_create("input", 0)) {
    if (descriptor_ < 0 ||
        ::write(descriptor_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
      std::abort();
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }
  Path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "expected: %s\n", what);
  std::abort();
}

inline std::string_view text_of(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

}  // namespace cowatch::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

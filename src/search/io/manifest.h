// Which segments make up a collection and which of their slots live: the one file whose replacement changes
// that, atomically (kind "vector_manifest", docs/formats.md).
#pragma once

#include <string>
#include <vector>

#include "base/file.h"
#include "search/compute/allowed.h"

namespace cowatch {

struct Manifest {
  struct Entry {
    std::string file;  // in the collection's folder
    Allowed live{0};
  };
  std::string collection;  // id of the one it was written for; empty: by a version that gave none
  uint64_t sequence = 0;   // every batch up to this one is in the segments
  uint64_t next_file = 1;
  std::vector<Entry> segments;

  void write(const Path& path) const;
  // Throws not_found, damaged, newer_version.
  static Manifest read(const Path& path);
};

}  // namespace cowatch

// Points of a collection from files and into files: tables of vectors (io/vector_files.h), whose rows are
// numbered, and .jsonl (also gzip and zstd), a line {"id", "vector", "payload"} a point.
#pragma once

#include <functional>
#include <string>

#include "search/collection.h"

namespace cowatch {

struct PointFile {
  Path path = {};
  std::string dataset = {};    // the tensor or dataset of a file that has several; empty: the usual one
  uint64_t first_id = 0;  // of the first row of a table
};

// Adds every point of the file, in batches; of two lines of one id the later holds. The file is read twice:
// what is wrong with any row is found before the first is written. Throws bad_input that names the first
// wrong row, says how many there are, and what was expected; too_large when the quota does not let all in,
// bad_argument for ids beyond 64 bits. Whoever interrupts the writing, and what a full disk throws, hears how
// many rows are in; the same import again brings in the rest. `advance` hears how many points more were
// written, `checked` before that how many there are. Returns the number of rows.
size_t import_points(
    Collection& collection, const PointFile& file, const std::function<void(size_t)>& advance,
    const std::function<void(size_t)>& checked = [](size_t) {});

// All points in order of id: vectors alone, or all of them with .jsonl. Atomically. `advance` hears how many points more
// were written. Returns their number.
size_t export_points(const CollectionView& view, size_t dimension, const Path& path,
                     const std::function<void(size_t)>& advance = [](size_t) {});

// {"id", "vector", "payload"}, of which "payload" may be left out. bad_input, naming `where`, for anything else.
Json point_line(const CollectionView& view, PointPlace at);
PointChange parse_point_line(const Json& json, const std::string& where);

}  // namespace cowatch

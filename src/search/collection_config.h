// What a collection is made with, kept in its records.
#pragma once

#include <string_view>

#include "base/json_forward.h"
#include "search/compute/vector_index.h"
#include "search/io/record_store.h"

namespace cowatch {

inline constexpr const char* records_file = "records.sqlite";

struct CollectionConfig {
  static constexpr size_t largest_dimension = 65536;
  static constexpr size_t most_table_points = 1u << 20;
  static constexpr size_t most_table_payload = 4u << 20;  // bytes of payloads with which a table is full
  static constexpr size_t most_full_tables = 8;  // in memory: a writer waits, replaying writes them out

  size_t dimension = 0;
  IndexOptions index;  // of each segment; one that would take more than its memory_cap is searched exactly
  size_t index_threshold = 20'000;  // segments of fewer points are searched exactly
  size_t most_points = 0;           // quota; 0: none
  size_t table_points = 0;          // points of a table in memory; 0: 4 MiB of them
  size_t table_capacity() const;    // that number
  size_t table_row_bytes() const;   // of a point in such a table: its vector and its codes

  // Whether a segment of so many points gets an index.
  bool indexes(size_t points) const { return index.kind != IndexKind::exact && points >= index_threshold; }
  // Whether what every search compares has codes to look at first: tables in memory, and segments too small for an index.
  bool codes_tables() const { return index.metric == Metric::cosine; }
  bool codes_segment(size_t points) const { return codes_tables() && index.kind != IndexKind::exact && !indexes(points); }
};
Json to_json(const CollectionConfig& config);
Json to_json(const IndexOptions& options);  // those of compute/option_names.h

// Bytes of a collection of so many points, without payloads, once all are in segments and indexed; within 10 %.
struct CollectionBytes {
  size_t indexes = 0;   // mapped, and read at random by every search
  size_t segments = 0;  // mapped; searched exactly when small, of others only what answers need
  size_t tables = 0;    // held: at most, while points are written
  size_t building = 0;  // held besides: at most, while all of them are merged and indexed at once
};
CollectionBytes predict_bytes(const CollectionConfig& config, size_t points);

// Throws bad_argument for options that do not go together or a dimension out of range, no_space when no
// segment's index would fit the memory, or, with a quota, not the index of so many points. The place is the
// option's name: one of compute/option_names.h, "size" or "index_memory".
void check_config(const CollectionConfig& config);

// A codebook is kept by its content: a snapshot has it too.
void write_config(RecordStore& records, const CollectionConfig& config);
// The note of a file of records. Throws damaged.
CollectionConfig read_config_note(const Path& records);
// Of the collection in `folder`; puts the codebook beside the records. Throws damaged.
CollectionConfig read_config(const Path& folder);

}  // namespace cowatch

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

  size_t dimension = 0;
  IndexOptions index;  // of each segment; one that would take more than its memory_cap is searched exactly
  size_t index_threshold = 20'000;  // segments of fewer points are searched exactly
  size_t most_points = 0;           // quota; 0: none
  size_t table_points = 0;          // points of a table in memory; 0: 4 MiB of them

  // Whether a segment of so many points gets an index.
  bool indexes(size_t points) const { return index.kind != IndexKind::exact && points >= index_threshold; }
};
Json to_json(const CollectionConfig& config);
Json to_json(const IndexOptions& options);  // those of compute/option_names.h

// Throws bad_argument for options that do not go together or a dimension out of range, no_space when no
// segment's index would fit the memory, or, with a quota, not the index of so many points. The place is the
// option's name: one of compute/option_names.h, "size" or "index_memory".
void check_config(const CollectionConfig& config);

// A codebook is kept by its content: a snapshot has it too.
void write_config(RecordStore& records, const CollectionConfig& config);
// From the text of the note. Throws what its numbers and names throw.
CollectionConfig parse_collection_config(const Json& json);
// Of the collection in `folder`; puts the codebook beside the records. Throws damaged.
CollectionConfig read_config(const Path& folder);

}  // namespace cowatch

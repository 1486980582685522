// Features made elsewhere (`--features`, or brought by a data set): artifact kind "features" with the one
// modality "imported", row = item; a row of zeros means that the item has none.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/npy.h"

namespace cowatch {

// Row i of `table` belongs to the video with id ids[i].
struct FeatureRows {
  std::vector<std::string> ids;
  NumberTable table;
  std::string origin;  // file or data set, for messages
};

// Throws bad_input when rows of another width that are in `existing` (which may be missing) would stay beside
// the new ones. `items` says which item each row belongs to; none: no item.
void check_imported_features(const FeatureRows& rows, std::span<const std::optional<uint32_t>> items,
                             const Path& existing);
// Puts the rows beside or over those in `existing` (which may be `target`) and writes all to `target`, with a
// row for each of the `item_count` items. Checks as above.
void write_imported_features(const FeatureRows& rows, std::span<const std::optional<uint32_t>> items,
                             uint64_t item_count, const Path& existing, const Path& target);

}  // namespace cowatch

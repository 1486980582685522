// Ready-made data sets in the folders they are published in.
#pragma once

#include <string>
#include <vector>

#include "store/import/importer.h"

namespace cowatch {

std::vector<std::string> data_set_formats();
// What a format's folder must hold, one line.
std::string_view describe_data_set(std::string_view format);

// Reads the folder into the sink. Features that the set brings are written to `features_target` (kind
// "features"). Throws bad_argument for an unknown format, not_found when a file of the set is missing.
void import_data_set(std::string_view format, const Path& folder, const Path& features_target,
                     const ImportOptions& options, ImportSink& sink);

// Features made elsewhere (--features): checked against the number of items, written as kind "features" with
// the one modality "imported"; a row of zeros means that the item has none.
void write_imported_features(const struct NumberTable& features, uint64_t items, const std::string& origin,
                             const Path& target);

}  // namespace cowatch

// Ready-made data sets in the folders they are published in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/import/imported_features.h"
#include "store/import/importer.h"

namespace cowatch {

std::vector<std::string> data_set_formats();
// What a format's folder must hold, one line.
std::string_view describe_data_set(std::string_view format);

// Reads the folder into the sink and returns the features that the set brings. Throws bad_argument for an unknown
// format, not_found when a file of the set is missing, and before anything is written bad_input for a file that cannot
// be read as a whole.
std::optional<FeatureRows> import_data_set(std::string_view format, const Path& folder,
                                           const ImportOptions& options, ImportSink& sink);

}  // namespace cowatch

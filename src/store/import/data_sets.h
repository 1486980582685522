// Ready-made data sets in the folders they are published in.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "store/import/imported_features.h"
#include "store/import/importer.h"

namespace cowatch {

std::vector<std::string> data_set_formats();
// What a format's folder must hold, one line.
std::string_view describe_data_set(std::string_view format);

// A data set whose files are there and can be read.
struct DataSet {
  std::optional<FeatureRows> features;                // that the set brings
  std::function<void(ImportSink&)> import_into_sink;  // everything else; once
};

// Throws bad_argument for an unknown format, not_found when a file of the set is missing and bad_input for
// one that cannot be read as a whole. `options` must outlive the data set.
DataSet open_data_set(std::string_view format, const Path& folder, const ImportOptions& options);

}  // namespace cowatch

// Folders of media files, each of which is a video.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "store/import/importer.h"

namespace cowatch {

struct MediaFiles {
  std::vector<Path> files;  // sorted
  std::map<std::string, uint64_t>
      left_out;  // how many with each other ending, which is "" where there is none
};

// The media files below a folder. Throws bad_input when there are none.
MediaFiles media_files_below(const Path& folder);
// Each becomes an item, titled by its name; its id is FileIds' of the path below the folder. Files known to
// lie there that are gone are counted as missing, files with other endings as left out.
void import_media_folder(const Path& folder, const ImportOptions& options, ImportSink& sink);

}  // namespace cowatch

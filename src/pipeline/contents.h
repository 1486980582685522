// What an artifact holds, without reading it all: a digest of the checksums in its header.
#pragma once

#include <string>

#include "base/file.h"

namespace cowatch {

// Changes with any tensor of the file. Throws missing_stage with `remedy` when there is no such file.
std::string content_digest(const Path& path, const std::string& remedy);
// Metadata `input` of an artifact, or "" when the file is missing or unreadable.
std::string input_of(const Path& path);

}  // namespace cowatch

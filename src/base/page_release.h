// Gives back the memory of a file map's pages that have been read and will not be needed soon. Reading them
// again brings them back from the file, so that a pass over a map of any length stays small.
#pragma once

#include <cstddef>
#include <span>

namespace cowatch {

// `bytes` must lie inside a read-only map of a file (MappedFile). Pages that are only partly inside stay.
void release_pages(std::span<const std::byte> bytes);

}  // namespace cowatch

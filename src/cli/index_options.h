// Flags for the options of an index (search/compute/option_names.h): --build-effort for build_effort.
#pragma once

#include "base/command_line.h"
#include "search/compute/vector_index.h"

namespace cowatch {

// `options` is filled while the command line is parsed, and has the usual codes of its kind when none were
// given.
void add_index_options(CommandLine app, IndexOptions& options);

}  // namespace cowatch

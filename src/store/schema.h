// The tables of the catalogue, and how an older catalogue becomes one of this version.
#pragma once

#include "store/sqlite.h"

namespace cowatch {

// Makes the tables in a new file, migrates an older one, refuses one of a later version (newer_version).
void prepare_schema(Database& database, const Path& path);
// For readers: refuses a later version and a file without tables (missing_stage).
void check_schema(const Database& database, const Path& path);

}  // namespace cowatch

// The tables of the catalogue, and how an older catalogue becomes one of this version.
#pragma once

#include <span>

#include "store/sqlite.h"

namespace cowatch {

// Makes the tables in a new file, migrates an older one, refuses one of a later version (newer_version).
void prepare_schema(Database& database, const Path& path);
// What prepare_schema() does with its own steps: step v is SQL that takes version v to v + 1. All that are missing
// run in one transaction, so that one that fails leaves the file as it was.
void migrate(Database& database, const Path& path, std::span<const char* const> steps);
// For readers: refuses a later version and a file without tables (missing_stage); migrates an older one.
void check_schema(const Database& database, const Path& path);

}  // namespace cowatch

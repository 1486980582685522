// Work on catalogues that importing needs.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "store/catalogue.h"

namespace cowatch {

inline constexpr size_t longest_id = 512;  // bytes of an item's or a user's id

// The item of each id; none where the catalogue has no such item.
std::vector<std::optional<uint32_t>> find_items(const Catalogue& catalogue, std::span<const std::string> ids);
// Writes the whole catalogue as it is now to a new file.
void copy_catalogue(const Path& from, const Path& to);

}  // namespace cowatch

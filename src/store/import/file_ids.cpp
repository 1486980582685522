#include "store/import/file_ids.h"

namespace cowatch {

FileIds::FileIds(std::map<std::string, std::string> known) : ids_(std::move(known)) {
  for (const auto& [path, id] : ids_) owners_.insert({id, {path, false}});
}

std::string FileIds::id_of(const std::string& path, const Path& name) {
  if (const auto known = ids_.find(path); known != ids_.end()) return known->second;
  for (const std::string& id : {Path(name).replace_extension().string(), name.string(), path}) {
    const auto owner = owners_.find(id);
    std::error_code error;
    if (owner != owners_.end() &&
        (owner->second.named_now || std::filesystem::exists(owner->second.path, error)))
      continue;
    owners_[id] = {path, true};
    return ids_[path] = id;
  }
  return path;
}

}  // namespace cowatch

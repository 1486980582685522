#include "store/catalogue_tools.h"

#include "store/schema.h"

namespace cowatch {

std::vector<std::optional<uint32_t>> find_items(const Catalogue& catalogue,
                                                std::span<const std::string> ids) {
  std::vector<std::optional<uint32_t>> found;
  found.reserve(ids.size());
  for (const std::string& id : ids) found.push_back(catalogue.find_item(id));
  return found;
}

void copy_catalogue(const Path& from, const Path& to) {
  const Catalogue checked(from, Catalogue::Mode::read);  // not of a later version, not damaged
  Database database(from, false);
  database.run("PRAGMA query_only = 0");  // the copy is written
  const std::string name = to.string();
  Statement(database, "VACUUM INTO ?").bind(1, name).run();
}

}  // namespace cowatch

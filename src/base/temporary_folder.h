// A folder of one's own among the temporary ones, removed at the end.
#pragma once

#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"

namespace cowatch {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "cowatch-XXXXXX").string();
    if (!mkdtemp(name.data())) throw_system_error("make", name);
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;  // nothing better to do on the way out
    std::filesystem::remove_all(path_, ignored);
  }
  const Path& path() const { return path_; }
  Path operator/(std::string_view name) const { return path_ / name; }

 private:
  Path path_;
};

}  // namespace cowatch

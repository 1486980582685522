// A folder for the inputs that engines share, gone at the end.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace cowatch::bench {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cowatch-bench-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw_system_error("create", pattern);
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;  // nothing better to do on the way out
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  const Path& path() const { return path_; }

 private:
  Path path_;
};

}  // namespace cowatch::bench

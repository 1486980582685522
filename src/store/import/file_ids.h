// Ids of videos that nothing but their files name.
#pragma once

#include <map>
#include <string>

#include "base/file.h"

namespace cowatch {

class FileIds {
 public:
  // `known`: media files that have an id already, by path.
  explicit FileIds(std::map<std::string, std::string> known);

  // The id that the file has. For a new one `name` without its ending, with it where that is another file's
  // id, or the path. A file that is gone leaves its id to one of the same name: a folder that was moved keeps
  // its videos.
  std::string id_of(const std::string& path, const Path& name);

 private:
  struct Owner {
    std::string path;
    bool named_now;  // in this import, where a file may be named that is not there
  };
  std::map<std::string, std::string> ids_;  // by path
  std::map<std::string, Owner> owners_;     // by id
};

}  // namespace cowatch

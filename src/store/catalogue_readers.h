// Catalogues opened for reading and kept between questions, each with its prepared statements: opening one
// costs more than most questions do. Safe for many threads.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "store/catalogue.h"

namespace cowatch {

class CatalogueReaders {
 public:
  explicit CatalogueReaders(Path path) : path_(std::move(path)) {}

  // A catalogue lent to one thread; what is read through it is all of the moment of the first read. Must not
  // outlive the readers.
  class Lease {
   public:
    Lease(CatalogueReaders& readers, std::unique_ptr<Catalogue> catalogue, uint64_t file);
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();
    const Catalogue& operator*() const { return *catalogue_; }
    const Catalogue* operator->() const { return catalogue_.get(); }

   private:
    CatalogueReaders& readers_;
    std::unique_ptr<Catalogue> catalogue_;
    uint64_t file_;
  };
  // Throws as opening a catalogue does. When another file was put in the catalogue's place, that one is
  // opened.
  Lease take();

 private:
  void give_back(std::unique_ptr<Catalogue> catalogue, uint64_t file);

  Path path_;
  std::mutex mutex_;
  uint64_t file_ = 0;  // inode that the idle ones have open, so that it is not given to another file
  std::vector<std::unique_ptr<Catalogue>> idle_;
};

}  // namespace cowatch

#include "store/catalogue_readers.h"

#include <sys/stat.h>

namespace cowatch {
namespace {

constexpr size_t most_idle = 16;  // each may hold a cache of 2 MB

uint64_t inode_of(const Path& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

CatalogueReaders::Lease::Lease(CatalogueReaders& readers, std::unique_ptr<Catalogue> catalogue, uint64_t file)
    : readers_(readers), catalogue_(std::move(catalogue)), file_(file) {
  catalogue_->begin_view();
}

CatalogueReaders::Lease::~Lease() {
  if (catalogue_->end_view()) readers_.give_back(std::move(catalogue_), file_);
}

CatalogueReaders::Lease CatalogueReaders::take() {
  const uint64_t file = inode_of(path_);
  std::unique_ptr<Catalogue> catalogue;
  {
    const std::lock_guard lock(mutex_);
    if (file != file_) idle_.clear();
    file_ = file;
    if (!idle_.empty()) {
      catalogue = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (!catalogue) catalogue = std::make_unique<Catalogue>(path_, Catalogue::Mode::read);
  return Lease(*this, std::move(catalogue), file);
}

void CatalogueReaders::give_back(std::unique_ptr<Catalogue> catalogue, uint64_t file) {
  const std::lock_guard lock(mutex_);
  if (file == file_ && idle_.size() < most_idle) idle_.push_back(std::move(catalogue));
}

}  // namespace cowatch

// An array for a while: a small one in memory, a large one in an unlinked file of a folder, so that what a merge gathers is
// bounded by the disk and not by memory, and gone when the process is. (Pages of a file cost more than memory to take.)
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <span>

#include "base/error.h"
#include "base/file.h"

namespace cowatch {

template <typename T>
class Scratch {
 public:
  Scratch(const Path& folder, size_t count) : count_(count) {
    constexpr size_t small_bytes = 16u << 20;
    if (count * sizeof(T) <= small_bytes) {
      held_.reset(new T[count]);
      data_ = held_.get();
      return;
    }
    std::string name = (folder / "scratch-XXXXXX").string();
    const int descriptor = ::mkstemp(name.data());
    if (descriptor < 0) throw_system_error("create", name);
    ::unlink(name.c_str());
    // Space is taken now: a full disk is an error here and not a fault while writing.
    const int refused = ::posix_fallocate(descriptor, 0, static_cast<off_t>(count * sizeof(T)));
    if (refused != 0) {
      ::close(descriptor);
      errno = refused;
      throw_system_error("reserve", name);
    }
    void* address = ::mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    ::close(descriptor);
    if (address == MAP_FAILED) throw_system_error("map", name);
    data_ = static_cast<T*>(address);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (!held_) ::munmap(data_, count_ * sizeof(T));
  }
  std::span<T> values() { return {data_, count_}; }

 private:
  T* data_ = nullptr;
  size_t count_;
  std::unique_ptr<T[]> held_;  // of a small one
};

}  // namespace cowatch

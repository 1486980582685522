// An array of plain numbers that an index owns on huge pages (fewer misses of the address cache; asked for by
// madvise, so ordinary pages where the system has none), or borrows from a mapped file until it is first
// written.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "base/tensor_file.h"

namespace cowatch {

void* allocate_huge(size_t bytes);  // zeroed, aligned to 64 bytes at least; freed by std::free

template <typename T>
class HugeArray {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  HugeArray() = default;
  explicit HugeArray(size_t size) { resize(size); }
  HugeArray(std::span<const T> mapped, std::shared_ptr<const TensorFile> file)
      : data_(const_cast<T*>(mapped.data())),
        size_(mapped.size()),
        capacity_(mapped.size()),
        file_(std::move(file)) {}
  HugeArray(HugeArray&& other) noexcept { swap(other); }
  HugeArray& operator=(HugeArray&& other) noexcept {
    swap(other);
    return *this;
  }
  ~HugeArray() {
    if (!file_) std::free(data_);
  }

  size_t size() const { return size_; }
  size_t bytes() const { return capacity_ * sizeof(T); }
  const T* data() const { return data_; }
  T* writable() {  // copies what is mapped
    if (file_) reserve(size_);
    return data_;
  }
  std::span<const T> view() const { return {data_, size_}; }
  // A copy with room for so many elements and an eighth more; nothing when this one has the room and is no
  // map.
  std::optional<HugeArray> with_room(size_t size) const {
    if (size <= capacity_ && !file_) return std::nullopt;
    HugeArray copy;
    copy.reserve(std::max(size, size_ + size_ / 8));
    if (size_ > 0) std::memcpy(copy.data_, data_, size_ * sizeof(T));
    copy.size_ = size_;
    return copy;
  }
  // New elements are zero. Grows by an eighth at least, so that appending one by one stays cheap.
  void resize(size_t size) {
    if (size > capacity_ || file_) reserve(size_ == 0 ? size : std::max(size, size_ + size_ / 8));
    size_ = size;
  }

 private:
  void swap(HugeArray& other) {
    std::swap(data_, other.data_), std::swap(size_, other.size_), std::swap(capacity_, other.capacity_);
    std::swap(file_, other.file_);
  }
  void reserve(size_t capacity) {
    T* grown = static_cast<T*>(allocate_huge(capacity * sizeof(T)));
    if (size_ > 0) std::memcpy(grown, data_, size_ * sizeof(T));
    if (!file_) std::free(data_);
    file_.reset();
    data_ = grown;
    capacity_ = capacity;
  }

  T* data_ = nullptr;
  size_t size_ = 0, capacity_ = 0;
  std::shared_ptr<const TensorFile> file_;
};

}  // namespace cowatch

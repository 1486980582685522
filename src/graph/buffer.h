// Large arrays of plain numbers without initialisation, on huge pages where the system grants them: random
// access into hundreds of megabytes is bound by address translation otherwise.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

namespace cowatch {

void* allocate_pages(size_t bytes);  // throws no_space
void release_pages(void* pages, size_t bytes);
// Asks for huge pages for memory that has not been touched yet; a hint only. NumPy does the same for its arrays.
void advise_huge_pages(void* memory, size_t bytes);

template <typename T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(size_t count) : data_(static_cast<T*>(allocate_pages(count * sizeof(T)))), size_(count) {}
  Buffer(Buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Buffer() { release_pages(data_, size_ * sizeof(T)); }

  size_t size() const { return size_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  std::span<T> span() { return {data_, size_}; }
  std::span<const T> span() const { return {data_, size_}; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace cowatch

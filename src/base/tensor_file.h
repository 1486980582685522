// The format of every derived artifact: safetensors (an 8-byte little-endian header length, a JSON header,
// raw little-endian arrays). Each file's `__metadata__` carries what the artifact is and where it came from:
//   kind     what it holds: "features", "graph", "tree", "model", "embeddings", …
//   format   version of that kind's layout, an integer; a reader refuses a larger one (newer_version)
//   program  version that wrote it;  settings, seed, input: what it was made with (see pipeline/)
//   xxh3:T   checksum of tensor T; header_xxh3 guards the header itself
// Data begin at a multiple of 64 bytes. Files are written atomically and read through a memory map; opening
// checks sizes, alignment and the header's checksum, verify() checks every tensor. docs/formats.md lists the
// kinds.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace cowatch {

enum class ElementType {
  f64,
  f32,
  f16,
  bf16,
  i64,
  i32,
  i16,
  i8,
  u64,
  u32,
  u16,
  u8
};  // u64… as U64 in the file

size_t element_size(ElementType type);
std::string_view element_name(ElementType type);  // the safetensors name: "F32"

template <typename T>
constexpr ElementType element_type_of();

using Metadata = std::map<std::string, std::string>;

class TensorFileWriter {
 public:
  TensorFileWriter(std::string kind, int format) : kind_(std::move(kind)), format_(format) {}

  void set(const std::string& key, std::string value) { metadata_[key] = std::move(value); }
  // The data are borrowed until write() returns. The product of `shape` must be the number of elements.
  template <typename T>
  void add(const std::string& name, std::vector<size_t> shape, std::span<const T> data) {
    add_raw(name, element_type_of<T>(), std::move(shape), std::as_bytes(data), false);
  }
  // The bytes of a file map. However long it is, writing keeps little of it in memory.
  void add_map(const std::string& name, ElementType type, std::vector<size_t> shape, const MappedFile& map);
  void write(const Path& path) const;

 private:
  struct Entry {
    std::string name;
    ElementType type;
    std::vector<size_t> shape;
    std::span<const std::byte> data;
    bool mapped;
  };
  void add_raw(const std::string& name, ElementType type, std::vector<size_t> shape,
               std::span<const std::byte> data, bool mapped);
  std::string kind_;
  int format_;
  Metadata metadata_;
  std::vector<Entry> entries_;
};

class TensorFile {
 public:
  // Opens and checks; throws not_found, damaged (with the place), newer_version, or bad_input when `kind`
  // differs. An empty `kind` accepts any safetensors file, also one that others wrote (no checksums then, and
  // data that are perhaps not aligned).
  TensorFile(const Path& path, std::string_view kind, int newest_format);

  const Metadata& metadata() const { return metadata_; }
  std::string get(const std::string& key, std::string fallback = "") const;
  bool has(const std::string& name) const { return entries_.contains(name); }
  std::vector<std::string> names() const;  // in alphabetical order
  const std::vector<size_t>& shape(const std::string& name) const { return entry(name).shape; }
  ElementType type(const std::string& name) const { return entry(name).type; }
  // A view into the map. Throws damaged when the tensor is missing, of another type, not aligned or fails its
  // checksum (checked once, on first use).
  template <typename T>
  std::span<const T> tensor(const std::string& name) const {
    const auto bytes = aligned(name, element_type_of<T>());
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
  std::span<const std::byte> raw(const std::string& name, ElementType type) const;  // perhaps not aligned
  // Every tensor's checksum. `between` is called every 16 MiB and may throw, to end it.
  void verify(const std::function<void()>& between = [] {}) const;
  const Path& path() const { return path_; }

 private:
  struct Entry {
    ElementType type;
    std::vector<size_t> shape;
    size_t begin = 0, end = 0;
    mutable bool checked = false;
  };
  const Entry& entry(const std::string& name) const;
  std::span<const std::byte> aligned(const std::string& name, ElementType type) const;
  void check(const std::string& name, const Entry& entry, const std::function<void()>& between = [] {}) const;

  Path path_;
  MappedFile map_;
  size_t data_begin_ = 0;
  Metadata metadata_;
  std::map<std::string, Entry> entries_;
};

template <>
constexpr ElementType element_type_of<double>() {
  return ElementType::f64;
}
template <>
constexpr ElementType element_type_of<float>() {
  return ElementType::f32;
}
template <>
constexpr ElementType element_type_of<int64_t>() {
  return ElementType::i64;
}
template <>
constexpr ElementType element_type_of<int32_t>() {
  return ElementType::i32;
}
template <>
constexpr ElementType element_type_of<int8_t>() {
  return ElementType::i8;
}
template <>
constexpr ElementType element_type_of<uint64_t>() {
  return ElementType::u64;
}
template <>
constexpr ElementType element_type_of<uint32_t>() {
  return ElementType::u32;
}
template <>
constexpr ElementType element_type_of<uint16_t>() {
  return ElementType::u16;
}
template <>
constexpr ElementType element_type_of<uint8_t>() {
  return ElementType::u8;
}

}  // namespace cowatch

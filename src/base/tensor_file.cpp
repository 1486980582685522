#include "base/tensor_file.h"

#include <algorithm>
#include <cstring>

#include "base/hash.h"
#include "base/json.h"
#include "base/page_release.h"
#include "base/version.h"

namespace cowatch {
namespace {

constexpr size_t alignment = 64;
constexpr size_t largest_header = 100u << 20;  // the limit of the safetensors reference reader
constexpr std::string_view element_names[] = {"F64", "F32", "F16", "BF16", "I64", "I32",
                                              "I16", "I8",  "U64", "U32",  "U16", "U8"};
constexpr size_t element_sizes[] = {8, 4, 2, 2, 8, 4, 2, 1, 8, 4, 2, 1};

[[noreturn]] void damaged(const Path& path, const std::string& what) {
  throw Error(
      ErrorCode::damaged, what,
      {.where = path.string(),
       .expected = "a file as it was written",
       .found = "a damaged one",
       .remedy =
           "It is derived from other files: delete it and run the stage that makes it (or `cowatch run`)."});
}

// Length of the product of a shape in bytes, or false when it does not fit.
bool byte_count(const std::vector<size_t>& shape, size_t element, size_t& bytes) {
  bytes = element;
  for (const size_t extent : shape) {
    if (__builtin_mul_overflow(bytes, extent, &bytes)) return false;
  }
  return true;
}

// Hands over a file map piece by piece and gives each piece's pages back; other memory as it is.
template <typename Visit>
void for_each_piece(std::span<const std::byte> data, bool mapped, const Visit& visit) {
  constexpr size_t piece = 16u << 20;
  if (!mapped || data.size() <= piece) return visit(data);
  for (; !data.empty(); data = data.subspan(std::min(piece, data.size()))) {
    const auto part = data.first(std::min(piece, data.size()));
    visit(part);
    release_pages(part);
  }
}

std::string checksum(std::span<const std::byte> data, bool mapped, const std::function<void()>& between = [] {}) {
  RunningHash hash;
  for_each_piece(data, mapped, [&](std::span<const std::byte> piece) {
    between();
    hash.add(piece);
  });
  return hex64(hash.value());
}

// A header as this writer prints it: blanks follow until the data are aligned.
std::string padded(std::string header) {
  header.resize((header.size() + sizeof(uint64_t) + alignment - 1) / alignment * alignment - sizeof(uint64_t), ' ');
  return header;
}

// The header's own checksum is over the header without that field, as this writer prints it.
std::string header_checksum(Json header) {
  header["__metadata__"].erase("header_xxh3");
  return hex64(hash64(std::string_view(header.dump())));
}

}  // namespace

size_t element_size(ElementType type) {
  return element_sizes[static_cast<int>(type)];
}
std::string_view element_name(ElementType type) {
  return element_names[static_cast<int>(type)];
}

void TensorFileWriter::add_raw(const std::string& name, ElementType type, std::vector<size_t> shape,
                               std::span<const std::byte> data, bool mapped) {
  size_t bytes = 0;
  if (!byte_count(shape, element_size(type), bytes) || bytes != data.size()) {
    throw Error(ErrorCode::internal, "tensor " + name + " does not have the size its shape says");
  }
  entries_.push_back({name, type, std::move(shape), data, mapped});
}

void TensorFileWriter::add_map(const std::string& name, ElementType type, std::vector<size_t> shape,
                               const MappedFile& map) {
  add_raw(name, type, std::move(shape), map.bytes(), true);
}

void TensorFileWriter::write(const Path& path) const {
  Json metadata = Json::object();
  metadata["kind"] = kind_;
  metadata["format"] = std::to_string(format_);
  metadata["program"] = "cowatch " + std::string(version());
  for (const auto& [key, value] : metadata_) metadata[key] = value;
  // Wider elements come first, so that all are aligned whatever their counts.
  std::vector<Entry> entries = entries_;
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return element_size(a.type) > element_size(b.type);
  });
  for (const Entry& entry : entries) metadata["xxh3:" + entry.name] = checksum(entry.data, entry.mapped);
  Json header = Json::object();
  header["__metadata__"] = std::move(metadata);
  size_t offset = 0;
  for (const Entry& entry : entries) {
    header[entry.name] = {{"dtype", element_name(entry.type)},
                          {"shape", entry.shape},
                          {"data_offsets", {offset, offset + entry.data.size()}}};
    offset += entry.data.size();
  }
  header["__metadata__"]["header_xxh3"] = header_checksum(header);
  const std::string text = padded(header.dump());
  write_atomically(path, [&](OutputFile& file) {
    const uint64_t length = text.size();
    file.write(std::as_bytes(std::span(&length, 1)));
    file.write(std::as_bytes(std::span(text)));
    for (const Entry& entry : entries) {
      for_each_piece(entry.data, entry.mapped, [&](std::span<const std::byte> piece) { file.write(piece); });
    }
  });
}

TensorFile::TensorFile(const Path& path, std::string_view kind, int newest_format) : path_(path), map_(path) {
  const auto bytes = map_.bytes();
  uint64_t length = 0;
  if (bytes.size() < sizeof length) damaged(path, "the file ends inside its header");
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > largest_header || length > bytes.size() - sizeof length)
    damaged(path, "the file ends inside its header");
  data_begin_ = sizeof length + length;
  const auto* text = reinterpret_cast<const char*>(bytes.data()) + sizeof length;
  const Json header = Json::parse(text, text + length, nullptr, false);
  if (!header.is_object()) damaged(path, "the header is not a JSON object");
  try {
    for (const auto& [name, value] : header.items()) {
      if (name == "__metadata__") {
        for (const auto& [key, item] : value.items()) metadata_[key] = item.get<std::string>();
        continue;
      }
      Entry entry;
      const auto dtype = value.at("dtype").get<std::string>();
      const auto* found = std::find(std::begin(element_names), std::end(element_names), dtype);
      if (found == std::end(element_names))
        damaged(path, "tensor " + name + " has the unknown type " + dtype);
      entry.type = static_cast<ElementType>(found - std::begin(element_names));
      entry.shape = value.at("shape").get<std::vector<size_t>>();
      entry.begin = value.at("data_offsets").at(0).get<size_t>();
      entry.end = value.at("data_offsets").at(1).get<size_t>();
      size_t expected = 0;
      if (!byte_count(entry.shape, element_size(entry.type), expected) || entry.begin > entry.end ||
          entry.end - entry.begin != expected || entry.end > bytes.size() - data_begin_) {
        damaged(path, "tensor " + name + " does not lie inside the file");
      }
      if (!kind.empty() && (data_begin_ + entry.begin) % element_size(entry.type) != 0)
        damaged(path, "tensor " + name + " is not aligned");
      entries_.emplace(name, std::move(entry));
    }
  } catch (const nlohmann::json::exception& error) {
    damaged(path, std::string("the header is not that of a safetensors file (") + error.what() + ")");
  }
  if (metadata_.contains("header_xxh3") && header_checksum(header) != metadata_["header_xxh3"]) {
    damaged(path, "the header fails its checksum");
  }
  if (kind.empty()) return;
  if (get("kind") != kind) {
    throw Error(ErrorCode::bad_input, "this file holds something else",
                {.where = path.string(),
                 .expected = "kind " + std::string(kind),
                 .found = "kind '" + get("kind") + "'"});
  }
  if (!metadata_.contains("header_xxh3")) damaged(path, "the header has no checksum");
  // Another text may say the same: damage that changes nothing is damage all the same.
  if (padded(header.dump()) != std::string_view(text, length)) damaged(path, "the header is written in another way");
  const int format = std::atoi(get("format").c_str());
  if (format > newest_format) {
    throw Error(ErrorCode::newer_version, "this file was written by a later version",
                {.where = path.string(),
                 .expected = "format " + std::to_string(newest_format) + " or older",
                 .found = "format " + std::to_string(format) + " by " + get("program"),
                 .remedy = "Use that version, or delete the file and run the stage that makes it again."});
  }
}

std::string TensorFile::get(const std::string& key, std::string fallback) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? std::move(fallback) : found->second;
}

std::vector<std::string> TensorFile::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

const TensorFile::Entry& TensorFile::entry(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) damaged(path_, "tensor " + name + " is missing");
  return found->second;
}

void TensorFile::check(const std::string& name, const Entry& entry, const std::function<void()>& between) const {
  if (entry.checked) return;
  const auto expected = metadata_.find("xxh3:" + name);
  const auto data = map_.bytes().subspan(data_begin_ + entry.begin, entry.end - entry.begin);
  if (expected != metadata_.end() && checksum(data, true, between) != expected->second) {
    damaged(path_, "tensor " + name + " fails its checksum");
  }
  entry.checked = true;
}

std::span<const std::byte> TensorFile::raw(const std::string& name, ElementType type) const {
  const Entry& found = entry(name);
  if (found.type != type) {
    damaged(path_, "tensor " + name + " has type " + std::string(element_name(found.type)) + ", not " +
                       std::string(element_name(type)));
  }
  check(name, found);
  return map_.bytes().subspan(data_begin_ + found.begin, found.end - found.begin);
}

std::span<const std::byte> TensorFile::aligned(const std::string& name, ElementType type) const {
  const auto bytes = raw(name, type);
  if (reinterpret_cast<uintptr_t>(bytes.data()) % element_size(type) != 0)
    damaged(path_, "tensor " + name + " is not aligned");
  return bytes;
}

void TensorFile::verify(const std::function<void()>& between) const {
  for (const auto& [name, entry] : entries_) check(name, entry, between);
}

}  // namespace cowatch

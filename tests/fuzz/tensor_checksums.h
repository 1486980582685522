// An artifact whose bytes were altered, with its checksums put right: what lies behind them is reached then.
#pragma once

#include <cstring>
#include <span>
#include <string>

#include "base/hash.h"
#include "base/json.h"

namespace cowatch::fuzz {

// As it is when its header cannot be read.
inline std::string with_right_checksums(const std::string& bytes) {
  uint64_t length = 0;
  if (bytes.size() < sizeof length) return bytes;
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > bytes.size() - sizeof length) return bytes;
  const std::string_view data = std::string_view(bytes).substr(sizeof length + length);
  Json header = Json::parse(bytes.substr(sizeof length, length), nullptr, false);
  try {
    Json& metadata = header.at("__metadata__");
    for (const auto& [name, tensor] : header.items()) {
      if (!metadata.contains("xxh3:" + name)) continue;
      const size_t begin = tensor.at("data_offsets").at(0), end = tensor.at("data_offsets").at(1);
      if (begin <= end && end <= data.size()) metadata["xxh3:" + name] = hex64(hash64(data.substr(begin, end - begin)));
    }
    metadata.erase("header_xxh3");
    metadata["header_xxh3"] = hex64(hash64(std::string_view(header.dump())));
    std::string text = header.dump();
    constexpr size_t alignment = 64;
    text.resize((text.size() + sizeof length + alignment - 1) / alignment * alignment - sizeof length, ' ');
    length = text.size();
    return std::string(reinterpret_cast<const char*>(&length), sizeof length) + text + std::string(data);
  } catch (const Json::exception&) {
    return bytes;
  }
}

}  // namespace cowatch::fuzz

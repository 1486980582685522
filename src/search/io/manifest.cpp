#include "search/io/manifest.h"

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "base/tensor_file.h"

namespace cowatch {
namespace {

constexpr const char* manifest_kind = "vector_manifest";
constexpr int newest_manifest = 1;

std::string live_name(size_t segment) {
  return "live." + std::to_string(segment);
}

uint64_t whole(const TensorFile& file, const std::string& name) {
  const std::string text = file.get(name);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    throw Error(ErrorCode::damaged, "the manifest has no " + name, {.where = file.path().string()});
  return value;
}

}  // namespace

void Manifest::write(const Path& path) const {
  TensorFileWriter writer(manifest_kind, newest_manifest);
  Json list = Json::array();
  for (size_t s = 0; s < segments.size(); ++s) {
    list.push_back({{"file", segments[s].file}, {"slots", segments[s].live.size()}});
    const auto words = segments[s].live.words();
    writer.add<uint64_t>(live_name(s), {words.size()}, words);
  }
  writer.set("segments", list.dump());
  if (!collection.empty()) writer.set("collection", collection);
  writer.set("sequence", std::to_string(sequence));
  writer.set("next_file", std::to_string(next_file));
  writer.write(path);
}

Manifest Manifest::read(const Path& path) {
  const TensorFile file(path, manifest_kind, newest_manifest);
  Manifest manifest;
  manifest.collection = file.get("collection");
  manifest.sequence = whole(file, "sequence");
  manifest.next_file = whole(file, "next_file");
  const Json list = Json::parse(file.get("segments"), nullptr, false);
  if (!list.is_array())
    throw Error(ErrorCode::damaged, "the manifest names no segments", {.where = path.string()});
  for (const Json& entry : list) {
    const auto words = file.tensor<uint64_t>(live_name(manifest.segments.size()));
    const bool named = entry.is_object() && entry.contains("file") && entry["file"].is_string() &&
                       entry.contains("slots") && entry["slots"].is_number_unsigned();
    const size_t slots = named ? entry["slots"].get<size_t>() : 0;
    if (!named || Path(entry["file"].get<std::string>()).has_parent_path() || slots > words.size() * 64 ||
        words.size() * 64 - slots >= 64)
      throw Error(ErrorCode::damaged, "a segment's living slots have another length",
                  {.where = path.string()});
    Allowed live(slots);
    std::copy(words.begin(), words.end(), live.words().begin());
    live.recount();
    manifest.segments.push_back({entry.at("file").get<std::string>(), std::move(live)});
  }
  return manifest;
}

}  // namespace cowatch

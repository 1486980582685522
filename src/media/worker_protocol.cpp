#include "media/worker_protocol.h"

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/hash.h"

namespace cowatch {
namespace {

constexpr std::string_view magic = "CWMF";
constexpr size_t header_size = 4 + 4 + 8 + 8;

class Writer {
 public:
  template <typename T>
  void number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(std::string_view text) {
    number(static_cast<uint32_t>(text.size()));
    bytes_ += text;
  }
  std::string bytes_;
};

[[noreturn]] void damaged(const char* what) {
  throw Error(ErrorCode::damaged, "the media worker's answer is not what it should be",
              {.found = what, .remedy = "Run `cowatch doctor`; the file itself may be built to do harm."});
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  bool flag() {
    const auto value = number<uint8_t>();
    if (value > 1) damaged("a flag that is neither 0 nor 1");
    return value == 1;
  }
  std::string text(size_t most) {
    const auto length = number<uint32_t>();
    if (length > most) damaged("a text that is too long");
    return std::string(take(length));
  }
  std::string_view take(size_t count) {
    if (count > bytes_.size()) damaged("too few bytes");
    const std::string_view piece = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return piece;
  }
  bool at_end() const { return bytes_.empty(); }

 private:
  std::string_view bytes_;
};

// Names and reasons come out of a process that has read hostile bytes: printable ASCII only.
std::string plain_text(std::string text) {
  for (char& c : text) {
    if (c < 0x20 || c > 0x7e) c = '?';
  }
  return text;
}

void read_values(Reader& reader, MediaFeatures& features) {
  for (bool& present : features.present) present = reader.flag();
  const auto count = reader.number<uint32_t>();
  if (count != (features.refused ? 0 : feature_count)) damaged("a wrong number of features");
  features.values.resize(count);
  const auto bytes = reader.take(count * sizeof(float));
  if (count > 0) std::memcpy(features.values.data(), bytes.data(), bytes.size());
  for (const float value : features.values) {
    if (!(std::fabs(value) <= 1.0001f)) damaged("a feature beyond [-1, 1]");
  }
}

void check_pictures(const MediaFeatures& features) {
  const std::string_view poster = features.poster;
  if (!poster.empty() && (!poster.starts_with("\xff\xd8\xff") || !poster.ends_with("\xff\xd9"))) {
    damaged("a poster that is no JPEG");
  }
  const std::string_view preview = features.preview;
  if (!preview.empty() && (preview.size() < 16 || preview.substr(4, 4) != "ftyp")) {
    damaged("a preview that is no MP4");
  }
}

}  // namespace

std::string encode_result(const MediaFeatures& features) {
  Writer body;
  body.number<uint8_t>(features.refused);
  body.text(features.reason);
  body.number(features.seconds);
  body.number<int32_t>(features.width);
  body.number<int32_t>(features.height);
  body.number<uint8_t>(features.has_picture);
  body.number<uint8_t>(features.has_sound);
  body.text(features.container);
  body.text(features.picture_codec);
  body.text(features.sound_codec);
  for (const bool present : features.present) body.number<uint8_t>(present);
  body.number(static_cast<uint32_t>(features.values.size()));
  body.bytes_.append(reinterpret_cast<const char*>(features.values.data()),
                     features.values.size() * sizeof(float));
  body.text(features.poster);
  body.text(features.preview);

  Writer all;
  all.bytes_ = magic;
  all.number(worker_protocol_version);
  all.number(static_cast<uint64_t>(body.bytes_.size()));
  all.number(hash64(body.bytes_));
  return all.bytes_ + body.bytes_;
}

MediaFeatures decode_result(std::string_view bytes, const MediaLimits& limits) {
  Reader header(bytes);
  if (header.take(magic.size()) != magic) damaged("no result");
  if (header.number<uint32_t>() != worker_protocol_version) damaged("another version of the format");
  const auto length = header.number<uint64_t>();
  const auto checksum = header.number<uint64_t>();
  const std::string_view body = bytes.substr(header_size);
  if (length != body.size()) damaged("a wrong length");
  if (checksum != hash64(body)) damaged("a wrong checksum");

  Reader reader(body);
  MediaFeatures features;
  features.refused = reader.flag();
  features.reason = plain_text(reader.text(2000));
  if (features.refused == features.reason.empty()) damaged("a refusal without a reason, or the reverse");
  features.seconds = reader.number<double>();
  features.width = reader.number<int32_t>();
  features.height = reader.number<int32_t>();
  if (!(features.seconds >= 0 && features.seconds <= limits.max_seconds)) damaged("a length out of range");
  const auto side_limit = static_cast<int64_t>(1) << 20;
  if (features.width < 0 || features.height < 0 || features.width > side_limit ||
      features.height > side_limit) {
    damaged("a picture size out of range");
  }
  features.has_picture = reader.flag();
  features.has_sound = reader.flag();
  features.container = plain_text(reader.text(100));
  features.picture_codec = plain_text(reader.text(100));
  features.sound_codec = plain_text(reader.text(100));
  read_values(reader, features);
  features.poster = reader.text(max_result_bytes);
  features.preview = reader.text(max_result_bytes);
  check_pictures(features);
  if (!reader.at_end()) damaged("more bytes than it says");
  return features;
}

}  // namespace cowatch

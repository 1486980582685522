// What a decoder that has been taken over could answer: nothing gets through but features in their range.
#include <cmath>
#include <cstring>

#include "base/hash.h"
#include "fuzz/fuzz.h"
#include "media/worker_protocol.h"

using namespace cowatch;

namespace {

void decode(std::string_view bytes) {
  const MediaLimits limits;
  try {
    const MediaFeatures found = decode_result(bytes, limits);
    fuzz::expect(found.refused == !found.reason.empty(), "a reason for a refusal only");
    fuzz::expect(found.values.size() == (found.refused ? 0 : feature_count), "a whole row of features");
    for (const float value : found.values) fuzz::expect(std::fabs(value) < 1.01f, "features in their range");
    fuzz::expect(found.seconds >= 0 && found.seconds <= limits.max_seconds, "a length in its range");
    for (const char c : found.reason + found.container)
      fuzz::expect(c >= 0x20 && c < 0x7f, "printable names");
    const std::string again = encode_result(found);
    fuzz::expect(decode_result(again, limits).values == found.values, "what is written is read again");
  } catch (const Error&) {
  }
}

// The header that a body needs, so that the fuzzer gets past the checksum.
std::string with_header(std::string_view body) {
  std::string bytes = encode_result({}).substr(0, 8);
  const uint64_t length = body.size(), checksum = hash64(body);
  bytes.append(reinterpret_cast<const char*>(&length), sizeof length);
  bytes.append(reinterpret_cast<const char*>(&checksum), sizeof checksum);
  return bytes.append(body);
}

// Bodies of a good answer begin so; the features fill most of it and are not worth the fuzzer's time.
std::string answer(std::string_view changes) {
  MediaFeatures good;
  good.seconds = 3, good.width = 320, good.height = 240, good.has_picture = true;
  good.container = "mov", good.picture_codec = "h264", good.present = {true, true, false};
  good.values.assign(feature_count, 0.01f);
  std::string body = encode_result(good).substr(24);
  // Pairs of a place (two bytes) and a value are written over it.
  for (size_t i = 0; i + 2 < changes.size(); i += 3) {
    const size_t place =
        static_cast<uint8_t>(changes[i]) | static_cast<size_t>(static_cast<uint8_t>(changes[i + 1])) << 8;
    body[place % body.size()] = changes[i + 2];
  }
  return body;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  decode(text);
  decode(with_header(text));
  decode(with_header(answer(text)));
  return 0;
}

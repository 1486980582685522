#include "pipeline/contents.h"

#include "base/error.h"
#include "base/hash.h"
#include "base/tensor_file.h"

namespace cowatch {

std::string content_digest(const Path& path, const std::string& remedy) {
  if (!std::filesystem::exists(path)) {
    throw Error(ErrorCode::missing_stage, "an artifact of an earlier stage is not there yet",
                {.where = path.string(), .remedy = remedy});
  }
  const TensorFile file(path, "", 1);
  Fingerprint fingerprint;
  for (const auto& [key, value] : file.metadata()) {
    if (key.starts_with("xxh3:") || key == "modalities" || key == "branches") fingerprint.add(key).add(value);
  }
  return fingerprint.digest();
}

std::string input_of(const Path& path) {
  if (!std::filesystem::exists(path)) return "";
  try {
    return TensorFile(path, "", 1).get("input");
  } catch (const Error&) {
    return "";
  }
}

}  // namespace cowatch

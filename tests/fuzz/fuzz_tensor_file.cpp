// Artifacts (safetensors), ours and others': tensors that lie inside the file, or a refusal.
#include "base/tensor_file.h"
#include "fuzz/fuzz.h"

using namespace cowatch;

namespace {

template <typename T>
void read(const TensorFile& file, const char* name) {
  try {
    const auto values = file.tensor<T>(name);
    size_t count = 1;
    for (const size_t side : file.shape(name)) count *= side;
    fuzz::expect(values.size() == count, "as many values as the shape says");
    unsigned sum = 0;  // touches all of them
    for (const std::byte byte : std::as_bytes(values)) sum += static_cast<unsigned>(byte);
    fuzz::expect(sum <= 255 * values.size_bytes(), "a sum of bytes");
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const fuzz::MemoryFile file(fuzz::text_of(data, size));
  for (const char* kind : {"", "features"}) {
    try {
      const TensorFile tensors(file.path(), kind, 1);
      read<float>(tensors, "features");
      read<uint8_t>(tensors, "present");
      read<uint64_t>(tensors, "a");
      tensors.verify();
    } catch (const Error&) {
    }
  }
  return 0;
}

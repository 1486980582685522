// Arrays of features: numbers that are finite and as many as the shape says, or a refusal.
#include <cmath>

#include "fuzz/fuzz.h"
#include "store/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const cowatch::fuzz::MemoryFile file(cowatch::fuzz::text_of(data, size));
  try {
    const cowatch::NumberTable table = cowatch::read_npy(file.path());
    cowatch::fuzz::expect(table.values.size() == table.rows * table.columns,
                          "the values that the shape says");
    for (const float value : table.values) cowatch::fuzz::expect(std::isfinite(value), "finite values");
  } catch (const cowatch::Error&) {
  }
  return 0;
}

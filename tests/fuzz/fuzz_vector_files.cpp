// Tables of vectors in the formats of others; the first byte says which. HDF5 is left out: its
// library, built without sanitizers, leaks where a file is damaged. Rows come in order, without a gap, all of
// one width, or the file is refused.
#include "fuzz/fuzz.h"
#include "search/io/vector_files.h"

using namespace cowatch;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const fuzz::MemoryFile file(fuzz::text_of(data + 1, size - 1));
  size_t rows = 0, columns = 0;
  float sum = 0;
  try {
    read_vectors(static_cast<VectorFormat>(data[0] % 4), file.path(), "", [&](size_t first, ConstMatrix block) {
      fuzz::expect(first == rows, "blocks in order");
      fuzz::expect(rows == 0 || columns == block.columns, "one width");
      rows += block.rows, columns = block.columns;
      for (size_t r = 0; r < block.rows; ++r)
        for (const float value : block.row(r)) sum += value;  // every number is there to be read
    });
  } catch (const Error&) {
  }
  volatile float kept = sum;
  static_cast<void>(kept);
  return 0;
}

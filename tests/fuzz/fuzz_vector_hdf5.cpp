// Tables of vectors in HDF5, which the library reads in a child: that may crash, we may not. It opens files of the disk
// only.
#include <fstream>

#include "base/temporary_folder.h"
#include "fuzz/fuzz.h"
#include "search/io/vector_files.h"

using namespace cowatch;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const TemporaryFolder folder;
  const Path path = folder / "input.hdf5";
  std::ofstream(path, std::ios::binary) << fuzz::text_of(data, size);
  size_t rows = 0;
  float sum = 0;
  try {
    read_hdf5(path, "", [&](size_t first, ConstMatrix block) {
      fuzz::expect(first == rows, "blocks in order");
      rows += block.rows;
      for (size_t r = 0; r < block.rows; ++r)
        for (const float value : block.row(r)) sum += value;  // every number is there to be read
    });
  } catch (const Error&) {
  }
  volatile float kept = sum;
  static_cast<void>(kept);
  return 0;
}

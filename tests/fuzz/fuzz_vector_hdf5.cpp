// Tables of vectors in HDF5. The library, which is built without sanitizers, keeps memory of its own where a file is
// damaged, and asks for as much as the file says, to find that there is none: leaks are not looked for, and more than
// 1,000 MiB are refused as an allocator would. It opens files of the disk only.
#include <fstream>

#include "base/temporary_folder.h"
#include "fuzz/fuzz.h"
#include "search/io/vector_files.h"

using namespace cowatch;

extern "C" const char* __asan_default_options() {
  return "detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=1000";
}

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

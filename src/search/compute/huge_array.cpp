#include "search/compute/huge_array.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/error.h"

namespace cowatch {

void* allocate_huge(size_t bytes) {
  constexpr size_t line = 64, page = 4096;
  const size_t rounded = std::max(line, (bytes + line - 1) / line * line);
  void* memory = std::aligned_alloc(line, rounded);
  if (!memory) {
    throw Error(ErrorCode::no_space, "there is no memory left for an index",
                {.found = std::to_string(rounded) + " bytes asked for"});
  }
  // The system takes what aligned pieces of 2 MiB there are: nothing is spent on alignment.
  const auto begin = (reinterpret_cast<uintptr_t>(memory) + page - 1) / page * page;
  const auto end = (reinterpret_cast<uintptr_t>(memory) + rounded) / page * page;
  if (end > begin + (size_t{2} << 20)) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
  std::memset(memory, 0, rounded);
  return memory;
}

}  // namespace cowatch

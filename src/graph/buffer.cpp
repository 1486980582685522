#include "graph/buffer.h"

#include <sys/mman.h>

#include <cstdint>
#include <string>

#include "base/error.h"

namespace cowatch {
namespace {

constexpr size_t page = 4096, huge_page = size_t{2} << 20;

}  // namespace

void* allocate_pages(size_t bytes) {
  if (bytes == 0) return nullptr;
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) {
    throw Error(ErrorCode::no_space, "the memory for a step of the graph is not there",
                {.where = "",
                 .expected = std::to_string(bytes >> 20) + " MiB",
                 .found = "a refusal of the system",
                 .remedy = "Free memory, or make the graph smaller (graph.min_people, graph.top_k)."});
  }
  advise_huge_pages(pages, bytes);
  return pages;
}

void advise_huge_pages(void* memory, size_t bytes) {
  const auto begin = (reinterpret_cast<uintptr_t>(memory) + page - 1) / page * page;
  const auto end = (reinterpret_cast<uintptr_t>(memory) + bytes) / page * page;
  if (end >= begin + huge_page) madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

void release_pages(void* pages, size_t bytes) {
  if (pages != nullptr) munmap(pages, bytes);
}

}  // namespace cowatch

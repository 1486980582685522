#include "graph/buffer.h"

#include <sys/mman.h>

#include <string>

#include "base/error.h"

namespace cowatch {
namespace {

constexpr size_t huge_page = size_t{2} << 20;

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
  // A hint only: without huge pages the work is slower, not wrong.
  if (bytes >= huge_page) madvise(pages, bytes, MADV_HUGEPAGE);
  return pages;
}

void release_pages(void* pages, size_t bytes) {
  if (pages != nullptr) munmap(pages, bytes);
}

}  // namespace cowatch

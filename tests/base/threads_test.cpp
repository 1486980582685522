#include "base/threads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace cowatch {
namespace {

TEST(ParallelFor, VisitsEveryIndexOnceInPiecesOfTheGrain) {
  for (const size_t count : {0u, 1u, 7u, 64u, 1000u}) {
    std::vector<std::atomic<int>> visits(count);
    parallel_for(count, 64, [&](size_t begin, size_t end) {
      EXPECT_LE(end - begin, 64u);
      EXPECT_EQ(begin % 64, 0u);
      for (size_t i = begin; i < end; ++i) ++visits[i];
    });
    for (const auto& visit : visits) EXPECT_EQ(visit, 1);
  }
}

TEST(ParallelFor, PassesExceptionsOn) {
  EXPECT_THROW(parallel_for(1000, 1, [](size_t begin, size_t) { if (begin == 500) throw 7; }), int);
}

}  // namespace
}  // namespace cowatch

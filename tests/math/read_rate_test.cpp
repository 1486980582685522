#include "math/read_rate.h"

#include <gtest/gtest.h>

namespace cowatch {
namespace {

TEST(ReadRate, EveryLoopReadsArraysOfAnySize) {
  for (const size_t size : {size_t{1}, size_t{255}, size_t{4097}, size_t{100'003}}) {
    const std::vector<float> values(size, 1.0f);
    for (size_t loop = 0; loop < read_loops().size(); ++loop) {
      for (const size_t count : {size_t{1}, size_t{2}}) EXPECT_GT(read_rate(values, loop, count), 0);
    }
  }
}

}  // namespace
}  // namespace cowatch

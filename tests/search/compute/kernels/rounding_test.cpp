#include "search/compute/kernels/rounding.h"

#include <gtest/gtest.h>

#include <vector>

#include "search/compute/kernels/bit_planes.h"
#include "search/compute/kernels/packed_products.h"

namespace cowatch {
namespace {

TEST(Rounding, HasANumberForWhatIsNone) {
  EXPECT_EQ(rounded_within(-2.6f, 127), -3);
  EXPECT_EQ(rounded_within(127.2f, 127), 127);
  EXPECT_EQ(level_within(-1, 15), 0);
  EXPECT_EQ(level_within(16, 15), 15);
  for (const float none : {NAN, INFINITY, -INFINITY, 1e30f}) EXPECT_EQ(rounded_within(none, 127), 0);
  EXPECT_EQ(level_within(NAN, 15), 0);
}

// 127 / 1e-45 is infinite, and nothing times that is no number.
TEST(Rounding, OfQueriesThatAreTooSmallToScale) {
  const std::vector<float> tiny = {1e-45f, 0, -1e-45f};
  QueryBytes bytes;
  round_query(8, tiny, bytes);
  EXPECT_EQ(bytes.sum, 0);
  QueryPlanes planes;
  round_query(6, tiny, planes);
  EXPECT_EQ(planes.sum, 0);
}

}  // namespace
}  // namespace cowatch

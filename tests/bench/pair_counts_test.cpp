#include "bench/pair_counts.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace cowatch::bench {
namespace {

const Json small = {
    {"engine", "cowatch"}, {"memory_mib", 16}, {"pairs", 10}, {"weight_sum", 25}, {"hash", "7"}};
const Json large = {
    {"engine", "cowatch"}, {"memory_mib", 4096}, {"pairs", 10}, {"weight_sum", 25}, {"hash", "7"}};
const Json peer = {{"engine", "scipy"}, {"pairs", 10}, {"weight_sum", 25}};

TEST(PairCounts, OfAllEnginesMustBeTheSame) {
  EXPECT_NO_THROW(check_same_counts({}));
  EXPECT_NO_THROW(check_same_counts({small, large, peer}));
  for (const char* count : {"pairs", "weight_sum"}) {
    Json other = peer;
    other[count] = 11;
    try {
      check_same_counts({small, other});
      ADD_FAILURE() << "took another " << count;
    } catch (const Error& error) {
      EXPECT_NE(error.details().where.find(count), std::string::npos);
      EXPECT_NE(error.details().where.find("scipy"), std::string::npos);
    }
  }
}

TEST(PairCounts, OfAllLimitsOfMemoryComeInTheSameOrder) {
  Json other = large;
  other["hash"] = "8";
  EXPECT_THROW(check_same_counts({small, other, peer}), Error);
}

}  // namespace
}  // namespace cowatch::bench

#include "graph/pair_runs.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <map>

#include "base/random.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

// The files that this process may have open, as before when it ends.
class FewOpenFiles {
 public:
  explicit FewOpenFiles(rlim_t count) {
    getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit few{count, before_.rlim_max};
    setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewOpenFiles() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_ = {};
};

TEST(PairRuns, ManyRunsAreMergedWithFewFilesOpen) {
  const test::TemporaryFolder folder;
  const FewOpenFiles few(350);
  constexpr size_t items = 40, runs_made = 700;
  for (const bool with_decay : {false, true}) {
    PairRuns runs(items, folder.path(), with_decay);
    std::map<std::pair<uint32_t, uint32_t>, std::pair<uint32_t, uint64_t>> expected;
    for (uint64_t run = 0; run != runs_made; ++run) {
      const Random random(run, 4);
      PairBlock block;
      for (uint32_t u = 0; u != items; ++u) {
        for (uint32_t v = u + 1; v != items; ++v) {
          if (random.below(50, u, v) != 0) continue;
          block.pairs.push_back({u, v, 2});
          if (with_decay) block.decay.push_back(run);
          auto& [people, decay] = expected[{u, v}];
          people += 2, decay += with_decay ? run : 0;
        }
      }
      runs.add([&](const auto& append) { append(PairBlock(block)); });
    }
    ASSERT_EQ(runs.count(), runs_made);
    std::erase_if(expected, [](const auto& entry) { return entry.second.first < 20; });
    ASSERT_GT(expected.size(), 100u);
    auto at = expected.begin();
    runs.merge(20, size_t{1} << 20, [&](PairBlock&& block) {
      for (size_t i = 0; i != block.pairs.size(); ++i, ++at) {
        ASSERT_NE(at, expected.end());
        EXPECT_EQ(std::pair(block.pairs[i].u, block.pairs[i].v), at->first);
        EXPECT_EQ(block.pairs[i].people, at->second.first);
        EXPECT_EQ(with_decay ? block.decay[i] : 0, at->second.second);
      }
    });
    EXPECT_EQ(at, expected.end());
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace cowatch

// `cowatch index` killed (kill -9) at random moments while it puts new embeddings into use: the former version or the
// new one answers, whole; the same command again ends the switch. COWATCH_TEST_KILLS sets how many times.
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/random.h"
#include "math/vectors.h"
#include "pipeline/search_release.h"
#include "store/catalogue.h"
#include "support/process.h"

namespace cowatch {
namespace {

struct KilledSwitch : testing::Test {
  static constexpr size_t rows = 2500, width = 48;
  test::TemporaryFolder folder;
  Workspace workspace = Workspace::open_or_create(folder / "ws");
  const Random random{3, 1};

  void SetUp() override {
    std::vector<ItemRecord> items(rows);
    for (size_t r = 0; r < rows; ++r) items[r].id = "v" + std::to_string(r);
    Catalogue(workspace.catalogue(), Catalogue::Mode::write).put_items(items);
  }
  std::vector<float> version(uint32_t seed) const {
    const Random values(7, seed);
    std::vector<float> table(rows * width);
    for (uint32_t i = 0; i < table.size(); ++i) table[i] = static_cast<float>(values.normal(0, i));
    for (size_t r = 0; r < rows; ++r) normalise(std::span(table).subspan(r * width, width));
    return table;
  }
  void write(const std::vector<float>& table) {
    TensorFileWriter writer("embeddings", 1);
    writer.add<float>("embeddings", {rows, width}, table);
    writer.write(workspace.embeddings());
  }
  std::vector<std::string> command() const {
    return {"index", workspace.folder().string(), "--graph-from", "100", "--quiet"};
  }
  // The version that answers, which must be one of the two, all of it.
  uint32_t answering(const std::vector<float>& before, const std::vector<float>& after) {
    const auto index = open_current_release(workspace);
    if (!index) return 0;
    EXPECT_EQ(index->size(), rows);
    EXPECT_EQ(index->kind(), IndexKind::graph);
    const std::span<const float> held(index->row(0).data(), rows * width);
    for (uint32_t row = 0; row < rows; row += 500) EXPECT_EQ(index->search(index->row(row), 1, {}).at(0).index, row);
    if (std::ranges::equal(held, before)) return 1;
    EXPECT_TRUE(std::ranges::equal(held, after));
    return 2;
  }
};

TEST_F(KilledSwitch, leaves_the_old_version_or_the_new_one) {
  const char* wanted = std::getenv("COWATCH_TEST_KILLS");
  const uint32_t kills = wanted ? static_cast<uint32_t>(std::stoul(wanted)) : std::getenv("COWATCH_TEST_ALL") ? 100 : 20;
  auto before = version(0);
  write(before);
  const auto start = std::chrono::steady_clock::now();
  ASSERT_EQ(test::Process("cowatch", command()).wait(), 0);
  const auto whole = std::chrono::steady_clock::now() - start;  // to draw the moments from
  ASSERT_EQ(answering(before, before), 1u);
  for (uint32_t kill = 1; kill <= kills; ++kill) {
    SCOPED_TRACE("kill " + std::to_string(kill));
    const auto after = version(kill);
    write(after);
    EXPECT_EQ(answering(before, after), 1u);
    {
      test::Process process("cowatch", command());
      std::this_thread::sleep_for(whole * random.uniform(kill, 2));
      process.kill();
    }
    const uint32_t then = answering(before, after);
    ASSERT_NE(then, 0u) << "none answers";
    if (kill % 3 != 0) {  // else the next version comes on top of what the kill left
      ASSERT_EQ(test::Process("cowatch", command()).wait(), 0);
      ASSERT_EQ(answering(before, after), 2u);
    }
    if (then == 2 || kill % 3 != 0) before = after;
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace cowatch

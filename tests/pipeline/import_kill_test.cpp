// An import is killed with SIGKILL at random points and repeated: it ends in the same store.
#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "base/random.h"
#include "support/catalogue_dump.h"
#include "support/process.h"
#include "support/text_files.h"

namespace cowatch {
namespace {

using test::dump_catalogue;
using test::write_npy;
using test::write_text;

class KilledImport : public testing::Test {
 protected:
  void SetUp() override {
    const Random random(3, 1);
    std::string videos, log = "user,item,time,watched_ms\n", ids, edges;
    for (uint32_t i = 0; i < 600; ++i) {
      videos += "{\"id\":\"v" + std::to_string(i) + "\",\"title\":\"Video " + std::to_string(i) + "\"}\n";
      ids += "v" + std::to_string(599 - i) + "\n";
      if (i > 0) edges += std::to_string(i - 1) + "\t" + std::to_string(i) + "\t2\n";
    }
    for (uint32_t i = 0; i < 12000; ++i) {
      log += "u" + std::to_string(random.below(300, 0, i)) + ",v" + std::to_string(random.below(700, 1, i)) +
             "," + (i % 1000 == 999 ? "never" : std::to_string(1700000000 + i)) + ",500\n";
    }
    std::filesystem::create_directory(folder_ / "graph");
    write_text(folder_ / "videos.jsonl", videos);
    write_text(folder_ / "log.csv", log);
    write_text(folder_ / "graph/ids.txt", ids);
    write_text(folder_ / "graph/edges.tsv", edges);
    std::vector<float> values(600 * 3);
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
    write_npy(folder_ / "graph/features.npy", 600, 3, values);
  }
  std::vector<std::string> import_into(const std::string& name) const {
    const auto path = [&](const char* file) { return (folder_ / file).string(); };
    return {"import",        (folder_ / name).string(),
            "--videos",      path("videos.jsonl"),
            "--format",      "graph",
            "--data",        path("graph"),
            "--events",      path("log.csv"),
            "--transaction", "500",
            "--quiet"};
  }
  std::vector<std::string> state_of(const std::string& name) const {
    const Path place = folder_ / name;
    return {dump_catalogue(place / "catalogue.sqlite"), read_text(place / "imported_features.safetensors"),
            read_text(place / "rejects/log.csv.tsv")};
  }
  test::TemporaryFolder folder_;
};

TEST_F(KilledImport, EndsInTheSameStore) {
  const auto start = std::chrono::steady_clock::now();
  const test::Finished whole = test::run_cowatch(import_into("whole"));
  const auto length =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start);
  ASSERT_EQ(whole.status, 0) << whole.output;
  const std::vector<std::string> expected = state_of("whole");
  ASSERT_THAT(expected[2], testing::HasSubstr("'never'"));
  const Random random(4, 2);
  int killed = 0;
  // What is there already goes fast: a new workspace each round, killed once or more.
  for (uint32_t round = 0; killed < 12 && round < 40; ++round) {
    const std::string name = "killed" + std::to_string(round);
    for (uint32_t kill = 0; kill <= round % 3; ++kill) {
      test::Process process("cowatch", import_into(name));
      const auto most = static_cast<uint64_t>(length.count()) / (kill + 1);
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(most, round, kill)));
      killed += process.kill() == 128 + SIGKILL;
    }
    const test::Finished finished = test::run_cowatch(import_into(name));
    ASSERT_EQ(finished.status, 0) << finished.output;
    EXPECT_TRUE(state_of(name) == expected) << "round " << round;
  }
  EXPECT_GE(killed, 10);
}

}  // namespace
}  // namespace cowatch

// `cowatch run` killed (kill -9) at random points, resumed until it ends: the same bytes as without a kill.
// COWATCH_TEST_KILLS and COWATCH_TEST_SEED set how many and which; a dozen, or 50 with `scripts/test.sh
// --all`.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>

#include "base/random.h"
#include "e2e/sound_world.h"
#include "store/workspace.h"
#include "support/process.h"

namespace cowatch {
namespace {

uint64_t environment_number(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  return text ? std::stoull(text) : fallback;
}

std::map<std::string, std::string> artifacts(const Path& workspace) {
  std::map<std::string, std::string> bytes;
  for (const char* name : test::artifact_names) bytes[name] = read_text(workspace / name);
  return bytes;
}

size_t count_artifacts(const Path& workspace) {
  return static_cast<size_t>(
      std::count_if(std::begin(test::artifact_names), std::end(test::artifact_names),
                    [&](const char* name) { return std::filesystem::exists(workspace / name); }));
}

// Names of everything in the workspace that stays: what SQLite and the lock come and go with is left out.
std::vector<std::string> names(const Path& workspace) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(workspace)) {
    const std::string name = std::filesystem::relative(entry.path(), workspace).string();
    if (!name.starts_with("catalogue.sqlite-") && name != "lock") found.push_back(name);
  }
  std::sort(found.begin(), found.end());
  return found;
}

struct KilledRun : testing::Test {
  test::TemporaryFolder folder;
  Path fresh = folder / "fresh";

  void SetUp() override {
    test::write_sound_world(folder.path(), std::getenv("COWATCH_TEST_ALL") ? "default" : "infonce");
    const auto imported =
        test::run_cowatch({"import", fresh.string(), "--quiet", "--videos", (folder / "videos.csv").string(),
                           "--events", (folder / "events.csv").string()});
    ASSERT_EQ(imported.status, 0) << imported.output;
    std::filesystem::copy(folder / "cowatch.toml", fresh / "cowatch.toml");
  }
  Path copy(const std::string& name) const {
    std::filesystem::remove_all(folder / name);
    std::filesystem::copy(fresh, folder / name, std::filesystem::copy_options::recursive);
    return folder / name;
  }
};

TEST_F(KilledRun, EndsInTheSameBytes) {
  const Path whole = copy("whole");
  const auto start = std::chrono::steady_clock::now();
  const auto undisturbed = test::run_cowatch({"run", whole.string(), "--quiet"});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  ASSERT_EQ(undisturbed.status, 0) << undisturbed.output;
  const auto expected = artifacts(whole);
  const auto expected_names = names(whole);

  const uint64_t kills = environment_number("COWATCH_TEST_KILLS", std::getenv("COWATCH_TEST_ALL") ? 50 : 12);
  const Random random(environment_number("COWATCH_TEST_SEED", 1), 11);
  uint64_t killed = 0, ended = 0;
  std::map<size_t, int> made_before_kill;  // kills by the number of artifacts there
  Path workspace = copy("killed");
  for (uint64_t attempt = 0; killed < kills || ended == 0; ++attempt) {
    ASSERT_LT(attempt, 20 * kills + 100) << "it never comes to an end";
    test::Process run("cowatch", {"run", workspace.string(), "--quiet"});
    const size_t before = count_artifacts(workspace);
    const bool at_an_artifact = attempt % 3 == 2;  // training takes most of the time: meet the others as well
    const double wait =
        took.count() * (at_an_artifact ? 4 : random.uniform(attempt, 0) * (attempt % 3 ? 1 : 0.3));
    const auto until = std::chrono::steady_clock::now() + std::chrono::duration<double>(wait);
    while (std::chrono::steady_clock::now() < until && run.running()) {
      if (at_an_artifact && count_artifacts(workspace) > before) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (at_an_artifact)
      std::this_thread::sleep_for(std::chrono::microseconds(random.below(30000, attempt, 1)));
    // A run may end between the look at it and the signal: it counts as ended then.
    const int status = killed < kills && run.running() ? run.kill() : run.wait();
    if (status == 128 + SIGKILL) {
      ++killed;
      ++made_before_kill[count_artifacts(workspace)];
      continue;
    }
    ASSERT_EQ(status, 0) << run.output();
    ++ended;
    for (const auto& [name, bytes] : artifacts(workspace))
      EXPECT_TRUE(bytes == expected.at(name)) << name << " differs after " << killed << " kills";
    EXPECT_EQ(names(workspace), expected_names) << "something was left behind, or is missing";
    workspace = copy("killed");
  }
  std::string spread;
  for (const auto& [there, count] : made_before_kill)
    spread += " " + std::to_string(count) + " with " + std::to_string(there) + ";";
  std::cout << killed << " kills, " << ended << " runs ended; kills by artifacts made:" << spread << "\n";
}

TEST_F(KilledRun, StopsAtASafePointWhenAskedAndGoesOn) {
  const Path whole = copy("whole"), asked = copy("asked");
  ASSERT_EQ(test::run_cowatch({"run", whole.string(), "--quiet"}).status, 0);
  test::Process run("cowatch", {"run", asked.string(), "--quiet"});
  run.output_with("graph");  // its line stands there when the graph is made
  run.send(SIGINT);
  const int status = run.wait();
  EXPECT_TRUE(status == 130 || status == 0) << status << run.output();
  ASSERT_EQ(test::run_cowatch({"run", asked.string(), "--quiet"}).status, 0);
  EXPECT_EQ(artifacts(asked), artifacts(whole));
}

TEST_F(KilledRun, IsRefusedWhileAnotherProcessWrites) {
  {
    const Workspace held = Workspace::open(fresh, Workspace::Access::write);
    for (const char* verb : {"run", "extract", "graph", "embed"}) {
      const auto second = test::run_cowatch({verb, fresh.string()});
      EXPECT_EQ(second.status, 2) << second.output;
      EXPECT_NE(second.output.find(std::to_string(getpid())), std::string::npos)
          << "it does not name the process that holds the workspace: " << second.output;
    }
  }
  EXPECT_EQ(test::run_cowatch({"run", fresh.string(), "--quiet"}).status, 0);
}

}  // namespace
}  // namespace cowatch

// A file nobody has seen, given to the server over HTTP: its neighbours come back, and nothing of it stays.
#include <gtest/gtest.h>

#include "base/json.h"
#include "base/progress.h"
#include "e2e/sound_world.h"
#include "pipeline/run_stage.h"
#include "support/server.h"

namespace cowatch {
namespace {

struct Upload : testing::Test {
  static void SetUpTestSuite() {
    set_progress_style(ProgressStyle::quiet);
    world = std::make_unique<test::TemporaryFolder>();
    test::write_sound_world(world->path());
    const Workspace workspace = test::import_sound_world(world->path(), *world / "ws");
    run_stages(workspace, workspace.settings(), [](const StageReport&) {});
  }
  static void TearDownTestSuite() { world.reset(); }
  inline static std::unique_ptr<test::TemporaryFolder> world;

  test::Server server{*world / "ws"};
  test::Connection connection{server.port()};

  // The task when it is over.
  Json upload(const std::string& bytes) {
    connection.send("POST /api/search/upload?n=5 HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                    std::to_string(bytes.size()) + "\r\n\r\n" + bytes);
    const std::string accepted = connection.receive();
    EXPECT_EQ(test::status_of(accepted), 202) << accepted;
    Json task = Json::parse(test::body_of(accepted));
    for (int i = 0; i < 6000 && task["State"] != "done" && task["State"] != "failed"; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      task = Json::parse(test::body_of(connection.ask("/api/task/" + task["TaskId"].get<std::string>())));
    }
    EXPECT_TRUE(!std::filesystem::exists(*world / "ws/uploads") ||
                std::filesystem::is_empty(*world / "ws/uploads"))
        << "the upload was kept";
    return task;
  }
};

TEST_F(Upload, FindsSoundsLikeIt) {
  const Json same = upload(read_text(*world / "clips/s9.wav"));
  ASSERT_EQ(same["State"], "done") << same.dump();
  const Json& neighbours = same["Result"]["Neighbours"];
  ASSERT_EQ(neighbours.size(), 5u);
  EXPECT_EQ(neighbours[0]["Id"], "s9");
  EXPECT_NEAR(neighbours[0]["Score"].get<double>(), 1, 1e-4) << "the file is the video's own";
  const Json near = upload(test::tone(200 * 4 + 7 * 9 + 3));  // a little higher than s9
  ASSERT_EQ(near["State"], "done") << near.dump();
  EXPECT_EQ(std::stoi(near["Result"]["Neighbours"][0]["Id"].get<std::string>().substr(1)) / 4, 2)
      << near.dump();
}

TEST_F(Upload, SaysWhyAFileIsRefused) {
  for (const std::string& bytes :
       {std::string("this is no video"), test::tone(500).substr(0, 30), std::string(5000, '\0'),
        std::string("<svg onload=alert(1)>"), "#!/bin/sh\n" + std::string(100, 'x')}) {
    const Json task = upload(bytes);
    EXPECT_EQ(task["State"], "failed") << task.dump();
    EXPECT_EQ(task["Error"]["code"], "bad-input") << task.dump();
    EXPECT_FALSE(task["Error"].value("remedy", "").empty());
    EXPECT_EQ(task.dump().find(world->path().string()), std::string::npos)
        << "it tells where files lie: " << task.dump();
  }
}

TEST_F(Upload, TakesARealClip) {
  const char* data = std::getenv("COWATCH_DATA");
  Path clip;
  if (data != nullptr) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(Path(data) / "av_clips")) {
      if (entry.path().extension() == ".mp4" && (clip.empty() || entry.path() < clip)) clip = entry.path();
    }
  }
  if (clip.empty()) GTEST_SKIP() << "COWATCH_DATA with av_clips is not there";
  const Json task = upload(read_text(clip));
  ASSERT_EQ(task["State"], "done") << clip << task.dump();
  EXPECT_EQ(task["Result"]["Neighbours"].size(), 5u);
  EXPECT_GT(task["Result"]["Seconds"].get<double>(), 0);
}

}  // namespace
}  // namespace cowatch

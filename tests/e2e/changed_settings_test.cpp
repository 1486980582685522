// `run` after a change does again what depends on it, and nothing else.
#include <gtest/gtest.h>

#include "base/progress.h"
#include "base/tensor_file.h"
#include "e2e/sound_world.h"
#include "pipeline/run_stage.h"
#include "store/catalogue.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

struct ChangedSettings : testing::Test {
  test::TemporaryFolder folder;
  std::string ran() const {
    const Workspace workspace = Workspace::open(folder / "ws", Workspace::Access::write);
    std::string names;
    for (const StageReport& report : run_stages(workspace, workspace.settings(), [](const StageReport&) {})) {
      if (report.ran) names += (names.empty() ? "" : " ") + report.name;
    }
    return names;
  }
  void SetUp() override {
    set_progress_style(ProgressStyle::quiet);
    test::write_sound_world(folder.path());
    test::import_sound_world(folder.path(), folder / "ws");
    ASSERT_EQ(ran(), "extract graph train embed index map");
  }
  void settings(const std::string& more) const {
    write_atomically(folder / "ws/cowatch.toml", read_text(folder / "cowatch.toml") + more);
  }
};

TEST_F(ChangedSettings, RedoOnlyWhatDependsOnThem) {
  EXPECT_EQ(ran(), "");
  settings("rate = 0.002\n");
  EXPECT_EQ(ran(), "train embed index map");
  settings("rate = 0.002\n[serve]\nport = 8081\n[evaluate]\nseed = 7\n");
  EXPECT_EQ(ran(), "") << "nothing is made from these";
  settings("rate = 0.002\n[graph]\nmin_people = 3\n");
  EXPECT_EQ(ran(), "graph") << "the same edges teach the same";
  settings("rate = 0.002\n[graph]\nmin_people = 3\n[tree]\nrounds = 1\n");
  EXPECT_EQ(ran(), "graph train") << "this method takes no negatives from the tree: the same model";
  settings("rate = 0.002\n[graph]\nmin_people = 3\n[tree]\nrounds = 1\n[extract]\nmax_seconds = 100\n");
  EXPECT_EQ(ran(), "extract") << "the table is put together again, and is the same";
  settings("");
  EXPECT_EQ(ran(), "extract graph train embed index map");
}

TEST_F(ChangedSettings, RedoOnlyWhatDependsOnTheCatalogue) {
  {
    Catalogue catalogue(folder / "ws/catalogue.sqlite", Catalogue::Mode::write);
    Event like;
    like.user = "ann0", like.item = "s0", like.kind = FeedbackKind::like, like.time_ms = 1700000000000;
    catalogue.add_events({&like, 1});
  }
  EXPECT_EQ(ran(), "graph") << "a like is no watch: the same edges again";
  write_atomically(folder / "clips/s3.wav", test::tone(1234));
  EXPECT_EQ(ran(), "extract train embed index map");
}

}  // namespace
}  // namespace cowatch

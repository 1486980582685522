#include "media/platform.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "support/temporary_folder.h"

namespace cowatch {
using test::TemporaryFolder;

namespace {

WorldSettings small(uint32_t videos, uint64_t seed = 11) {
  WorldSettings settings;
  settings.videos = videos;
  settings.people = 60;
  settings.seed = seed;
  return settings;
}

constexpr std::array<const char*, 4> files = {"videos.jsonl", "events.jsonl", "truth/factors.jsonl",
                                              "truth/people.jsonl"};

TEST(Platform, SameSettingsMakeTheSameBytesAndAnotherSeedOthers) {
  const TemporaryFolder folder;
  write_platform({small(80), false}, folder.path() / "a");
  write_platform({small(80), false}, folder.path() / "b");
  write_platform({small(80, 12), false}, folder.path() / "c");
  for (const char* file : files) {
    EXPECT_EQ(read_text(folder.path() / "a" / file), read_text(folder.path() / "b" / file)) << file;
    EXPECT_NE(read_text(folder.path() / "a" / file), read_text(folder.path() / "c" / file)) << file;
  }
  EXPECT_EQ(read_text(folder.path() / "a/features.npy"), read_text(folder.path() / "b/features.npy"));
}

TEST(Platform, RefusesAFolderThatIsNotItsOwnAndOtherSettings) {
  const TemporaryFolder folder;
  write_atomically(folder.path() / "letter.txt", "dear reader");
  EXPECT_THROW(write_platform({small(20), false}, folder.path()), Error);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "videos.jsonl"));
  write_platform({small(20), false}, folder.path() / "own");
  EXPECT_NO_THROW(write_platform({small(20), false}, folder.path() / "own"));
  EXPECT_THROW(write_platform({small(21), false}, folder.path() / "own"), Error);
}

TEST(Platform, SettingsComeBackFromTheFolder) {
  const TemporaryFolder folder;
  WorldSettings world = small(30);
  world.correlation = 0.7;
  write_platform({world, false}, folder.path() / "p");
  const PlatformSettings read = read_platform_settings(folder.path() / "p");
  EXPECT_EQ(read.world.videos, 30u);
  EXPECT_EQ(read.world.seed, 11u);
  EXPECT_EQ(read.world.correlation, 0.7);
  EXPECT_FALSE(read.clips);
  write_atomically(folder.path() / "p/render.json", "{\"kind\": \"cowatch rendered platform\"}");
  EXPECT_THROW(read_platform_settings(folder.path() / "p"), Error);
}

// What a learner may read names no factor that only the truth may tell.
TEST(Platform, TheExportKeepsTheTruthToItself) {
  const TemporaryFolder folder;
  write_platform({small(60), true}, folder.path() / "p");
  for (const char* file : {"videos.jsonl", "events.jsonl"}) {
    const std::string text = read_text(folder.path() / "p" / file);
    for (const char* word :
         {"truth", "\"series\"", "\"subject\"", "\"motion\"", "background", "palette", "popularity", "\"music\""})
      EXPECT_EQ(text.find(word), std::string::npos) << file << " says " << word;
  }
  EXPECT_NE(read_text(folder.path() / "p/truth/factors.jsonl").find("\"music\""), std::string::npos);
  EXPECT_NE(read_text(folder.path() / "p/videos.jsonl").find("\"file\":\"videos/v000000.mp4\""),
            std::string::npos);
}

TEST(World, BackgroundsAreDistinct) {
  const World world = make_world(small(5000));
  std::set<uint64_t> seeds;
  for (const VideoFactors& factors : world.videos) seeds.insert(factors.background_seed);
  EXPECT_EQ(seeds.size(), world.videos.size());
}

// Pearson's statistic of a table of counts against independence.
double chi_squared(const std::vector<std::vector<double>>& counts) {
  std::vector<double> rows(counts.size()), columns(counts[0].size());
  double total = 0, sum = 0;
  for (size_t r = 0; r < counts.size(); ++r)
    for (size_t c = 0; c < columns.size(); ++c) {
      rows[r] += counts[r][c];
      columns[c] += counts[r][c];
      total += counts[r][c];
    }
  for (size_t r = 0; r < rows.size(); ++r)
    for (size_t c = 0; c < columns.size(); ++c) {
      const double expected = rows[r] * columns[c] / total;
      if (expected > 0) sum += (counts[r][c] - expected) * (counts[r][c] - expected) / expected;
    }
  return sum;
}

// Motion against sound, one count a series; 7 × 11 = 77 degrees of freedom, 126 at a chance of 1 in 3,000.
double motion_and_sound(double correlation) {
  WorldSettings settings = small(20'000);
  settings.correlation = correlation;
  const World world = make_world(settings);
  std::vector<std::vector<double>> counts(motion_terms().size(), std::vector<double>(sound_terms().size()));
  for (const Series& series : world.series) {
    const VideoFactors& factors = world.videos[series.episodes[0]];
    ++counts[factors.motion][factors.sound];
  }
  return chi_squared(counts);
}

TEST(World, FactorsAreIndependentUnlessCorrelationIsAskedFor) {
  EXPECT_LT(motion_and_sound(0), 126);
  EXPECT_GT(motion_and_sound(0.6), 126);
}

TEST(World, EveryMotionIsDrawnUniformlyWithoutCorrelation) {
  WorldSettings settings = small(20'000);
  settings.correlation = 0;
  const World world = make_world(settings);
  std::vector<double> counts(motion_terms().size());
  for (const Series& series : world.series) ++counts[world.videos[series.episodes[0]].motion];
  const double expected = static_cast<double>(world.series.size()) / static_cast<double>(counts.size());
  double sum = 0;
  for (const double count : counts) sum += (count - expected) * (count - expected) / expected;
  EXPECT_LT(sum, 26.0);  // 7 degrees of freedom, 1 in 2,000
}

TEST(World, SessionsRunForwardAndWatchesAreWithinTheirLength) {
  const World world = make_world(small(400));
  size_t watches = 0;
  for (uint32_t p = 0; p < world.settings.people; ++p) {
    int64_t before = 0;
    uint32_t session = 0;
    for (const WorldEvent& event : world.events_of(p)) {
      EXPECT_GE(event.time_ms, before);
      EXPECT_GE(event.session, session);
      EXPECT_GE(event.time_ms, world.videos[event.video].created_ms) << "seen before it was uploaded";
      before = event.time_ms;
      session = event.session;
      if (event.kind != FeedbackKind::watch) continue;
      ++watches;
      EXPECT_GT(event.watched_ms, 0);
      EXPECT_LE(event.watched_ms, 3 * event.length_ms);  // at most three times in a row
      EXPECT_NEAR(event.length_ms, world.videos[event.video].seconds * 1000, 1);
    }
  }
  EXPECT_GT(watches, 60u * 10);
}

int draw(const Path& folder, const char* threads) {
  const std::string command = (program_folder() / "cowatch-media").string() + " render " + folder.string() +
                              " --threads " + threads + " 2>/dev/null";
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(Clips, AreTheSameForAnyThreadsAndOnlyMissingOnesAreDrawn) {
  const TemporaryFolder folder;
  const Path a = folder.path() / "a", b = folder.path() / "b";
  for (const Path& target : {a, b}) write_platform({small(3), true}, target);
  ASSERT_EQ(draw(a, "1"), 0);
  ASSERT_EQ(draw(b, "2"), 0);
  for (uint32_t v = 0; v < 3; ++v) {
    const std::string clip = read_text(clip_path(a, v));
    EXPECT_GT(clip.size(), 10'000u);
    EXPECT_EQ(clip.substr(4, 4), "ftyp");
    EXPECT_EQ(clip, read_text(clip_path(b, v)));
  }
  const auto kept = std::filesystem::last_write_time(clip_path(a, 0));
  std::filesystem::remove(clip_path(a, 1));
  ASSERT_EQ(draw(a, "2"), 0);
  EXPECT_EQ(std::filesystem::last_write_time(clip_path(a, 0)), kept);
  EXPECT_EQ(read_text(clip_path(a, 1)), read_text(clip_path(b, 1)));
}

TEST(Clips, AFolderThatIsNoPlatformIsTheUsersMistake) {
  const TemporaryFolder folder;
  EXPECT_EQ(draw(folder.path(), "1"), 2);
}

}  // namespace
}  // namespace cowatch

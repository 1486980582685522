#include "media/extractor.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/random.h"
#include "media/platform.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

using testing::HasSubstr;

struct Extraction : testing::Test {
  test::TemporaryFolder folder;
  Extractor extractor{MediaLimits{}, program_folder() / "cowatch-media"};

  Path write(const std::string& name, const std::string& bytes) const {
    write_atomically(folder / name, bytes);
    return folder / name;
  }
  std::string reason(const Path& path) {
    const MediaFeatures found = extractor.extract(path);
    EXPECT_TRUE(found.refused) << path;
    EXPECT_FALSE(found.reason.empty());
    EXPECT_EQ(found.reason.find('\n'), std::string::npos);
    return found.reason;
  }
};

// 16-bit mono sound: a tone that is switched on and off twice a second.
std::string wave_file(double seconds, int rate = 16000) {
  const auto count = static_cast<uint32_t>(seconds * rate);
  std::string samples;
  for (uint32_t i = 0; i < count; ++i) {
    const double time = static_cast<double>(i) / rate;
    const bool on = static_cast<int>(time * 4) % 2 == 0;
    const auto value = static_cast<int16_t>(on ? 12000 * std::sin(time * 440 * 6.283185307179586) : 0);
    samples.append(reinterpret_cast<const char*>(&value), 2);
  }
  const auto number = [](uint32_t value, size_t size) {
    return std::string(reinterpret_cast<const char*>(&value), size);
  };
  return "RIFF" + number(36 + 2 * count, 4) + "WAVEfmt " + number(16, 4) + number(1, 2) + number(1, 2) +
         number(static_cast<uint32_t>(rate), 4) + number(static_cast<uint32_t>(rate) * 2, 4) + number(2, 2) +
         number(16, 2) + "data" + number(2 * count, 4) + samples;
}

TEST_F(Extraction, MeasuresASound) {
  const MediaFeatures found = extractor.extract(write("tone.wav", wave_file(3)));
  ASSERT_FALSE(found.refused) << found.reason;
  EXPECT_TRUE(found.has_sound);
  EXPECT_FALSE(found.has_picture);
  EXPECT_NEAR(found.seconds, 3, 0.1);
  EXPECT_TRUE(found.poster.empty());
  ASSERT_EQ(found.values.size(), feature_count);
  const ColumnRange sound = modality_columns(MediaModality::sound);
  const auto is_zero = [](float value) { return value == 0; };
  EXPECT_TRUE(
      std::all_of(found.values.begin(), found.values.begin() + static_cast<ptrdiff_t>(sound.begin), is_zero));
  EXPECT_FALSE(
      std::all_of(found.values.begin() + static_cast<ptrdiff_t>(sound.begin), found.values.end(), is_zero));
}

TEST_F(Extraction, GivesTheSameBytesEachTime) {
  const Path path = write("tone.wav", wave_file(2));
  const MediaFeatures first = extractor.extract(path), second = extractor.extract(path);
  EXPECT_EQ(first.values, second.values);
}

TEST_F(Extraction, ATakenOverDecoderCanDoNothing) {
  const std::vector<std::string> tried = extractor.try_to_escape();
  for (const char* name : {"open for reading", "open for writing", "internet socket", "local socket",
                           "look at a file", "fork", "thread", "raise own limits", "execve"}) {
    EXPECT_THAT(tried, testing::Contains(testing::StartsWith(std::string(name) + ": refused"))) << name;
  }
  EXPECT_THAT(tried, testing::Not(testing::Contains(HasSubstr("DONE"))));
  // The worker outlives its dead child.
  EXPECT_FALSE(extractor.extract(write("tone.wav", wave_file(1))).refused);
}

TEST_F(Extraction, RefusesWhatIsNoRegularFile) {
  EXPECT_THAT(reason(folder / "missing.mp4"), HasSubstr("no such file"));
  EXPECT_THAT(reason(folder.path()), HasSubstr("folder"));
  EXPECT_THAT(reason(write("empty.mp4", "")), HasSubstr("0 bytes"));
  ASSERT_EQ(::mkfifo((folder / "pipe.mp4").c_str(), 0600), 0);
  EXPECT_THAT(reason(folder / "pipe.mp4"), HasSubstr("pipe"));
  EXPECT_THAT(reason("/dev/zero"), HasSubstr("device"));
  const Path link = folder / "link.wav";
  std::filesystem::create_symlink(write("tone.wav", wave_file(1)), link);
  EXPECT_FALSE(extractor.extract(link, Extractor::Links::follow).refused);
  EXPECT_THAT(extractor.extract(link, Extractor::Links::refuse).reason, HasSubstr("symbolic link"));
}

TEST_F(Extraction, RefusesWhatNamesOtherFilesOrIsNoVideo) {
  const Path secret = write("secret.wav", wave_file(1));
  const std::string playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://" + secret.string() +
                               "\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n";
  for (const char* name : {"list.m3u8", "list.mp4"}) reason(write(name, playlist));
  reason(write("concat.mp4", "ffconcat version 1.0\nfile '" + secret.string() + "'\n"));
  reason(
      write("page.mp4", "<!DOCTYPE html><html><body><video src='file:///etc/passwd'></video></body></html>"));
  reason(write(
      "picture.mp4",
      "<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><image href='/etc/passwd'/></svg>"));
  reason(write("text.mp4", std::string(5000, 'a')));
}

TEST_F(Extraction, RefusesBeyondTheLimits) {
  const Path path = write("tone.wav", wave_file(3));
  MediaLimits limits;
  limits.max_bytes = 1000;
  EXPECT_THAT(Extractor(limits, program_folder() / "cowatch-media").extract(path).reason,
              HasSubstr("more than the 1000 allowed"));
  limits = {};
  limits.max_seconds = 2;
  EXPECT_THAT(Extractor(limits, program_folder() / "cowatch-media").extract(path).reason,
              HasSubstr("more than the 2 s"));
  limits = {};
  limits.wall_seconds = 0;
  EXPECT_THAT(Extractor(limits, program_folder() / "cowatch-media").extract(path).reason,
              HasSubstr("took longer"));
}

// A clip of a rendered platform: 288 × 384 pixels, 20 pictures a second, with sound.
struct RenderedClip : Extraction {
  Path clip;
  void SetUp() override {
    PlatformSettings settings;
    settings.world.videos = 2;
    settings.world.people = 2;
    write_platform(settings, folder / "platform");
    const std::string command = (program_folder() / "cowatch-media").string() + " render " +
                                (folder / "platform").string() + " --threads 1 2> /dev/null";
    ASSERT_EQ(std::system(command.c_str()), 0);
    clip = clip_path(folder / "platform", 0);
  }
  MediaFeatures extract_with(const MediaLimits& limits) const {
    return Extractor(limits, program_folder() / "cowatch-media").extract(clip);
  }
};

TEST_F(RenderedClip, GetsAPreviewThatPlays) {
  const MediaFeatures found = extractor.extract(clip);
  ASSERT_FALSE(found.refused) << found.reason;
  ASSERT_FALSE(found.preview.empty());
  // The index stands before the pictures, so that a browser need not have the whole to begin.
  EXPECT_LT(found.preview.find("moov"), found.preview.find("mdat"));
  const MediaFeatures preview = extractor.extract(write("preview.mp4", found.preview));
  ASSERT_FALSE(preview.refused) << preview.reason;
  EXPECT_EQ(preview.width, 288);
  EXPECT_EQ(preview.height, 384);
  EXPECT_TRUE(preview.has_sound);
  EXPECT_EQ(preview.picture_codec, "h264");
  EXPECT_EQ(preview.sound_codec, "aac");
  EXPECT_NEAR(preview.seconds, std::min(found.seconds, MediaLimits{}.preview_seconds), 0.15);
  // It shows the clip's pictures and plays its sound: the two are alike to the features themselves.
  double dot = 0, one = 0, other = 0;
  for (size_t i = 0; i < feature_count; ++i) {
    dot += found.values[i] * preview.values[i];
    one += found.values[i] * found.values[i];
    other += preview.values[i] * preview.values[i];
  }
  EXPECT_GT(dot / std::sqrt(one * other), 0.95);
}

TEST_F(RenderedClip, ThePreviewObeysItsSettings) {
  MediaLimits limits;
  limits.preview_pixels = 96;
  limits.preview_seconds = 2;
  const MediaFeatures small = extract_with(limits);
  const MediaFeatures preview = extractor.extract(write("preview.mp4", small.preview));
  EXPECT_EQ(preview.width, 72);
  EXPECT_EQ(preview.height, 96);
  EXPECT_NEAR(preview.seconds, 2, 0.15);
  limits.preview_seconds = 0;
  const MediaFeatures still = extract_with(limits);
  EXPECT_TRUE(still.preview.empty());
  EXPECT_FALSE(still.poster.empty());
  limits.preview_pixels = 0;
  EXPECT_TRUE(extract_with(limits).poster.empty());
  // Neither setting shows in the features.
  EXPECT_EQ(small.values, extractor.extract(clip).values);
}

TEST_F(RenderedClip, ThePreviewIsTheSameEachTime) {
  EXPECT_TRUE(extractor.extract(clip).preview == extractor.extract(clip).preview);
}

// COWATCH_DATA/media_awkward: real files that others' decoders stumbled over.
struct AwkwardFiles : Extraction {
  Path root;
  void SetUp() override {
    const char* data = std::getenv("COWATCH_DATA");
    if (!data || !std::filesystem::exists(Path(data) / "media_awkward"))
      GTEST_SKIP() << "COWATCH_DATA is not set";
    root = Path(data) / "media_awkward";
  }
  // A refusal must be the worker's judgement and not its death.
  static void expect_no_crash(const MediaFeatures& found, const std::string& name) {
    for (const char* sign : {"crashed", "system call", "SIGKILL", "exit status", "took longer"}) {
      EXPECT_THAT(found.reason, testing::Not(HasSubstr(sign))) << name;
    }
  }
};

TEST_F(AwkwardFiles, AreJudgedAsExpected) {
  std::istringstream table(read_text(root / "expected.csv"));
  std::string line;
  std::getline(table, line);
  size_t files = 0;
  while (std::getline(table, line)) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
    ASSERT_GE(cells.size(), 10u);
    const MediaFeatures found = extractor.extract(root / cells[0]);
    expect_no_crash(found, cells[0]);
    EXPECT_EQ(found.refused, cells[9] == "refuse") << line << ": " << found.reason;
    if (!found.refused) {
      EXPECT_EQ(found.has_picture, cells[1] == "video") << line;
      EXPECT_EQ(found.poster.empty(), !found.has_picture) << line;
      if (!found.preview.empty()) {
        const MediaFeatures preview = extractor.extract(write("preview.mp4", found.preview));
        EXPECT_FALSE(preview.refused) << line << ": " << preview.reason;
        EXPECT_LE(preview.seconds, MediaLimits{}.preview_seconds + 0.2) << line;
        EXPECT_LE(std::max(preview.width, preview.height), 480) << line;
        EXPECT_EQ(preview.width > preview.height, found.width > found.height) << line << ": not upright";
      }
    }
    ++files;
  }
  EXPECT_GT(files, 0u);
}

TEST_F(AwkwardFiles, DamagedCopiesCostThemselvesOnly) {
  const Random random(7, 0);
  for (const char* name : {"decord_video_180.mov", "exo_flac_bear_with_picture.flac"}) {
    const std::string good = read_text(root / "files" / name);
    for (uint64_t trial = 0; trial < 4; ++trial) {
      const size_t length = 1 + random.below(good.size() - 1, 0, trial);
      expect_no_crash(extractor.extract(write("cut", good.substr(0, length))), name);
      std::string flipped = good;
      for (uint64_t flip = 0; flip < 20; ++flip) {
        // Half of the flips in the first kilobyte, where the headers are.
        const size_t range = flip % 2 == 0 ? std::min<size_t>(good.size(), 1024) : good.size();
        flipped[random.below(range, 1 + trial, flip)] ^=
            static_cast<char>(1 << random.below(8, 9 + trial, flip));
      }
      expect_no_crash(extractor.extract(write("flipped", flipped)), name);
    }
  }
}

}  // namespace
}  // namespace cowatch

// A file for each of OWASP's rules for uploads, made here. The decoder judges by content alone, inside its
// limits: a name or an ending says nothing, and nothing else is opened. What the server does with names is
// tests/serve/upload_test.cpp's.
#include <gmock/gmock.h>
#include <zlib.h>

#include <cmath>
#include <fstream>

#include "media/extractor.h"
#include "support/temporary_folder.h"
#include "support/text_files.h"

namespace cowatch {
namespace {

using test::write_text;
using testing::HasSubstr;
using testing::Not;

std::string little(uint32_t value, size_t size) {
  return {reinterpret_cast<const char*>(&value), size};
}

// One second of a tone, 8-bit mono.
std::string sound() {
  constexpr uint32_t rate = 8000;
  std::string samples;
  for (uint32_t i = 0; i < rate; ++i) samples += static_cast<char>(128 + std::lround(90 * std::sin(i * 0.3)));
  return "RIFF" + little(36 + rate, 4) + "WAVEfmt " + little(16, 4) + little(1, 2) + little(1, 2) +
         little(rate, 4) + little(rate, 4) + little(1, 2) + little(8, 2) + "data" + little(rate, 4) + samples;
}

std::string gif(uint16_t width, uint16_t height) {
  const std::string size = little(width, 2) + little(height, 2);
  return "GIF89a" + size + std::string("\x80\0\0\0\0\0\xff\xff\xff", 9) + "," + std::string(4, '\0') + size +
         std::string("\0\x02\x02\x44\x01\0;", 7);
}

struct HostileUploads : testing::Test {
  test::TemporaryFolder folder;
  Extractor extractor{MediaLimits{}, program_folder() / "cowatch-media"};

  Path write(const std::string& name, std::string_view bytes) const {
    return write_text(folder / name, bytes);
  }
  // Refused in the decoder's own words, not by its death.
  std::string refused(const std::string& name, std::string_view bytes) {
    const MediaFeatures found = extractor.extract(write(name, bytes), Extractor::Links::refuse);
    EXPECT_TRUE(found.refused) << name;
    for (const char* sign : {"crashed", "system call", "SIGKILL", "exit status", "took longer"})
      EXPECT_THAT(found.reason, Not(HasSubstr(sign))) << name;
    return found.reason;
  }
};

TEST_F(HostileUploads, EndingsSayNothing) {
  const std::string good = sound();
  const std::vector<float> features = extractor.extract(write("clip.wav", good)).values;
  for (const char* name :
       {"clip.jpg", "clip.mp4.exe", "clip.php.mp4", "clip", ".mp4", "clip.mp4 ", "con.mp4", "cl%00ip.php",
        "a;rm -rf x.mp4", "$(id).mp4", "-i.mp4", "concat:a|b", "http:evil", "img%03d.png"}) {
    const MediaFeatures found = extractor.extract(write(name, good));
    EXPECT_FALSE(found.refused) << name << ": " << found.reason;
    EXPECT_EQ(found.values, features) << name;
  }
  EXPECT_THAT(refused("picture.mp4", "\xff\xd8\xff\xe0" + std::string(200, 'j')), HasSubstr("still picture"));
  EXPECT_THAT(refused("shell.mp4", "#!/bin/sh\nrm -rf /\n"), HasSubstr("program or script"));
  EXPECT_THAT(refused("movie.mp4.exe", "MZ" + std::string(500, '\0')), HasSubstr("program or script"));
  EXPECT_THAT(refused("movie.avi.elf",
                      "\x7f"
                      "ELF" +
                          std::string(500, '\1')),
              HasSubstr("program or script"));
}

TEST_F(HostileUploads, NullBytesInNames) {
  EXPECT_THAT(extractor.extract(Path(std::string("a.mp4\0.png", 10))).reason, HasSubstr("null byte"));
}

TEST_F(HostileUploads, TooManyBytes) {
  const Path path = write("huge.mp4", sound());
  std::filesystem::resize_file(path, (uint64_t{4} << 30) + 1);  // a hole: costs no disk
  EXPECT_THAT(extractor.extract(path).reason, HasSubstr("more than the 4294967296 allowed"));
}

TEST_F(HostileUploads, PicturesThatGrowBeyondMeasure) {
  // The same few bytes with other numbers for the size: within the limit, above it, above what FFmpeg can
  // count.
  EXPECT_FALSE(extractor.extract(write("small.gif", gif(64, 64))).refused);
  EXPECT_FALSE(extractor.extract(write("limit.gif", gif(4096, 4096))).refused);
  EXPECT_THAT(refused("bomb.gif", gif(4097, 4096)),
              HasSubstr("its picture of 4097 x 4096 is larger than the 16777216 pixels allowed"));
  for (const uint16_t side : {20000, 65535})
    EXPECT_THAT(refused("bomb.gif", gif(side, side)), HasSubstr("no picture and no sound came out"));
  std::string zeros(1 << 20, '\0'), packed(1 << 16, '\0');
  uLongf length = packed.size();
  ASSERT_EQ(compress(reinterpret_cast<Bytef*>(packed.data()), &length,
                     reinterpret_cast<const Bytef*>(zeros.data()), zeros.size()),
            Z_OK);
  EXPECT_THAT(refused("bomb.gz.mp4", "\x1f\x8b\x08" + packed.substr(0, length)), HasSubstr("archive"));
}

TEST_F(HostileUploads, LengthsThatAreALie) {
  std::string lie = sound();
  lie.replace(4, 4, "\xff\xff\xff\xff").replace(40, 4, "\xff\xff\xff\x7f");
  const MediaFeatures found = extractor.extract(write("long.wav", lie));
  EXPECT_TRUE(found.refused || found.seconds < 1.1) << found.seconds;  // not the 74 hours it states
}

TEST_F(HostileUploads, FilesOfTwoKindsAreTheFirst) {
  const std::vector<float> clean = extractor.extract(write("clean.wav", sound())).values;
  for (const char* tail :
       {"<?php system($_GET['c']); ?>", "PK\x03\x04 archive", "<script>alert(1)</script>"}) {
    const MediaFeatures found = extractor.extract(write("two.wav", sound() + tail));
    EXPECT_FALSE(found.refused) << found.reason;
    EXPECT_EQ(found.values, clean);
  }
  refused("script.gif", "GIF89a/*\n*/=1;alert(document.cookie);//" + std::string(200, ' '));
  EXPECT_THAT(refused("document.mp4", "%PDF-1.7\n" + sound()), HasSubstr("document"));
}

// Playlists, scripts of editors and whatever else names other files: these must not be opened, and nothing of
// the secret may come back.
TEST_F(HostileUploads, FormatsThatNameOtherFiles) {
  const std::string secret = write("secret.wav", sound()).string();
  const std::vector<std::pair<std::string, std::string>> lists = {
      {"hls.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://" + secret + "\n#EXT-X-ENDLIST\n"},
      {"hls_bom.mp4", "\xef\xbb\xbf#EXTM3U\n#EXTINF:5,\n" + secret + "\n"},
      {"hls_key.mp4",
       "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"file:///etc/passwd\"\n#EXTINF:1,\nhttp://127.0.0.1:1/"
       "a.ts\n"},
      {"hls_concat.mp4",
       "#EXTM3U\n#EXTINF:1,\nconcat:http://127.0.0.1:1/h|file:///etc/passwd\n#EXT-X-ENDLIST\n"},
      {"concat.mp4", "ffconcat version 1.0\nfile '" + secret + "'\n"},
      {"dash.mpd", "<?xml version=\"1.0\"?><MPD><Period><AdaptationSet><Representation><BaseURL>file://" +
                       secret + "</BaseURL></Representation></AdaptationSet></Period></MPD>"},
      {"session.sdp", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=audio 4 RTP/AVP 0\n"},
      {"script.avs", "AviSource(\"" + secret + "\")\n"},
      {"list.asx", "<asx version=\"3.0\"><entry><ref href=\"file://" + secret + "\"/></entry></asx>"},
      {"list.pls", "[playlist]\nFile1=" + secret + "\nNumberOfEntries=1\n"},
      {"sheet.cue", "FILE \"" + secret + "\" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n"},
      {"magick.mvg",
       "push graphic-context\nimage over 0,0 0,0 'https://127.0.0.1/x.jpg'\npop graphic-context\n"},
      {"sub.ass",
       "[Script Info]\nScriptType: v4.00+\n[Events]\nDialogue: 0,0:00:00.00,0:00:01.00,x,,0,0,0,,hi\n"}};
  for (const auto& [name, text] : lists) refused(name, text);
  EXPECT_THAT(refused("again.mp4", lists[0].second), HasSubstr("playlist that refers to other files"));
}

TEST_F(HostileUploads, LinksNothingArchivesAndDocuments) {
  write("secret.wav", sound());
  std::filesystem::create_symlink(folder / "secret.wav", folder / "link.wav");
  EXPECT_THAT(extractor.extract(folder / "link.wav", Extractor::Links::refuse).reason,
              HasSubstr("symbolic link"));
  EXPECT_THAT(refused("empty.mp4", ""), HasSubstr("0 bytes"));
  EXPECT_THAT(refused("zip.mp4", "PK\x03\x04" + std::string(500, 'z')), HasSubstr("archive"));
  EXPECT_THAT(refused("page.mp4", "<!DOCTYPE html><html><script src='//evil'></script></html>"),
              HasSubstr("HTML"));
  EXPECT_THAT(refused("vector.mp4",
                      "<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>"),
              HasSubstr("SVG"));
  EXPECT_THAT(
      refused("entities.mp4",
              "<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>"),
      HasSubstr("XML"));
}

TEST_F(HostileUploads, LimitsOfTimeAndMemoryEndTheDecoder) {
  MediaLimits limits;
  limits.cpu_seconds = 1;
  Extractor worker(limits, program_folder() / "cowatch-media");
  EXPECT_THAT(worker.try_to_overrun().reason, HasSubstr("more than the 1 s of processor time allowed"));
  EXPECT_FALSE(worker.extract(write("good.wav", sound())).refused);  // the next file is not harmed
  limits = {};
  limits.wall_seconds = 1;
  EXPECT_THAT(Extractor(limits, program_folder() / "cowatch-media").try_to_overrun().reason,
              HasSubstr("longer than the 1 s allowed"));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_THAT(extractor.try_to_escape(), testing::Contains(testing::StartsWith("more memory: refused")));
  // The same file with all the memory it wants, and with less than its libraries take: refused for want of
  // it, not by the size, and the decoder lives on.
  const Path wide = write("wide.gif", gif(4000, 4000));
  EXPECT_FALSE(extractor.extract(wide).refused);
  limits = {};
  limits.max_memory = 64 << 20;
  const MediaFeatures found = Extractor(limits, program_folder() / "cowatch-media").extract(wide);
  EXPECT_TRUE(found.refused);
  EXPECT_THAT(found.reason, HasSubstr("memory"));
#endif
}

}  // namespace
}  // namespace cowatch

// Everything in the list of bad input that concerns an import: named with its place and the way out, the rest
// goes on, nothing is half-applied. Malformed cells are tests/store/import/parse_test.cpp's.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "base/error.h"
#include "pipeline/import_stage.h"
#include "support/catalogue_dump.h"
#include "support/process.h"
#include "support/text_files.h"

namespace cowatch {
namespace {

using test::dump_catalogue;
using test::Finished;
using test::run_cowatch;
using test::write_gzip;
using test::write_text;
using testing::AllOf;
using testing::HasSubstr;

struct BadInput : testing::Test {
  test::TemporaryFolder folder;
  const std::string place = (folder / "ws").string();
  const std::string good = write_text(folder / "good.csv", "user,item\nann,x\nbob,y\n").string();

  std::string write(const std::string& name, std::string_view text) const {
    return write_text(folder / name, text).string();
  }
  std::string dump() const { return dump_catalogue(folder / "ws/catalogue.sqlite"); }
  Finished import(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"import", place});
    arguments.emplace_back("--quiet");
    return run_cowatch(arguments);
  }
  // Imports `bad` beside a good file: all of it is refused, and a store that was there is as it was.
  std::string refused(const std::string& bad, const std::vector<std::string>& more = {}) const {
    const std::string before = dump();
    std::vector<std::string> arguments = {"--events", good, bad};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished finished = import(arguments);
    EXPECT_EQ(finished.status, 2) << finished.output;
    EXPECT_THAT(finished.output, AllOf(HasSubstr("error: "), HasSubstr("where: "), HasSubstr("to do: ")));
    EXPECT_THAT(dump(), testing::AnyOf(before, testing::Not(HasSubstr("ann"))));
    return finished.output;
  }
};

TEST_F(BadInput, UnknownColumns) {
  EXPECT_THAT(refused(write("bad.csv", "who,what,when\nann,x,1\n")),
              AllOf(HasSubstr("bad.csv"), HasSubstr("a column named 'user'"),
                    HasSubstr("found:    who, what, when"), HasSubstr("--column user=COLUMN")));
  // --column fits no column of one of the files.
  const Finished finished = import({"--events", good, "--column", "user=uster"});
  EXPECT_EQ(finished.status, 2);
  EXPECT_THAT(finished.output, AllOf(HasSubstr("'uster'"), HasSubstr("Did you mean --column user=user?")));
}

TEST_F(BadInput, MixedEncodingsCostTheirRowsOnly) {
  const Finished finished =
      import({"--events", write("mixed.csv", "user,item\nann,caf\xc3\xa9\nbob,caf\xe9\ncid,\xe5\xbd\xb1\n")});
  EXPECT_EQ(finished.status, 0);
  EXPECT_THAT(
      finished.output,
      AllOf(HasSubstr("read 3 = accepted 2 + duplicate 0 + rejected 1"),
            HasSubstr("mixed.csv, line 3, column item: expected UTF-8, found byte 233 at position 4")));
  EXPECT_THAT(read_text(folder / "ws/rejects/mixed.csv.tsv"),
              HasSubstr("3\titem\tUTF-8\tbyte 233 at position 4\tbob,caf?"));
}

TEST_F(BadInput, AByteOrderMarkAndUtf16) {
  const Finished finished = import({"--events", write("bom.csv", "\xef\xbb\xbfuser,item\nann,x\n")});
  EXPECT_EQ(finished.status, 0) << finished.output;
  EXPECT_THAT(finished.output, HasSubstr("user = user"));
  EXPECT_THAT(refused(write("wide.csv", std::string("\xff\xfeu\0s\0e\0r\0", 10))),
              AllOf(HasSubstr("UTF-16"), HasSubstr("iconv -f UTF-16 -t UTF-8")));
  // Without a mark.
  const std::string little("u\0s\0e\0r\0,\0i\0t\0e\0m\0\n\0a\0,\0x\0\n\0", 28);
  EXPECT_THAT(refused(write("little.csv", little)),
              AllOf(HasSubstr("UTF-16"), HasSubstr("iconv -f UTF-16LE -t UTF-8")));
  EXPECT_THAT(refused(write("big.csv", '\0' + little)), HasSubstr("iconv -f UTF-16BE -t UTF-8"));
}

TEST_F(BadInput, QuotesAndNewlinesInFields) {
  const Finished finished = import(
      {"--videos",
       write("v.csv",
             "id,title\r\n1,\"two\r\nlines, and a \"\"quote\"\"\"\r\n2,\"open\r\n3,\"x\" y\r\n4,d\r\n")});
  EXPECT_EQ(finished.status, 0) << finished.output;
  EXPECT_THAT(finished.output, HasSubstr("read 4 = accepted 2 + duplicate 0 + rejected 2"));
  const Catalogue catalogue(folder / "ws/catalogue.sqlite", Catalogue::Mode::read);
  EXPECT_EQ(catalogue.item(0)->title, "two\r\nlines, and a \"quote\"");
  EXPECT_EQ(catalogue.item(1)->id, "4");
}

TEST_F(BadInput, DatesWatchTimesAndIdsOutOfRange) {
  const Finished finished =
      import({"--events", write("log.csv",
                                "user,item,time,watched_ms\n"
                                "ann,x,1969-12-31,1\nann,x,2024-02-31,1\nann,x,2999-01-01,1\n"
                                "ann,x,2024-05-01,-1\nann,x,2024-05-01,1e12\n" +
                                    std::string(10240, 'i') + ",x,2024-05-01,1\nann,x,2024-05-01,1\n")});
  EXPECT_EQ(finished.status, 0) << finished.output;
  EXPECT_THAT(finished.output, HasSubstr("read 7 = accepted 1 + duplicate 0 + rejected 6"));
  const std::string rejects = read_text(folder / "ws/rejects/log.csv.tsv");
  for (const char* place : {"\n2\ttime\t", "\n3\ttime\t", "\n4\ttime\t", "\n5\twatched_ms\t",
                            "\n6\twatched_ms\t", "\n7\tuser\t1 to 512 bytes\t10240 bytes\t"})
    EXPECT_THAT(rejects, HasSubstr(place));
}

TEST_F(BadInput, WhatIsNoFileOfRows) {
  EXPECT_THAT(refused(write("empty.csv", "")), AllOf(HasSubstr("empty.csv"), HasSubstr("the file is empty")));
  std::filesystem::create_directory(folder / "folder.csv");
  EXPECT_THAT(refused((folder / "folder.csv").string()),
              AllOf(HasSubstr("folder.csv"), HasSubstr("a folder")));
  EXPECT_THAT(refused((folder / "none.csv").string()), HasSubstr("no such file"));
}

TEST_F(BadInput, DamagedCompression) {
  std::string noise = "user,item\n";
  for (uint32_t i = 0, state = 1; i < 300000; ++i) {
    state = state * 1664525 + 1013904223;
    noise += "u" + std::to_string(state) + ",x\n";
  }
  const Path whole = write_gzip(folder / "log.csv.gz", noise);
  std::filesystem::resize_file(whole, std::filesystem::file_size(whole) - 1000);
  // 300,000 rows are there before the damage: none of them may go in.
  EXPECT_THAT(refused(whole.string()), AllOf(HasSubstr("log.csv.gz, byte "), HasSubstr("ends too early")));
  EXPECT_THAT(dump(), testing::Not(HasSubstr("ann")));
}

TEST_F(BadInput, NoSpaceLeft) {
  std::string log = "user,item,time\n";
  for (int i = 0; i < 20000; ++i)
    log += "user" + std::to_string(i) + ",item" + std::to_string(i % 700) + "," +
           std::to_string(1700000000 + i) + "\n";
  const std::string file = write("log.csv", log);
  ASSERT_EQ(import({"--events", good}).status, 0);
  const std::string before = dump();
  const std::string program = (program_folder() / "cowatch").string();
  // Files of at most 200 KiB (bash counts kibibytes), one transaction: all or nothing.
  test::Process process(
      "/bin/bash",
      {"-c", "ulimit -f 200; exec \"$0\" import \"$1\" --events \"$2\" --quiet", program, place, file});
  EXPECT_EQ(process.wait(), 1);
  EXPECT_THAT(process.output(),
              AllOf(HasSubstr("cannot"), HasSubstr("Free some space and run the same command again")));
  EXPECT_EQ(dump(), before);
  EXPECT_EQ(import({"--events", file}).status, 0);
  EXPECT_THAT(dump(), HasSubstr("user19999"));
}

TEST_F(BadInput, AWorkspaceOfALaterVersion) {
  ASSERT_EQ(import({"--events", good}).status, 0);
  write_text(folder / "ws/workspace.json", R"({"layout": 99999999999, "program": "cowatch 9.9"})");
  const std::string before = dump();
  const Finished finished = import({"--events", good});
  EXPECT_EQ(finished.status, 2);
  EXPECT_THAT(finished.output,
              AllOf(HasSubstr("later version"), HasSubstr("layout 99999999999"), HasSubstr("cowatch 9.9")));
  EXPECT_EQ(dump(), before);
  for (const char* text : {"{\"layout\": \"x\"}", "{", "[]", ""}) {
    write_text(folder / "ws/workspace.json", text);
    EXPECT_THAT(import({"--events", good}).output, HasSubstr("the workspace's marker cannot be read"))
        << text;
  }
}

TEST_F(BadInput, TwoProcessesOnOneWorkspace) {
  const Workspace held = Workspace::open_or_create(place);
  const Finished finished = import({"--events", good});
  EXPECT_EQ(finished.status, 2);
  EXPECT_THAT(finished.output,
              AllOf(HasSubstr("another process is writing here"),
                    HasSubstr("process " + std::to_string(::getpid())), HasSubstr("Wait until it ends")));
  EXPECT_EQ(dump(), "");
}

TEST_F(BadInput, AFolderThatIsNoWorkspace) {
  const Finished finished = run_cowatch({"import", folder.path().string(), "--events", good, "--quiet"});
  EXPECT_EQ(finished.status, 2);
  EXPECT_THAT(finished.output, HasSubstr("this folder holds other things"));
}

TEST_F(BadInput, AVideoThatIsListedAndMissingOnDisk) {
  write("there.mp4", "bytes");
  const Finished finished = import({"--videos", write("v.csv", "id,file\na,there.mp4\nb,gone.mp4\nc,\n")});
  EXPECT_EQ(finished.status, 0);
  EXPECT_THAT(
      finished.output,
      AllOf(HasSubstr("read 3 = accepted 3"), HasSubstr("1 videos are listed but their file is missing"),
            HasSubstr("v.csv, line 3, column file: expected a file that is there, found none at")));
  const Catalogue catalogue(folder / "ws/catalogue.sqlite", Catalogue::Mode::read);
  EXPECT_EQ(catalogue.item(0)->media_path, (folder / "there.mp4").string());
  EXPECT_EQ(catalogue.item(1)->media_path, "");
}

TEST_F(BadInput, MediaFoldersWithNamesThatCollideOrAreNoText) {
  for (const char* name :
       {"clips/a.mp4", "clips/a.webm", "clips/b.MOV", "clips/notes.txt", "clips/caf\xe9.mp4"}) {
    std::filesystem::create_directories(folder / "clips");
    write(name, "bytes");
  }
  const auto once = [&] { return import({"--videos", (folder / "clips").string()}).output; };
  EXPECT_THAT(once(), HasSubstr("read 4 = accepted 3 + duplicate 0 + rejected 1"));
  EXPECT_THAT(once(), HasSubstr("read 4 = accepted 0 + duplicate 3 + rejected 1"));
  const Catalogue catalogue(folder / "ws/catalogue.sqlite", Catalogue::Mode::read);
  EXPECT_TRUE(catalogue.find_item("a") && catalogue.find_item("a.webm") && catalogue.find_item("b"));
}

TEST_F(BadInput, FilesOfAFolderThatAreLeftOutAreCountedByTheirEndings) {
  std::filesystem::create_directories(folder / "clips/below");
  for (const char* name : {"clips/a.mp3", "clips/b.OPUS", "clips/c.wmv", "clips/below/d.mka", "clips/e.txt",
                           "clips/below/f.TXT", "clips/g.heic", "clips/LICENSE", "clips/h.x\x1b[2J"})
    write(name, "bytes");
  const std::string output = import({"--videos", (folder / "clips").string()}).output;
  EXPECT_THAT(output, AllOf(HasSubstr("read 4 = accepted 4"),
                            HasSubstr("clips: 4 media files; 5 with other endings were left out: .txt 2, "),
                            HasSubstr("none 1"), HasSubstr(".heic 1"), HasSubstr(".x [2j 1")));
  std::filesystem::create_directory(folder / "words");
  write("words/a.txt", "bytes");
  EXPECT_THAT(import({"--videos", (folder / "words").string()}).output,
              AllOf(HasSubstr("the folder holds no media files"), HasSubstr("other endings: .txt 1")));
}

TEST_F(BadInput, FilesOfOneNameWithOtherEndingsOrFoldersStayVideosOfTheirOwn) {
  for (const char* name : {"one", "two", "three"}) std::filesystem::create_directories(folder / name);
  for (const char* name : {"a.mp4", "a.mov", "one/b.mp4", "two/b.mp4", "three/b.mp4"}) write(name, "bytes");
  const std::string table =
      write("v.csv", "file,title\na.mp4,first\na.mov,second\na.avi,that is gone\na.mp4,first\n");
  const auto files = [&] {
    const Catalogue catalogue(folder / "ws/catalogue.sqlite", Catalogue::Mode::read);
    std::map<std::string, std::string> found;
    for (const ItemRecord& item : catalogue.items(0, 100)) found[item.id] = item.media_path;
    return found;
  };
  std::map<std::string, std::string> expected = {
      {"a", (folder / "a.mp4").string()}, {"a.mov", (folder / "a.mov").string()}, {"a.avi", ""}};
  for (const char* counts : {"accepted 3 + duplicate 1", "accepted 0 + duplicate 4"}) {
    EXPECT_THAT(import({"--videos", table}).output, HasSubstr(counts));
    EXPECT_EQ(files(), expected);
  }
  // Folders that each have a file of the name; a folder that moved keeps its videos.
  std::vector<std::string> folders = {"--videos"};
  for (const char* name : {"one", "two", "three"}) folders.push_back((folder / name).string());
  expected["b"] = (folder / "one/b.mp4").string(), expected["b.mp4"] = (folder / "two/b.mp4").string();
  expected[(folder / "three/b.mp4").string()] = (folder / "three/b.mp4").string();
  for (const char* counts : {"accepted 3 + duplicate 0", "accepted 0 + duplicate 3"}) {
    EXPECT_THAT(import(folders).output, HasSubstr(counts));
    EXPECT_EQ(files(), expected);
  }
  std::filesystem::rename(folder / "one", folder / "moved");
  ASSERT_EQ(import({"--videos", (folder / "moved").string()}).status, 0);
  expected["b"] = (folder / "moved/b.mp4").string();
  EXPECT_EQ(files(), expected);
}

TEST_F(BadInput, RowsThatAreAllRejectedAreAnError) {
  const std::string bad = write("bad.csv", "user,item,time\nann,x,never\nbob,y,soon\n");
  for (const std::vector<std::string>& more : {std::vector<std::string>{"--check"}, {}, {"--json"}}) {
    std::vector<std::string> arguments = {"--events", bad};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished finished = import(arguments);
    EXPECT_EQ(finished.status, 2) << finished.output;
    EXPECT_THAT(finished.output,
                AllOf(HasSubstr("no row could be used"), HasSubstr("2 rows, each of which was rejected")));
  }
  EXPECT_THAT(read_text(folder / "ws/rejects/bad.csv.tsv"), HasSubstr("'never'"));
  EXPECT_EQ(import({"--events", bad, good}).status, 0);
}

TEST_F(BadInput, EveryProblemIsCountedWhereSamplesAreOfOne) {
  std::string log = "user,item,time\n";
  for (int i = 0; i < 20; ++i) log += "ann,x,never\n";
  const Finished finished = import({"--events", write("log.csv", log + ",x,\nann,x,\n"), "--check"});
  EXPECT_EQ(finished.status, 0);
  EXPECT_THAT(finished.output, AllOf(HasSubstr("  20 of: column time: expected Unix seconds"),
                                     HasSubstr("  1 of: column user: expected 1 to 512 bytes")));
}

TEST_F(BadInput, JsonThatIsNotOneObjectALine) {
  const std::string list = write("list.json", R"([{"user":"a","item":"x"},{"user":"b","item":"y"}])");
  EXPECT_THAT(refused(list), AllOf(HasSubstr("one JSON list"), HasSubstr("jq -c '.[]' " + list)));
  // Its last line alone would be a row.
  EXPECT_THAT(refused(write("lines.json",
                            "[\n{\"user\":\"a\",\"item\":\"x\"},\n{\"user\":\"b\",\"item\":\"y\"}\n]\n")),
              HasSubstr("one JSON list"));
  EXPECT_THAT(
      refused(write("one.json", "{\n\"user\": \"a\",\n\"item\": \"x\"\n}\n")),
      AllOf(HasSubstr("no row can be read"), HasSubstr("one.json, line 1"), HasSubstr("a JSON object")));
}

TEST_F(BadInput, PipesAreNamedWithTheWayOut) {
  const std::string pipe = (folder / "pipe").string();
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(refused(pipe), AllOf(HasSubstr("a pipe"), HasSubstr("write it to a file first")));
  EXPECT_THAT(refused("-"), HasSubstr("write it to a file first"));
}

TEST_F(BadInput, ControlCharactersOfTheDataDoNotReachTheTerminal) {
  const Finished finished = import({"--events", write("log.csv",
                                                      "user,item,time,\x1b]0;h\x07\nann\x1b[2J,x\xc2\x9b,,\n"
                                                      "bob,\x1b[31mred,never\x7f\x08,\n")});
  EXPECT_EQ(finished.status, 0);
  EXPECT_THAT(finished.output, AllOf(HasSubstr("rejected 1"), HasSubstr("ann [2J")));
  for (const char* sign : {"\x1b", "\x07", "\x08", "\x7f", "\xc2\x9b"})
    EXPECT_THAT(finished.output, testing::Not(HasSubstr(sign)));
  EXPECT_THAT(run_cowatch({"related", place, "\x1b[31mgreen"}).output,
              AllOf(HasSubstr("[31mgreen"), testing::Not(HasSubstr("\x1b"))));
}

TEST_F(BadInput, TheProgressOfASmallFileEndsAtItsEnd) {
  const Finished finished = run_cowatch({"import", place, "--events", good});
  EXPECT_THAT(finished.output, HasSubstr("import: 22 of 22 bytes"));
}

}  // namespace
}  // namespace cowatch

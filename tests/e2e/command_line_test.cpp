// What the command line answers to what it cannot do: the exit status, the place and the way out.
#include <gmock/gmock.h>

#include "support/process.h"

namespace cowatch {
namespace {

using test::Finished;
using test::run_cowatch;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct CommandLine : testing::Test {
  test::TemporaryFolder folder;
  std::string path(const std::string& name) const { return (folder / name).string(); }
  std::string write(const std::string& name, const std::string& text) const {
    write_atomically(folder / name, text);
    return path(name);
  }
};

void expect_refused(const std::vector<std::string>& arguments, const testing::Matcher<std::string>& says) {
  const Finished answer = run_cowatch(arguments);
  EXPECT_EQ(answer.status, 2) << answer.output;
  EXPECT_THAT(answer.output, says);
  EXPECT_THAT(answer.output,
              AllOf(HasSubstr("error: "), HasSubstr("to do: "), Not(HasSubstr("defect of cowatch"))));
}

TEST_F(CommandLine, WordsItDoesNotKnowGetTheNearestOne) {
  expect_refused({"imprt", "ws"}, HasSubstr("Did you mean `cowatch import`?"));
  expect_refused({"import", "ws", "--evnts", "x.csv"}, HasSubstr("Did you mean --events?"));
  expect_refused({"import", "ws", "--events", "x.csv", "--kind", "liek"}, HasSubstr("Did you mean like?"));
  expect_refused({"related", "ws"}, HasSubstr("VIDEO is required"));
  expect_refused({"import", "ws", "--events", "x.csv", "--table", "xls"}, HasSubstr("--table"));
}

TEST_F(CommandLine, WhatIsMissingIsNamedWithTheCommandThatMakesIt) {
  for (const std::vector<std::string>& verb : std::vector<std::vector<std::string>>{
           {"run"}, {"extract"}, {"graph"}, {"train"}, {"embed"}, {"related"}, {"evaluate"}, {"serve"}}) {
    std::vector<std::string> arguments{verb[0], path("none")};
    if (verb[0] == "train") arguments.emplace_back("relational");
    if (verb[0] == "related") arguments.emplace_back("v1");
    SCOPED_TRACE(verb[0]);
    const Finished answer = run_cowatch(arguments);
    EXPECT_NE(answer.status, 0);
    EXPECT_THAT(answer.output, AllOf(HasSubstr("none"), HasSubstr("cowatch import")));
    EXPECT_FALSE(std::filesystem::exists(folder / "none")) << "a question made a workspace";
  }
  const std::string log = write("log.csv", "user,item,timestamp\nann,a,1700000000\nann,b,1700000060\n");
  ASSERT_EQ(run_cowatch({"import", path("ws"), "--events", log, "--quiet"}).status, 0);
  expect_refused({"related", path("ws"), "a"}, HasSubstr("cowatch run"));
  expect_refused({"embed", path("ws")}, HasSubstr("cowatch train"));
}

TEST_F(CommandLine, AVideoThatThereIsNotIsNamed) {
  const std::string log = write("log.csv", "user,item,timestamp\nann,a,1700000000\nann,b,1700000060\n");
  ASSERT_EQ(run_cowatch({"import", path("ws"), "--events", log, "--quiet"}).status, 0);
  expect_refused({"related", path("ws"), "zebra"}, HasSubstr("'zebra'"));
  expect_refused({"search", path("ws"), "--like", path("none.mp4")},
                 AllOf(HasSubstr("there is no such file"), HasSubstr(path("none.mp4"))));
}

TEST_F(CommandLine, AnIdThatBeginsLikeAFlagGetsTheWayOut) {
  expect_refused({"related", path("ws"), "-dash"}, HasSubstr("cowatch related " + path("ws") + " -- -dash"));
  expect_refused({"related", path("ws"), "--cont"},
                 AllOf(HasSubstr("Did you mean --count?"), HasSubstr(" -- --cont")));
  expect_refused({"related", path("ws"), "a", "-dash"}, Not(HasSubstr("`--`")));
}

TEST_F(CommandLine, WhoAndWhatIsNotThereToBeLeftOutIsSaid) {
  const std::string log =
      write("log.csv",
            "user,item,time\nann,a,1700000000\nann,-b,1700000060\nbob,a,1700000000\nbob,-b,1700000060\n");
  ASSERT_EQ(run_cowatch({"import", path("ws"), "--events", log, "--quiet"}).status, 0);
  ASSERT_EQ(run_cowatch({"graph", path("ws"), "--quiet"}).status, 0);
  const Finished answer = run_cowatch({"related", path("ws"), "--exclude", "c", "--user", "an", "--", "-b"});
  EXPECT_EQ(answer.status, 0) << answer.output;
  EXPECT_THAT(answer.output, AllOf(HasSubstr("there is no person 'an'"), HasSubstr("there is no video 'c'"),
                                   HasSubstr("related to -b")));
  EXPECT_THAT(run_cowatch({"related", path("ws"), "--exclude", "a", "--count", "5", "--", "-b"}).output,
              Not(HasSubstr("there is no")));
}

TEST_F(CommandLine, ImportNamesTheFileAndLeavesNoHalfWorkspace) {
  expect_refused({"import", path("ws"), "--events", path("nothing.csv")}, HasSubstr("nothing.csv"));
  expect_refused({"import", path("ws")}, HasSubstr("nothing to import"));
  expect_refused({"import", path("ws"), "--format", "movielens", "--data", path("x")},
                 HasSubstr("movielens"));
  const std::string empty = write("empty.csv", "");
  expect_refused({"import", path("ws"), "--events", empty}, HasSubstr("empty.csv"));
}

TEST_F(CommandLine, CheckWarnsOfAFolderThatAnImportWouldRefuse) {
  const std::string log = write("log.csv", "user,item,timestamp\nann,a,1700000000\nann,b,1700000060\n");
  std::filesystem::create_directory(folder / "full");
  write("full/diary.txt", "dear diary");
  const Finished checked = run_cowatch({"import", path("full"), "--events", log, "--check"});
  EXPECT_EQ(checked.status, 0) << checked.output;
  EXPECT_THAT(checked.output, AllOf(HasSubstr("accepted 2"), HasSubstr("holds other things")));
  EXPECT_THAT(run_cowatch({"import", path("new"), "--events", log, "--check"}).output,
              Not(HasSubstr("holds other things")));
  EXPECT_FALSE(std::filesystem::exists(folder / "new"));
  expect_refused({"import", path("full"), "--events", log}, HasSubstr("holds other things"));
}

TEST_F(CommandLine, AddressesAndSettingsItCannotHave) {
  const std::string log = write("log.csv", "user,item,timestamp\nann,a,1700000000\nann,b,1700000060\n");
  ASSERT_EQ(run_cowatch({"import", path("ws"), "--events", log, "--quiet"}).status, 0);
  expect_refused({"serve", path("ws"), "--address", "0.0.0.0"}, HasSubstr("--key"));
  expect_refused({"serve", path("ws"), "--address", "nowhere", "--key", "k"}, HasSubstr("not an address"));
  expect_refused({"graph", path("ws"), "--set", "train.batc=7"}, HasSubstr("train.batch"));
}

}  // namespace
}  // namespace cowatch

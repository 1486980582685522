// Whole ways, from a log to related videos, in the language of platform_text.h.
#include "e2e/platform_text.h"

namespace cowatch {
namespace {

struct Platform : testing::Test {
  test::PlatformText platform;
  void expect(const std::string& text) { platform.run(text); }
};

TEST_F(Platform, RelatesWhatPeopleWatchTogether) {
  expect(R"(
    alice: a b c
    bob:   a b d
    related a = b           # two people; c and d are one person's each
    related b = a
    related c =
    set graph.min_people = 1
    related a = b c d       # b by two, then by who came first
    related c = a b
  )");
}

TEST_F(Platform, OrdersByPeopleAndTiesByWhoCameFirst) {
  expect(R"(
    set graph.min_people = 1
    ann:  a e d c b
    ben:  a d c b
    cleo: a c
    dora: a c
    related a = c d b e
    related e = a d c b
  )");
}

TEST_F(Platform, CountsAPersonOnceAPair) {
  expect(R"(
    bot: a b a b a b a b
    ann: a c
    ben: a c
    related a = c
    set graph.min_people = 1
    related a = c b
  )");
}

TEST_F(Platform, HoldsABotToItsNewestWatches) {
  expect(R"(
    set graph.min_people = 1
    set graph.max_watches = 2
    bot: a b c d e f
    ann: a b
    related a = b
    related c =
    related e = f
  )");
}

TEST_F(Platform, NeverAnswersWhatIsHiddenWatchedOrDisliked) {
  expect(R"(
    set graph.min_people = 1
    ann: a b c d e f
    ben: a b c d e f
    cleo: c
    cleo dislikes d
    cleo hides e
    related a = b c d e f
    related a for cleo = b f
    related a for nobody = b c d e f
    hide b
    related a = c d e f
    related a for cleo = f
    related b = a c d e f   # who still has its address may ask
  )");
}

TEST_F(Platform, LearnsFromOtherFeedbackWhenTold) {
  expect(R"(
    ann: a b
    ben: a b
    ann likes a
    ann likes c
    ben likes a
    ben likes c
    related a = b c
    set graph.feedback = watch
    related a = b
    set graph.feedback = like
    related a = c
  )");
}

TEST_F(Platform, KeepsTheStrongestNeighboursOfAHub) {
  expect(R"(
    set graph.min_people = 1
    ann:  hub a
    ben:  hub a
    cleo: hub b
    dora: b c
    related hub = a b
    set graph.max_degree = 1
    related hub = a
  )");
}

// Three kinds of films by their looks; x, y and z were uploaded a minute ago.
constexpr const char* three_kinds = R"(
    videos: a1 a2 a3 a4 b1 b2 b3 b4 c1 c2 c3 c4 x y z
    look a1: 1.0 0.1 0.0 0.3
    look a2: 0.9 0.0 0.1 0.9
    look a3: 1.1 0.1 0.1 0.1
    look a4: 1.0 0.0 0.0 0.6
    look b1: 0.0 1.0 0.1 0.2
    look b2: 0.1 0.9 0.0 0.8
    look b3: 0.0 1.1 0.1 0.5
    look b4: 0.1 1.0 0.0 0.1
    look c1: 0.1 0.0 1.0 0.9
    look c2: 0.0 0.1 0.9 0.4
    look c3: 0.1 0.1 1.1 0.7
    look c4: 0.0 0.0 1.0 0.2
    look x: 1.0 0.0 0.1 0.5
    look y: 0.0 1.0 0.0 0.6
    look z: 0.1 0.0 1.0 0.3
    ann:  a1 a2 a3 a4
    ben:  a1 a2 a3 a4
    cleo: b1 b2 b3 b4
    dora: b1 b2 b3 b4
    emil: c1 c2 c3 c4
    fred: c1 c2 c3 c4
)";

TEST_F(Platform, FindsThePlaceOfVideosNobodyWatched) {
  expect(three_kinds);
  expect(R"(
    related x starts a1|a2|a3|a4
    related y starts b1|b2|b3|b4
    related z starts c1|c2|c3|c4
    related a1 starts a2|a3|a4|x    # and the cold one is answered like any other
    hide a2
    related x starts a1|a3|a4
    related x for ann starts y|z|b1|b2|b3|b4|c1|c2|c3|c4    # ann has watched all of a
    related a1 for ann starts x
  )");
}

TEST_F(Platform, AnUploadIsRelatedAfterTheNextRun) {
  expect(three_kinds);
  expect(R"(
    related b1 starts b2|b3|b4|y
    videos: w
    look w: 0.1 1.0 0.1 0.7
    related w starts b1|b2|b3|b4|y
    related b1 starts b2|b3|b4|y|w
  )");
}

TEST_F(Platform, APlatformWithoutFeaturesSaysSoAndAnswersFromTheGraph) {
  expect(R"(
    ann: a b
    ben: a b
    related a = b
  )");
  std::map<std::string, StageReport> reports;
  run_stages(platform.workspace(), Settings(),
             [&](const StageReport& report) { reports[report.name] = report; });
  EXPECT_NE(reports["train"].summary.find("skipped"), std::string::npos);
  EXPECT_FALSE(reports["train"].ran);
  EXPECT_FALSE(std::filesystem::exists(platform.workspace().model()));
}

}  // namespace
}  // namespace cowatch

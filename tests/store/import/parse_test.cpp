#include "store/import/parse.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace cowatch {
namespace {

using testing::ElementsAre;

TEST(ParseTime, ReadsTheCalendarAndZones) {
  EXPECT_EQ(parse_time("2024-05-01"), 1714521600000);
  EXPECT_EQ(parse_time("2024-05-01T10:20"), 1714558800000);
  EXPECT_EQ(parse_time("2024-05-01 10:20:30"), 1714558830000);
  EXPECT_EQ(parse_time("2024-05-01T10:20:30.5Z"), 1714558830500);
  EXPECT_EQ(parse_time("2024-05-01T10:20:30.123456789+08:00"), 1714530030123);
  EXPECT_EQ(parse_time("2024-05-01T10:20:30+0830"), 1714528230000);
  EXPECT_EQ(parse_time("2024-05-01T10:20:30 -05"), 1714576830000);
  EXPECT_EQ(parse_time("2024-02-29"), 1709164800000);  // a leap year
  EXPECT_EQ(parse_time("2000-02-29"), 951782400000);
}

TEST(ParseTime, RefusesDaysThatAreNotInTheCalendar) {
  for (const char* text : {"2024-02-31",
                           "2023-02-29",
                           "2100-02-29",
                           "2024-04-31",
                           "2024-06-31",
                           "2024-13-01",
                           "2024-00-10",
                           "2024-01-00",
                           "2024-01-32",
                           "2024-1-1",
                           "2024-05-01T24:00",
                           "2024-05-01T10:60",
                           "2024-05-01T10:20:61",
                           "2024-05-01T",
                           "2024-05-01T10",
                           "2024-05-01T10:20+",
                           "2024-05-01T10:20+15:00",
                           "2024-05-01T10:20Zx",
                           "2024-05-01T10:20+08:0",
                           "2024-05-01x",
                           "-2024-05-01",
                           "2024--5-01",
                           "01/05/2024",
                           "yesterday",
                           "",
                           " ",
                           "nan",
                           "inf",
                           "1e400"}) {
    EXPECT_EQ(parse_time(text), std::nullopt) << "'" << text << "'";
  }
}

TEST(ParseTime, TellsUnitsApartBySizeAndKnowsItsRange) {
  EXPECT_EQ(parse_time("1700000000"), 1700000000000);
  EXPECT_EQ(parse_time("1700000000.123"), 1700000000123);
  EXPECT_EQ(parse_time("1700000000123"), 1700000000123);
  EXPECT_EQ(parse_time("1700000000123456"), 1700000000123);
  EXPECT_EQ(parse_time("1700000000123456789"), 1700000000123);
  for (const char* text : {"0", "-5", "20240501", "99999999999", "1e30", "1989-12-31", "2100-01-02"})
    EXPECT_EQ(parse_time(text), std::nullopt) << text;
}

TEST(ParseHashtags, PartsThemAsThePlatformDoes) {
  EXPECT_THAT(parse_hashtags("#cat #red_panda"), ElementsAre("cat", "red_panda"));
  EXPECT_THAT(parse_hashtags("#cat,#dog"), ElementsAre("cat", "dog"));
  EXPECT_THAT(parse_hashtags("cat dog"), ElementsAre("cat", "dog"));
  EXPECT_THAT(parse_hashtags("cat, red panda ,cat"), ElementsAre("cat", "red_panda"));
  EXPECT_THAT(parse_hashtags("Film-Noir|Sci Fi|Drama, dark"),
              ElementsAre("Film-Noir", "Sci_Fi", "Drama,_dark"));
  EXPECT_THAT(parse_hashtags("red panda\n"), ElementsAre("red_panda"));  // a JSON list of one
  EXPECT_THAT(parse_hashtags("(no genres listed)"), ElementsAre());
  EXPECT_THAT(parse_hashtags(" | # |,"), ElementsAre());
  EXPECT_THAT(parse_hashtags("\r \r\t"), ElementsAre());  // found by fuzzing
  EXPECT_THAT(parse_hashtags("a\rb|c"), ElementsAre("a_b", "c"));
  EXPECT_THAT(parse_hashtags("#猫 #狗"), ElementsAre("猫", "狗"));
}

struct Parsing : testing::Test {
  std::vector<std::string> names;
  std::variant<Event, Reject> event(std::vector<std::string> columns, std::vector<std::string> cells) {
    names = std::move(columns);
    Record record;
    record.line = 9, record.cells = std::move(cells);
    return EventParser{map_columns(event_roles(), names, {}), std::nullopt}.parse(record, names);
  }
  Reject refusal(const std::string& column, const std::string& cell) {
    const auto parsed = event({"user", "item", column}, {"ann", "x", cell});
    EXPECT_TRUE(std::holds_alternative<Reject>(parsed)) << column << " " << cell;
    return std::holds_alternative<Reject>(parsed) ? std::get<Reject>(parsed) : Reject{};
  }
};

TEST_F(Parsing, ReadsWatchTimesInTheirUnits) {
  const auto watched = [&](const char* column, const char* cell) {
    const auto parsed = event({"user", "item", column}, {"ann", "x", cell});
    return std::holds_alternative<Event>(parsed) ? std::get<Event>(parsed) : Event{};
  };
  EXPECT_EQ(watched("watched_ms", "1500").watched_ms, 1500);
  EXPECT_EQ(watched("watch_time", " 1.5 ").watched_ms, 1500);
  EXPECT_EQ(watched("duration", "60").length_ms, 60000);
  EXPECT_EQ(watched("watch_ratio", "0.25").portion, 0.25);
  EXPECT_EQ(watched("percent_watched", "25").portion, 0.25);
  EXPECT_EQ(watched("watched_ms", "").watched_ms, -1);
  EXPECT_EQ(watched("percent", " ").portion, -1);
}

TEST_F(Parsing, NamesLineColumnExpectedAndFound) {
  const Reject negative = refusal("watched_ms", "-5");
  EXPECT_EQ(negative.line, 9u);
  EXPECT_EQ(negative.column, "watched_ms");
  EXPECT_EQ(negative.expected, "milliseconds, 0 to a week");
  EXPECT_EQ(negative.found, "'-5'");
  EXPECT_EQ(negative.row, "ann | x | -5");
  EXPECT_EQ(refusal("time", "2024-02-31").column, "time");
  EXPECT_EQ(refusal("duration", "1e9").column, "duration");
  EXPECT_EQ(refusal("watch_ratio", "nan").column, "watch_ratio");
  EXPECT_EQ(refusal("percent", "-1").column, "percent");
  EXPECT_EQ(refusal("kind", "stared at").column, "kind");
  EXPECT_EQ(refusal("text", std::string(10001, 'x')).found, "10001 bytes");
  EXPECT_EQ(refusal("text", std::string("a\0b", 3)).found, "a null byte");
  const auto long_id = event({"user", "item"}, {std::string(10240, 'u'), "x"});
  ASSERT_TRUE(std::holds_alternative<Reject>(long_id));
  EXPECT_EQ(std::get<Reject>(long_id).found, "10240 bytes");
  EXPECT_LE(std::get<Reject>(long_id).row.size(), 160u);
}

TEST_F(Parsing, KnowsOtherPlatformsNamesOfKinds) {
  const auto kind = [&](const char* name) {
    return std::get<Event>(event({"user", "item", "action"}, {"ann", "x", name})).kind;
  };
  EXPECT_EQ(kind("View"), FeedbackKind::watch);
  EXPECT_EQ(kind("exposure"), FeedbackKind::impression);
  EXPECT_EQ(kind("hate"), FeedbackKind::dislike);
  EXPECT_EQ(kind("forward"), FeedbackKind::share);
  EXPECT_EQ(kind("not_interested"), FeedbackKind::hide);
  EXPECT_EQ(std::get<Event>(event({"user", "item", "rating"}, {"ann", "x", "4.5"})).kind, FeedbackKind::like);
  EXPECT_EQ(std::get<Event>(event({"user", "item", "rating"}, {"ann", "x", "2"})).kind, FeedbackKind::watch);
}

TEST(MapColumns, ChoosesGuessesAndNamesTheNearest) {
  const std::vector<std::string> columns = {"uid", "clip", "when", "City"};
  EXPECT_THAT(
      map_columns(event_roles(), columns, {{"time", "when"}, {"item", "2"}}),
      testing::UnorderedElementsAre(std::pair("user", 0), std::pair("item", 1), std::pair("time", 2)));
  // Roles of the other table are for the other table.
  EXPECT_EQ(map_columns(item_roles(), columns, {{"user", "uid"}}).count("user"), 0u);
  try {
    map_columns(event_roles(), columns, {{"time", "whem"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_argument);
    EXPECT_EQ(error.details().remedy, "Did you mean --column time=when?");
  }
  try {
    map_columns(event_roles(), columns, {{"usr", "uid"}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.details().remedy, "Did you mean user?");
  }
}

TEST(MapColumns, KeepsRolesWhenKeysTurnUpLater) {
  std::vector<std::string> columns = {"user", "video_id"};
  ColumnMap map = map_columns(event_roles(), columns, {});
  columns.insert(columns.end(), {"item", "time"});
  extend_columns(map, event_roles(), columns);
  EXPECT_EQ(map.at("item"), 1);
  EXPECT_EQ(map.at("time"), 3);
}

}  // namespace
}  // namespace cowatch

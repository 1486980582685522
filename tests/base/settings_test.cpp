#include "base/settings.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

using test::TemporaryFolder;

TEST(NearestName, LettersThatChangedPlacesAreOneMistake) {
  const std::vector<std::string> names = {"click", "like", "hide"};
  EXPECT_EQ(nearest_name("liek", names), "like");
  EXPECT_EQ(nearest_name("clikc", names), "click");
  EXPECT_EQ(nearest_name("watching", names), "");
}

TEST(SettingsTest, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  TemporaryFolder folder;
  write_atomically(folder / "cowatch.toml", "[graph]\nmin_people = 3\n");
  Settings settings;
  EXPECT_EQ(settings.get_int("graph.min_people"), 2);
  settings.load_toml(folder / "cowatch.toml");
  EXPECT_EQ(settings.get_int("graph.min_people"), 3);
  EXPECT_EQ(settings.entry("graph.min_people").origin, "cowatch.toml, line 2");
  setenv("COWATCH_GRAPH_MIN_PEOPLE", "4", 1);
  settings.load_environment();
  unsetenv("COWATCH_GRAPH_MIN_PEOPLE");
  EXPECT_EQ(settings.get_int("graph.min_people"), 4);
  settings.set("graph.min_people", "5", Settings::Source::flag, "--min-people");
  EXPECT_EQ(settings.get_int("graph.min_people"), 5);
}

Error error_of(const std::string& toml) {
  TemporaryFolder folder;
  write_atomically(folder / "cowatch.toml", toml);
  try {
    Settings().load_toml(folder / "cowatch.toml");
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "accepted: " << toml;
  return Error(ErrorCode::internal, "");
}

TEST(SettingsTest, AnUnknownKeyNamesTheNearest) {
  const Error error = error_of("[graph]\n\nmin_peple = 3\n");
  EXPECT_EQ(error.code(), ErrorCode::bad_input);
  EXPECT_EQ(error.details().where, "cowatch.toml, line 3");
  EXPECT_EQ(error.details().remedy, "Did you mean graph.min_people?");
}

TEST(SettingsTest, RefusesWrongTypesAndRanges) {
  EXPECT_EQ(error_of("[graph]\nmin_people = \"two\"\n").details().found, "'two'");
  EXPECT_EQ(error_of("[graph]\nmin_people = 0\n").details().found, "'0'");
  EXPECT_EQ(error_of("[graph]\nmin_people = 2.5\n").code(), ErrorCode::bad_input);
  EXPECT_EQ(error_of("[graph\n").code(), ErrorCode::bad_input);
  EXPECT_EQ(error_of("min_people = 2\n").code(), ErrorCode::bad_input);
}

TEST(SettingsTest, EveryDeclarationIsSoundAndNamedOnce) {
  std::vector<std::string> names;
  for (const Setting& declaration : setting_declarations()) {
    names.emplace_back(declaration.name);
    EXPECT_NE(declaration.name.find('.'), std::string_view::npos) << declaration.name;
    EXPECT_FALSE(declaration.meaning.empty()) << declaration.name;
    Settings settings;  // the default passes the setting's own check
    EXPECT_NO_THROW(settings.set(declaration.name, to_text(declaration.fallback), Settings::Source::flag, "test"));
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

}  // namespace
}  // namespace cowatch

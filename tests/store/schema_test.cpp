#include "store/schema.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

TEST(SchemaTest, RunsTheStepsThatAreMissingAndAllOrNone) {
  const test::TemporaryFolder folder;
  const Path path = folder / "c";
  Database database(path, true);
  const char* const one[] = {"CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (7);"};
  migrate(database, path, one);
  const char* const broken[] = {one[0], "ALTER TABLE t ADD COLUMN b INTEGER DEFAULT 8;", "nonsense"};
  EXPECT_THROW(migrate(database, path, broken), Error);
  EXPECT_EQ(database.number("PRAGMA user_version"), 1);
  EXPECT_THROW(database.number("SELECT b FROM t"), Error);
  const char* const whole[] = {broken[0], broken[1], "UPDATE t SET a = a + b;"};
  migrate(database, path, whole);
  migrate(database, path, whole);  // nothing is left to do
  EXPECT_EQ(database.number("PRAGMA user_version"), 3);
  EXPECT_EQ(database.number("SELECT a FROM t"), 15);
  EXPECT_THROW(migrate(database, path, one), Error);  // made by a later version
}

}  // namespace
}  // namespace cowatch

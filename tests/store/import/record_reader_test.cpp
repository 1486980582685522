#include "store/import/record_reader.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/temporary_folder.h"
#include "support/text_files.h"

namespace cowatch {
namespace {

using test::TemporaryFolder;
using test::write_gzip;
using test::write_text;

struct Table {
  std::vector<std::string> columns;
  std::vector<Record> records;
};

Table read_table(const Path& path, TableFormat format, bool header = true) {
  const auto reader = RecordReader::open(path, format, header);
  Table table;
  for (Record record; reader->next(record);) table.records.push_back(record);
  table.columns = reader->columns();
  return table;
}

Table read_text(std::string_view text, TableFormat format, bool header = true) {
  const TemporaryFolder folder;
  return read_table(write_text(folder / "table", text), format, header);
}

// The message of the Error that reading throws; "" when it throws none.
std::string refusal(std::string_view text, TableFormat format) {
  try {
    read_text(text, format);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
    return error.what();
  }
  return "";
}

using Cells = std::vector<std::string>;

TEST(RecordReaderTest, ReadsQuotesNewlinesAndMarks) {
  const Table table =
      read_text("\xef\xbb\xbfuser,item\r\n\"a\"\"b\",\"x\ny, z\"\r\n\r\nc,d\n", TableFormat::csv);
  EXPECT_EQ(table.columns, (Cells{"user", "item"}));
  ASSERT_EQ(table.records.size(), 2u);
  EXPECT_EQ(table.records[0].cells, (Cells{"a\"b", "x\ny, z"}));
  EXPECT_EQ(table.records[1].cells, (Cells{"c", "d"}));
  EXPECT_EQ(table.records[1].line, 5u);  // the quoted cell took two lines, and one is blank
}

TEST(RecordReaderTest, ReadsTabsSemicolonsAndGzip) {
  EXPECT_EQ(read_text("a\tb\n1\t\"2\n", TableFormat::tsv).records[0].cells, (Cells{"1", "\"2"}));
  EXPECT_EQ(read_text("a;b\n1;2\n", TableFormat::csv).records[0].cells, (Cells{"1", "2"}));
  const TemporaryFolder folder;
  EXPECT_EQ(read_table(write_gzip(folder / "t.csv.gz", "a,b\n1,2"), TableFormat::csv).records[0].cells,
            (Cells{"1", "2"}));
}

TEST(RecordReaderTest, NumbersColumnsWithoutAHeader) {
  const Table table = read_text("1,2,3\n4,5,6\n", TableFormat::csv, false);
  EXPECT_EQ(table.columns, (Cells{"1", "2", "3"}));
  EXPECT_EQ(table.records.size(), 2u);
}

TEST(RecordReaderTest, RefusesRowsOneByOne) {
  const Table table = read_text("a,b\n1\n\"1\"x,2\n1,\xff\n3,4\n", TableFormat::csv);
  ASSERT_EQ(table.records.size(), 4u);
  ASSERT_TRUE(table.records[0].problem);
  EXPECT_EQ(table.records[0].problem->expected, "2 cells");
  ASSERT_TRUE(table.records[1].problem);
  EXPECT_EQ(table.records[1].problem->line, 3u);
  ASSERT_TRUE(table.records[2].problem);
  EXPECT_EQ(table.records[2].problem->column, "b");
  EXPECT_EQ(table.records[2].problem->found, "byte 255 at position 1");
  EXPECT_FALSE(table.records[3].problem);
}

TEST(RecordReaderTest, RefusesWholeFilesThatCannotBeTables) {
  EXPECT_NE(refusal("", TableFormat::csv).find("empty"), std::string::npos);
  EXPECT_NE(refusal("\xff\xfeu\0s\0", TableFormat::csv).find("UTF-16"), std::string::npos);
  const TemporaryFolder folder;
  EXPECT_THROW(RecordReader::open(folder.path(), TableFormat::csv, true), Error);
  EXPECT_THROW(RecordReader::open(folder / "none", TableFormat::csv, true), Error);
  std::string noise;
  for (uint32_t i = 0, state = 1; i < 20000; ++i)
    noise += static_cast<char>('a' + ((state = state * 1664525 + 1013904223) >> 24) % 26);
  const Path whole = write_gzip(folder / "t.gz", "a\n" + noise);
  std::filesystem::resize_file(whole, std::filesystem::file_size(whole) / 2);
  try {
    read_table(whole, TableFormat::csv);
    FAIL() << "a cut gzip file was read to its end";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::bad_input);
    EXPECT_NE(error.details().where.find("byte "), std::string::npos);
  }
}

TEST(RecordReaderTest, AHeaderThatCannotBeReadIsAnErrorOfTheFile) {
  EXPECT_NE(refusal("\"user,item\n1,2\n", TableFormat::csv).find("closing quote"), std::string::npos);
  EXPECT_NE(refusal("us\xff"
                    "er,item\n1,2\n",
                    TableFormat::csv)
                .find("position 3"),
            std::string::npos);
  EXPECT_NE(refusal("\"user\"x,item\n1,2\n", TableFormat::csv).find("behind the closing quote"),
            std::string::npos);
}

TEST(RecordReaderTest, BoundsARowOfSeparatorsOnly) {
  const Table table = read_text("a,b\n" + std::string(3 << 20, ',') + "\n1,2\n", TableFormat::csv);
  ASSERT_EQ(table.records.size(), 2u);
  ASSERT_TRUE(table.records[0].problem);
  EXPECT_EQ(table.records[0].problem->expected, "a row of at most 1 MiB");
  EXPECT_LE(table.records[0].cells.size(), (1u << 20) + 2);
  EXPECT_EQ(table.records[1].cells, (Cells{"1", "2"}));
}

TEST(JsonLinesTest, ReadsKeysThatTurnUpLater) {
  const Table table =
      read_text("{\"a\":1,\"tags\":[\"x\",\"y\"]}\n\n{\"b\":\"z\",\"a\":null}\n", TableFormat::jsonl);
  EXPECT_EQ(table.columns, (Cells{"a", "tags", "b"}));
  ASSERT_EQ(table.records.size(), 2u);
  EXPECT_EQ(table.records[0].cells, (Cells{"1", "x\ny\n"}));
  EXPECT_EQ(table.records[1].cells, (Cells{"", "", "z"}));
}

TEST(JsonLinesTest, BracketsInsideTextAreNotNesting) {
  const std::string open(100, '[');
  const Table table = read_text("{\"a\":\"" + open + "\\\"" + open + "\"}\n", TableFormat::jsonl);
  ASSERT_EQ(table.records.size(), 1u);
  ASSERT_FALSE(table.records[0].problem);
  EXPECT_EQ(table.records[0].cells[0], open + "\"" + open);
  const Table deep = read_text("{\"a\":" + std::string(100000, '[') + "\n{\"a\":1}\n", TableFormat::jsonl);
  ASSERT_TRUE(deep.records[0].problem);
  EXPECT_NE(deep.records[0].problem->found.find("deep"), std::string::npos);
  EXPECT_FALSE(deep.records[1].problem);
}

TEST(JsonLinesTest, NamesThePlaceOfBytesThatAreNotUtf8) {
  const Table table =
      read_text("{\"a\":\"\xff\"}\n{\"a\":\"\\ud800\"}\n[1]\n{\"a\":1}\n", TableFormat::jsonl);
  ASSERT_TRUE(table.records[0].problem);
  EXPECT_EQ(table.records[0].problem->expected, "UTF-8");
  EXPECT_EQ(table.records[0].problem->found, "byte 255 at position 7");
  EXPECT_TRUE(table.records[1].problem);
  ASSERT_TRUE(table.records[2].problem);
  EXPECT_EQ(table.records[2].problem->found, "array");
  EXPECT_FALSE(table.records[3].problem);
}

TEST(JsonLinesTest, BoundsTheNumberOfKeys) {
  std::string text;
  for (int i = 0; i < 1500; ++i) text += "{\"key" + std::to_string(i) + "\":1}\n";
  std::string wide = "{\"key0\":1";
  for (int i = 0; i < 50000; ++i) wide += ",\"w" + std::to_string(i) + "\":1";
  const Table table = read_text(text + wide + "}\n{\"key0\":7}\n", TableFormat::jsonl);
  EXPECT_EQ(table.columns.size(), 1000u);
  ASSERT_EQ(table.records.size(), 1502u);
  EXPECT_FALSE(table.records[999].problem);
  for (size_t i = 1000; i <= 1500; ++i) ASSERT_TRUE(table.records[i].problem) << i;
  EXPECT_NE(table.records[1000].problem->expected.find("1,000"), std::string::npos);
  EXPECT_FALSE(table.records[1501].problem);
  EXPECT_EQ(table.records[1501].cells[0], "7");
}

}  // namespace
}  // namespace cowatch

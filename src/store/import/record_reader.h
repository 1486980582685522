// Rows of a table in a text file: CSV (RFC 4180, also with newlines in quotes), TSV, or JSON lines; plain,
// gzip or zstd. A row that cannot be read is reported and the next one goes on: after a quote that never
// closes that is the next line.
//
// A JSON list becomes a cell with its texts one a line, each ended by '\n'; other JSON values that are no
// text are written as JSON.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/text_input.h"

namespace cowatch {

enum class TableFormat { csv, tsv, jsonl };

// Why a row was refused, and where.
struct Reject {
  uint64_t line = 0;   // of the file, from 1
  std::string column;  // name or number; empty: the whole row
  std::string expected, found;
  std::string row;  // its beginning
};

struct Record {
  uint64_t line = 0;               // where it begins
  std::vector<std::string> cells;  // by column; fewer than columns(): the rest is absent
  std::optional<Reject> problem;   // the row is malformed: cells are not valid
  std::string_view cell(int column) const {
    return column >= 0 && static_cast<size_t>(column) < cells.size()
               ? std::string_view(cells[static_cast<size_t>(column)])
               : std::string_view();
  }
};

class RecordReader {
 public:
  // `header`: the first row of a CSV or TSV names the columns; otherwise they are called 1, 2, 3 …
  // Throws bad_input for an empty file and for one in UTF-16.
  static std::unique_ptr<RecordReader> open(const Path& path, TableFormat format, bool header);
  virtual ~RecordReader() = default;

  virtual bool next(Record& record) = 0;
  // JSON lines: grows as keys turn up.
  const std::vector<std::string>& columns() const { return columns_; }
  const InputStream& input() const { return text_.stream(); }

 protected:
  explicit RecordReader(const Path& path) : text_(path) {}

  std::vector<std::string> columns_;
  TextInput text_;
};

// By the ending of the name (below .gz, .zst) or the first bytes.
TableFormat guess_format(const Path& path);

}  // namespace cowatch

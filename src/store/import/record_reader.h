// Rows of a table in a text file: CSV (RFC 4180, also with newlines in quotes), TSV, or JSON lines; plain,
// gzip or zstd. A row that cannot be read is reported and the next one goes on.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/input_stream.h"

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
  const InputStream& input() const { return stream_; }

 protected:
  explicit RecordReader(const Path& path);
  // A whole line without its end; false at the end of the file. Longer ones than 1 MiB are cut and `overlong`
  // is set.
  bool next_line(std::string& line, bool& overlong);
  int peek();  // next byte, or -1
  int take();
  bool fill();

  std::vector<std::string> columns_;
  InputStream stream_;
  uint64_t line_ = 1;  // of the next byte
  std::string buffer_;
  size_t at_ = 0, filled_ = 0;
};

// By the ending of the name (below .gz, .zst) or the first bytes.
TableFormat guess_format(const Path& path);
// Whether the text is well-formed UTF-8; otherwise the first byte that is not, in `at`.
bool is_utf8(std::string_view text, size_t& at);

}  // namespace cowatch

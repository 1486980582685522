#include "store/import/record_reader.h"

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "base/json.h"

namespace cowatch {
namespace {

constexpr size_t longest_row =
    TextInput::longest_line;        // a quote that never closes must not swallow the file
constexpr size_t most_keys = 1000;  // of JSON lines, in one row and in all
constexpr size_t deepest_nesting = 64;

std::string beginning(std::string_view row) {
  return std::string(cut_text(row, 120));
}

Reject overlong_row(uint64_t line, std::string_view row) {
  return {line, "", "a row of at most 1 MiB", "a longer one (a quote that is not closed?)", beginning(row)};
}

std::optional<Reject> encoding_problem(uint64_t line, const std::vector<std::string>& cells,
                                       const std::vector<std::string>& columns) {
  for (size_t i = 0; i < cells.size(); ++i) {
    size_t at = 0;
    if (is_utf8(cells[i], at)) continue;
    const std::string name = i < columns.size() ? columns[i] : std::to_string(i + 1);
    return Reject{line, name, "UTF-8", describe_byte(cells[i], at), ""};
  }
  return std::nullopt;
}

class DelimitedReader : public RecordReader {
 public:
  DelimitedReader(const Path& path, TableFormat format, bool header)
      : RecordReader(path),
        separator_(format == TableFormat::tsv ? '\t' : ','),
        quotes_(format == TableFormat::csv) {
    // European spreadsheets write semicolons.
    if (format == TableFormat::csv) {
      const std::string_view line = text_.ahead().substr(0, text_.ahead().find('\n'));
      if (line.find(',') == line.npos && line.find(';') != line.npos) separator_ = ';';
    }
    Record record;
    if (header && read(record)) columns_ = record.cells;
    if (header && !record.problem) record.problem = encoding_problem(record.line, columns_, {});
    if (header && record.problem) refuse_header(*record.problem);
  }

  bool next(Record& record) override {
    do {
      if (!read(record)) return false;
    } while (!record.problem && record.cells.size() == 1 &&
             record.cells[0].empty());  // blank lines mean nothing
    if (columns_.empty() && !record.problem) {
      for (size_t i = 1; i <= record.cells.size(); ++i) columns_.push_back(std::to_string(i));
    }
    if (!record.problem && record.cells.size() != columns_.size()) {
      record.problem = Reject{record.line, "", std::to_string(columns_.size()) + " cells",
                              std::to_string(record.cells.size()), ""};
    }
    if (!record.problem) record.problem = encoding_problem(record.line, record.cells, columns_);
    if (record.problem && record.problem->row.empty()) {
      std::string row;
      for (const std::string& cell : record.cells)
        row += (row.empty() ? "" : std::string(1, separator_)) + cell;
      record.problem->row = beginning(row);
    }
    return true;
  }

 private:
  // Without the names of the columns no row can be understood.
  [[noreturn]] void refuse_header(const Reject& problem) const {
    throw Error(ErrorCode::bad_input, "the header cannot be read",
                {.where = input().path().string() + ", line " + std::to_string(problem.line) +
                          (problem.column.empty() ? "" : ", column " + problem.column),
                 .expected = problem.expected,
                 .found = problem.found,
                 .remedy = "Correct the first row, or give --no-header if the file has none."});
  }

  bool read(Record& record) {
    record.cells.clear();
    record.problem.reset();
    record.line = text_.line();
    if (text_.peek() < 0) return false;
    size_t length = 0;
    for (bool more = true; more;) {
      if (length <= longest_row) record.cells.emplace_back();
      more = quotes_ && text_.peek() == '"' ? read_quoted(record, length)
                                            : read_plain(record.cells.back(), length);
      if (length > longest_row && !record.problem)
        record.problem = overlong_row(record.line, record.cells[0]);
    }
    return true;
  }

  // Both return whether another cell follows in the row.
  bool read_plain(std::string& cell, size_t& length) {
    for (int c; (c = text_.take()) >= 0; ++length) {
      if (c == separator_) return ++length, true;
      if (c == '\n') break;
      if (length <= longest_row) cell += static_cast<char>(c);
    }
    if (!cell.empty() && cell.back() == '\r') cell.pop_back();
    return false;
  }

  bool read_quoted(Record& record, size_t& length) {
    std::string& cell = record.cells.back();
    const size_t before = length;
    raw_.clear();
    text_.take();
    for (;; ++length) {
      const int c = text_.take();
      if (c >= 0) raw_ += static_cast<char>(c);
      if (c < 0 || length > longest_row) {
        record.problem = Reject{record.line, "", "a closing quote",
                                c < 0 ? "the end of the file" : "none within 1 MiB", beginning(cell)};
        length = before;
        return go_on_after_first_line();
      }
      if (c == '"') {
        if (text_.peek() != '"') break;
        raw_ += static_cast<char>(text_.take());
      }
      cell += static_cast<char>(c);
    }
    const int next = text_.peek();
    if (next < 0 || next == separator_ || next == '\n' || next == '\r') {
      std::string rest;  // a lone '\r' at most
      return read_plain(rest, length);
    }
    record.problem = Reject{record.line, "", "a separator behind the closing quote",
                            "'" + std::string(cut_text(text_.ahead(), 20)) + "'", beginning(cell)};
    if (raw_.find('\n') != raw_.npos) return go_on_after_first_line();
    std::string rest;
    return read_plain(rest, length);
  }

  // The quote was a slip: the lines it seemed to hold are rows of their own.
  bool go_on_after_first_line() {
    const size_t end = raw_.find('\n');
    if (end != raw_.npos) {
      text_.unread(std::string_view(raw_).substr(end + 1));
    } else {
      for (int c; (c = text_.take()) >= 0 && c != '\n';) {
      }
    }
    return false;
  }

  std::string raw_;  // of a quoted cell, as in the file
  char separator_;
  bool quotes_;
};

class JsonLinesReader : public RecordReader {
 public:
  explicit JsonLinesReader(const Path& path) : RecordReader(path) {}

  bool next(Record& record) override {
    std::string text;
    bool overlong = false;
    do {
      record.line = text_.line();
      if (!text_.next_line(text, overlong)) return false;
    } while (text.find_first_not_of(" \t\r") == text.npos);
    record.cells.assign(columns_.size(), "");
    record.problem.reset();
    if (overlong) {
      record.problem = overlong_row(record.line, text);
      return true;
    }
    record.problem = problem_before_parsing(record.line, text);
    if (record.problem) return true;
    const Json json = Json::parse(text, nullptr, false);
    if (!json.is_object()) {
      record.problem =
          Reject{record.line, "", "a JSON object",
                 json.is_discarded() ? "text that is not JSON" : json.type_name(), beginning(text)};
      return true;
    }
    if (!know_keys(json)) {
      record.problem = Reject{record.line, "", "at most 1,000 different keys in the file", "another new key",
                              beginning(text)};
      return true;
    }
    record.cells.resize(columns_.size());
    for (const auto& [key, value] : json.items()) put(record.cells[numbers_.at(key)], value);
    return true;
  }

 private:
  // Bounds what the parser is given: it takes time with the square of an object's keys.
  static std::optional<Reject> problem_before_parsing(uint64_t line, const std::string& text) {
    size_t at = 0;
    if (!is_utf8(text, at)) {
      return Reject{line, "", "UTF-8", describe_byte(text, at), beginning(text.substr(0, at))};
    }
    size_t depth = 0, deepest = 0, keys = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      if (c == '"') quoted = !quoted;
      if (quoted && c == '\\') ++i;
      if (quoted) continue;
      keys += c == ':';
      if (c == '[' || c == '{') deepest = std::max(deepest, ++depth);
      if ((c == ']' || c == '}') && depth > 0) --depth;
    }
    if (deepest > deepest_nesting)
      return Reject{line, "", "a JSON object nested at most 64 deep",
                    "one " + std::to_string(deepest) + " deep", beginning(text)};
    if (keys > most_keys)
      return Reject{line, "", "at most 1,000 keys", std::to_string(keys), beginning(text)};
    return std::nullopt;
  }

  // Gives each new key a column; false (and none is given) if there would be too many.
  bool know_keys(const Json& json) {
    std::vector<std::string> added;
    for (const auto& [key, value] : json.items()) {
      if (!numbers_.contains(key)) added.push_back(key);
    }
    if (columns_.size() + added.size() > most_keys) return false;
    for (std::string& key : added) {
      numbers_.emplace(key, columns_.size());
      columns_.push_back(std::move(key));
    }
    return true;
  }

  static void put(std::string& cell, const Json& value) {
    if (value.is_string()) {
      cell = value.get<std::string>();
    } else if (value.is_array()) {  // of texts, such as hashtags
      for (const Json& item : value)
        cell += (item.is_string() ? item.get<std::string>() : item.dump()) + '\n';
    } else if (!value.is_null()) {
      cell = value.dump();
    }
  }

  std::unordered_map<std::string, size_t> numbers_;  // of the columns
};

}  // namespace

std::unique_ptr<RecordReader> RecordReader::open(const Path& path, TableFormat format, bool header) {
  if (format == TableFormat::jsonl) return std::make_unique<JsonLinesReader>(path);
  return std::make_unique<DelimitedReader>(path, format, header);
}

TableFormat guess_format(const Path& path) {
  Path name = path.filename();
  if (name.extension() == ".gz" || name.extension() == ".zst") name = name.stem();
  const std::string ending = name.extension().string();
  if (ending == ".jsonl" || ending == ".ndjson" || ending == ".json") return TableFormat::jsonl;
  if (ending == ".tsv" || ending == ".tab") return TableFormat::tsv;
  if (ending == ".csv") return TableFormat::csv;
  std::string begin(4096, '\0');
  begin.resize(InputStream(path).read(begin.data(), begin.size()));
  if (begin.starts_with("{")) return TableFormat::jsonl;
  const std::string_view line = std::string_view(begin).substr(0, begin.find('\n'));
  return line.find('\t') != line.npos ? TableFormat::tsv : TableFormat::csv;
}

}  // namespace cowatch

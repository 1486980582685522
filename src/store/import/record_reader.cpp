#include "store/import/record_reader.h"

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "base/json.h"

namespace cowatch {
namespace {

constexpr size_t longest_row = 1 << 20;  // bytes; a quote that never closes must not swallow the file
constexpr size_t most_keys = 1000;           // of JSON lines, in one row and in all
constexpr size_t deepest_nesting = 64;

std::string beginning(std::string_view row) {
  return std::string(row.substr(0, 120));
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
    return Reject{line, name, "UTF-8",
                  "byte " + std::to_string(static_cast<unsigned char>(cells[i][at])) + " at position " +
                      std::to_string(at + 1),
                  ""};
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
    if (format == TableFormat::csv && fill()) {
      const std::string_view line(buffer_.data() + at_,
                                  std::min(filled_ - at_, buffer_.find('\n', at_) - at_));
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
    if (columns_.empty()) {
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
    record.line = line_;
    if (peek() < 0) return false;
    size_t length = 0;
    for (bool more = true; more;) {
      if (length <= longest_row) record.cells.emplace_back();
      more = quotes_ && peek() == '"' ? read_quoted(record, length) : read_plain(record.cells.back(), length);
      if (length > longest_row && !record.problem)
        record.problem = overlong_row(record.line, record.cells[0]);
    }
    return true;
  }

  // Both return whether another cell follows in the row.
  bool read_plain(std::string& cell, size_t& length) {
    for (int c; (c = take()) >= 0; ++length) {
      if (c == separator_) return ++length, true;
      if (c == '\n') break;
      if (length <= longest_row) cell += static_cast<char>(c);
    }
    if (!cell.empty() && cell.back() == '\r') cell.pop_back();
    return false;
  }

  bool read_quoted(Record& record, size_t& length) {
    std::string& cell = record.cells.back();
    take();
    for (;; ++length) {
      const int c = take();
      if (c < 0) {
        record.problem = Reject{record.line, "", "a closing quote", "the end of the file", beginning(cell)};
        return false;
      }
      if (c == '"') {
        if (peek() != '"') break;
        take();
      }
      if (length > longest_row) {
        record.problem = overlong_row(record.line, cell);
        std::string rest;
        read_plain(rest, length);
        return false;
      }
      cell += static_cast<char>(c);
    }
    std::string rest;
    const bool more = read_plain(rest, length);
    if (!rest.empty()) {
      record.problem = Reject{record.line, "", "a separator behind the closing quote",
                              "'" + rest.substr(0, 20) + "'", beginning(cell)};
    }
    return more;
  }

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
      record.line = line_;
      if (!next_line(text, overlong)) return false;
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
      return Reject{line, "", "UTF-8",
                    "byte " + std::to_string(static_cast<unsigned char>(text[at])) + " at position " +
                        std::to_string(at + 1),
                    ""};
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
      return Reject{line, "", "a JSON object nested at most 64 deep", "one " + std::to_string(deepest) + " deep",
                    beginning(text)};
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
        cell += (cell.empty() ? "" : " ") + (item.is_string() ? item.get<std::string>() : item.dump());
    } else if (!value.is_null()) {
      cell = value.dump();
    }
  }

  std::unordered_map<std::string, size_t> numbers_;  // of the columns
};

}  // namespace

RecordReader::RecordReader(const Path& path) : stream_(path), buffer_(1 << 18, '\0') {
  if (!fill()) {
    throw Error(ErrorCode::bad_input, "the file is empty",
                {.where = path.string(), .expected = "at least one row"});
  }
  const std::string_view begin(buffer_.data(), filled_);
  if (begin.starts_with("\xff\xfe") || begin.starts_with("\xfe\xff")) {
    throw Error(ErrorCode::bad_input, "the file is in UTF-16",
                {.where = path.string(),
                 .expected = "UTF-8",
                 .found = "a UTF-16 byte order mark",
                 .remedy = "Convert it: iconv -f UTF-16 -t UTF-8 FILE > FILE.utf8"});
  }
  if (begin.starts_with("\xef\xbb\xbf")) at_ = 3;
}

bool RecordReader::fill() {
  if (at_ < filled_) return true;
  at_ = 0;
  filled_ = stream_.read(buffer_.data(), buffer_.size());
  return filled_ > 0;
}

int RecordReader::peek() {
  return fill() ? static_cast<unsigned char>(buffer_[at_]) : -1;
}

int RecordReader::take() {
  const int c = peek();
  if (c < 0) return c;
  ++at_;
  line_ += c == '\n';
  return c;
}

bool RecordReader::next_line(std::string& line, bool& overlong) {
  line.clear();
  overlong = false;
  if (peek() < 0) return false;
  while (fill()) {
    const char* begin = buffer_.data() + at_;
    const char* end = std::find(begin, static_cast<const char*>(buffer_.data()) + filled_, '\n');
    if (line.size() <= longest_row) line.append(begin, end);
    at_ = static_cast<size_t>(end - buffer_.data());
    if (at_ < filled_) {
      take();
      break;
    }
  }
  if (line.size() > longest_row) overlong = true;
  return true;
}

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

bool is_utf8(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const auto trails = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  for (at = 0; at < text.size();) {
    const unsigned c = byte(at);
    if (c < 0x80) {
      ++at;
    } else if (c >= 0xc2 && c < 0xe0 && trails(at + 1)) {
      at += 2;
    } else if (c >= 0xe0 && c < 0xf0 && trails(at + 1) && trails(at + 2) &&
               !(c == 0xe0 && byte(at + 1) < 0xa0) && !(c == 0xed && byte(at + 1) >= 0xa0)) {
      at += 3;
    } else if (c >= 0xf0 && c < 0xf5 && trails(at + 1) && trails(at + 2) && trails(at + 3) &&
               !(c == 0xf0 && byte(at + 1) < 0x90) && !(c == 0xf4 && byte(at + 1) >= 0x90)) {
      at += 4;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace cowatch

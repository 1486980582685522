// From the cells of a row to an event or an item; a cell that cannot be read makes a Reject.
#pragma once

#include <optional>
#include <variant>

#include "store/catalogue.h"
#include "store/import/columns.h"
#include "store/import/file_ids.h"
#include "store/import/record_reader.h"

namespace cowatch {

// A finite number in decimal or scientific notation, nothing before or behind it.
std::optional<double> parse_number(std::string_view text);
// Milliseconds since 1970 (UTC) from Unix seconds, milliseconds, microseconds or nanoseconds (told apart by
// size) or ISO 8601 ("2024-05-01", "2024-05-01T10:20:30.5+08:00"; without a zone: UTC). nullopt: neither, no
// day of the calendar, or outside 1990 to 2100.
std::optional<int64_t> parse_time(std::string_view text);
// Tags as platforms write them: "#cat #dog", "film noir|drama", "cat, red panda", or one a line. A blank
// inside a tag becomes '_'; repeats and the empty "(no genres listed)" of MovieLens are left out.
std::vector<std::string> parse_hashtags(std::string_view text);
std::vector<std::string> split_tags(std::string_view text, std::string_view separators);

// What a row may hold, however it comes in.
inline constexpr double longest_seconds = 7 * 86400;  // a video or a watch of more than a week is a mistake
inline constexpr size_t longest_text = 10000;         // bytes
inline constexpr double most_portion = 1000;          // short clips repeat by themselves, hundreds of times

// Of rows without a kind whose column of text is named for one, such as `comment`, and which tell nothing of
// watching.
std::optional<FeedbackKind> implied_kind(const ColumnMap& columns, std::span<const std::string> names);

struct EventParser {
  const ColumnMap& columns;  // borrowed: a parser is made for each row
  std::optional<FeedbackKind>
      fixed_kind;  // `--kind`; otherwise the kind column, or the implied one, or watch (a rating ≥ 4: like)

  // Exactly one of the two comes back.
  std::variant<Event, Reject> parse(const Record& record, std::span<const std::string> names) const;
};

// A video whose file is missing is kept without it; `missing_file` says which.
struct ParsedItem {
  ItemRecord item;
  std::optional<Reject> missing_file;
};

struct ItemParser {
  const ColumnMap& columns;
  const Path& folder;  // media paths are relative to it
  FileIds& ids;        // asked where there is no column for the id

  std::variant<ParsedItem, Reject> parse(const Record& record, std::span<const std::string> names) const;
};

}  // namespace cowatch

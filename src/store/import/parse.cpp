#include "store/import/parse.h"

#include <algorithm>
#include <cmath>

#include "store/catalogue_tools.h"

namespace cowatch {
namespace {

int role_column(const ColumnMap& columns, std::string_view role) {
  const auto found = columns.find(role);
  return found == columns.end() ? -1 : found->second;
}

// Reads the cells of one row; the first thing that is wrong becomes the reject.
class Row {
 public:
  Row(const Record& record, const ColumnMap& columns, std::span<const std::string> names)
      : record_(record), columns_(columns), names_(names) {}

  std::string_view text(std::string_view role) const { return record_.cell(role_column(columns_, role)); }
  bool has(std::string_view role) const { return !trimmed(role).empty(); }

  std::string id(std::string_view role) { return checked_id(role, text(role)); }
  std::string checked_id(std::string_view role, std::string_view value) {
    if (value.empty() || value.size() > longest_id) {
      refuse(role, "1 to 512 bytes",
             value.empty() ? "an empty cell" : std::to_string(value.size()) + " bytes");
    }
    return without_null_bytes(role, value);
  }
  std::string words(std::string_view role) {
    auto value = text(role);
    if (value.size() > longest_text)
      refuse(role, "at most 10,000 bytes", std::to_string(value.size()) + " bytes");
    while (value.ends_with('\n')) value.remove_suffix(1);  // the end of a list of one
    return without_null_bytes(role, value);
  }
  double number(std::string_view role, double most, const char* expected) {
    if (!has(role)) return -1;
    const auto value = parse_number(trimmed(role));
    if (value && *value >= 0 && *value <= most) return *value;
    refuse(role, expected, "'" + shortened(text(role)) + "'");
    return -1;
  }
  int64_t time(std::string_view role) {
    if (!has(role)) return -1;
    const auto value = parse_time(trimmed(role));
    if (!value)
      refuse(role, "Unix seconds or milliseconds, or ISO 8601, from 1990 to 2100",
             "'" + shortened(text(role)) + "'");
    return value.value_or(-1);
  }
  // From a column in milliseconds, or one in seconds.
  int64_t milliseconds(std::string_view in_ms, std::string_view in_s) {
    if (has(in_ms)) return std::llround(number(in_ms, longest_seconds * 1000, "milliseconds, 0 to a week"));
    if (has(in_s)) return std::llround(number(in_s, longest_seconds, "seconds, 0 to a week") * 1000);
    return -1;
  }
  void refuse(std::string_view role, std::string expected, std::string found) {
    if (reject) return;
    const int column = role_column(columns_, role);
    reject = Reject{record_.line, column >= 0 ? names_[static_cast<size_t>(column)] : std::string(role),
                    std::move(expected), std::move(found), ""};
    for (const std::string& cell : record_.cells)
      reject->row += (reject->row.empty() ? "" : " | ") + shortened(cell);
    reject->row = cut_text(reject->row, 160);
  }

  std::optional<Reject> reject;

 private:
  static std::string shortened(std::string_view value) { return std::string(cut_text(value, 40)); }
  std::string_view trimmed(std::string_view role) const {
    auto value = text(role);
    while (value.starts_with(' ')) value.remove_prefix(1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    return value;
  }
  std::string without_null_bytes(std::string_view role, std::string_view value) {
    if (value.find('\0') != value.npos) refuse(role, "text", "a null byte");
    return std::string(value);
  }

  const Record& record_;
  const ColumnMap& columns_;
  std::span<const std::string> names_;
};

// Names that other platforms give the kinds.
std::optional<FeedbackKind> kind_of(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (const auto kind = feedback_kind(lower)) return kind;
  static const std::map<std::string, FeedbackKind, std::less<>> others = {
      {"view", FeedbackKind::watch},          {"play", FeedbackKind::watch},
      {"watched", FeedbackKind::watch},       {"show", FeedbackKind::impression},
      {"exposure", FeedbackKind::impression}, {"read", FeedbackKind::impression},
      {"favorite", FeedbackKind::like},       {"favourite", FeedbackKind::like},
      {"star", FeedbackKind::like},           {"hate", FeedbackKind::dislike},
      {"forward", FeedbackKind::share},       {"repost", FeedbackKind::share},
      {"subscribe", FeedbackKind::follow},    {"tag", FeedbackKind::hashtag},
      {"query", FeedbackKind::search},        {"block", FeedbackKind::hide},
      {"not_interested", FeedbackKind::hide}};
  const auto found = others.find(lower);
  return found == others.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

std::optional<FeedbackKind> implied_kind(const ColumnMap& columns, std::span<const std::string> names) {
  const int text = role_column(columns, "text");
  for (const char* role : {"kind", "watched_ms", "watched_s", "portion", "percent", "rating"})
    if (text < 0 || columns.contains(role)) return std::nullopt;
  const auto kind = kind_of(folded_name(names[static_cast<size_t>(text)]));
  const bool has_words =
      kind == FeedbackKind::search || kind == FeedbackKind::comment || kind == FeedbackKind::hashtag;
  return has_words ? kind : std::nullopt;
}

std::vector<std::string> parse_hashtags(std::string_view text) {
  if (text == "(no genres listed)") return {};
  // What parts the tags: line ends, or bars, or commas and semicolons; blanks only where nothing else does.
  const auto holds = [&](std::string_view signs) { return text.find_first_of(signs) != text.npos; };
  const std::string_view separators = text.find('#') != text.npos ? " \t\n,;|"
                                      : holds("\n")               ? "\n"
                                      : holds("|")                ? "|"
                                      : holds(",;")               ? ",;"
                                                                  : " \t";
  return split_tags(text, separators);
}

std::vector<std::string> split_tags(std::string_view text, std::string_view separators) {
  std::vector<std::string> tags;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(separators), text.size());
    std::string_view piece = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const size_t begin = piece.find_first_not_of(" \t\r\n#");
    if (begin == piece.npos) continue;
    std::string tag(piece.substr(begin, piece.find_last_not_of(" \t\r\n") + 1 - begin));
    std::replace_if(
        tag.begin(), tag.end(), [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }, '_');
    if (std::find(tags.begin(), tags.end(), tag) == tags.end()) tags.push_back(std::move(tag));
  }
  return tags;
}

std::variant<Event, Reject> EventParser::parse(const Record& record,
                                               std::span<const std::string> names) const {
  if (record.problem) return *record.problem;
  Row row(record, columns, names);
  Event event;
  event.user = row.id("user");
  event.item = row.id("item");
  event.time_ms = row.time("time");
  if (fixed_kind) {
    event.kind = *fixed_kind;
  } else if (row.has("kind")) {
    const auto kind = kind_of(row.text("kind"));
    if (!kind)
      row.refuse("kind",
                 "impression, watch, click, like, dislike, hide, share, follow, search, comment or hashtag",
                 "'" + std::string(cut_text(row.text("kind"), 40)) + "'");
    event.kind = kind.value_or(FeedbackKind::watch);
  } else {
    event.kind = implied_kind(columns, names).value_or(FeedbackKind::watch);
  }
  event.watched_ms = row.milliseconds("watched_ms", "watched_s");
  event.length_ms = row.milliseconds("length_ms", "length_s");
  event.portion = row.number("portion", most_portion, "a part of the length, 0 to 1 (more for repeats)");
  if (!row.has("portion") && row.has("percent"))
    event.portion =
        row.number("percent", 100 * most_portion, "per cent of the length, 0 to 100 (more for repeats)") /
        100;
  event.text = row.words("text");
  const double rating = row.number("rating", 1e6, "a rating of at least 0");
  // Ratings tell likes apart where nothing else does: four stars of five and more.
  if (!fixed_kind && !row.has("kind") && rating >= 4) event.kind = FeedbackKind::like;
  if (row.reject) return *row.reject;
  return event;
}

std::variant<ParsedItem, Reject> ItemParser::parse(const Record& record,
                                                   std::span<const std::string> names) const {
  if (record.problem) return *record.problem;
  Row row(record, columns, names);
  ParsedItem parsed;
  ItemRecord& item = parsed.item;
  const Path path = row.has("file")
                        ? std::filesystem::absolute(folder / Path(row.text("file"))).lexically_normal()
                        : Path();
  item.id = columns.contains("id") ? row.id("id")
            : row.has("file")      ? row.checked_id("file", ids.id_of(path.string(), row.text("file")))
                                   : row.checked_id("file", "");
  item.title = row.words("title");
  item.description = row.words("description");
  item.author = row.words("author");
  item.language = row.words("language");
  item.created_ms = row.time("created");
  item.seconds = row.number("seconds", longest_seconds, "seconds, 0 to a week");
  item.hashtags = parse_hashtags(row.words("hashtags"));
  if (row.reject) return *row.reject;
  if (row.has("file")) {
    std::error_code error;
    if (row.text("file").find('\0') != std::string_view::npos ||
        !std::filesystem::is_regular_file(path, error)) {
      row.refuse("file", "a file that is there", "none at " + path.string());
      parsed.missing_file = std::move(row.reject);
    } else {
      item.media_path = path.string();
    }
  }
  return parsed;
}

}  // namespace cowatch

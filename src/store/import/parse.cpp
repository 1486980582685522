#include "store/import/parse.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace cowatch {
namespace {

constexpr int64_t earliest_ms = 631152000000;  // 1990-01-01
constexpr int64_t latest_ms = 4102444800000;   // 2100-01-01
constexpr double longest_ms = 7.0 * 86400e3;   // a video or a watch of more than a week is a mistake
constexpr size_t longest_id = 512, longest_text = 10000;

int64_t days_from_civil(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<int64_t> parse_iso(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, used = 0;
  double second = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2d%n", &year, &month, &day, &used) != 3) return std::nullopt;
  std::string_view rest = std::string_view(text).substr(static_cast<size_t>(used));
  int64_t shift = 0;
  if (!rest.empty()) {
    int more = 0;
    if ((rest[0] != 'T' && rest[0] != ' ') ||
        std::sscanf(rest.data() + 1, "%2d:%2d%n", &hour, &minute, &more) != 2)
      return std::nullopt;
    rest.remove_prefix(static_cast<size_t>(more) + 1);
    if (rest.starts_with(':')) {
      if (std::sscanf(rest.data(), ":%lf%n", &second, &more) != 1) return std::nullopt;
      // sscanf takes "+08:00" for a sign only at the start, so the zone is still in `rest`.
      rest.remove_prefix(static_cast<size_t>(more));
    }
    if (rest == "Z") rest = {};
    int zone_hour = 0, zone_minute = 0;
    if (!rest.empty()) {
      if ((rest[0] != '+' && rest[0] != '-') ||
          std::sscanf(rest.data() + 1, "%2d:%2d", &zone_hour, &zone_minute) < 1)
        return std::nullopt;
      shift = (zone_hour * 60 + zone_minute) * 60000LL * (rest[0] == '-' ? -1 : 1);
    }
  }
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 ||
      !(second >= 0 && second < 61))
    return std::nullopt;
  return days_from_civil(year, month, day) * 86400000 + hour * 3600000LL + minute * 60000LL +
         static_cast<int64_t>(second * 1000) - shift;
}

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
  bool has(std::string_view role) const { return !text(role).empty(); }

  std::string id(std::string_view role) {
    const auto value = text(role);
    if (value.empty() || value.size() > longest_id) {
      refuse(role, "1 to 512 bytes",
             value.empty() ? "an empty cell" : std::to_string(value.size()) + " bytes");
    }
    return std::string(value);
  }
  std::string words(std::string_view role) {
    const auto value = text(role);
    if (value.size() > longest_text)
      refuse(role, "at most 10,000 bytes", std::to_string(value.size()) + " bytes");
    return std::string(value);
  }
  double number(std::string_view role, double most, const char* expected) {
    if (!has(role)) return -1;
    const auto value = parse_number(text(role));
    if (value && *value >= 0 && *value <= most) return *value;
    refuse(role, expected, "'" + shortened(text(role)) + "'");
    return -1;
  }
  int64_t time(std::string_view role) {
    if (!has(role)) return -1;
    const auto value = parse_time(text(role));
    if (!value)
      refuse(role, "Unix seconds or milliseconds, or ISO 8601, from 1990 to 2100",
             "'" + shortened(text(role)) + "'");
    return value.value_or(-1);
  }
  // From a column in milliseconds, or one in seconds.
  int64_t milliseconds(std::string_view in_ms, std::string_view in_s) {
    if (has(in_ms)) return std::llround(number(in_ms, longest_ms, "milliseconds, 0 to a week"));
    if (has(in_s)) return std::llround(number(in_s, longest_ms / 1000, "seconds, 0 to a week") * 1000);
    return -1;
  }
  void refuse(std::string_view role, std::string expected, std::string found) {
    if (reject) return;
    const int column = role_column(columns_, role);
    reject = Reject{record_.line, column >= 0 ? names_[static_cast<size_t>(column)] : std::string(role),
                    std::move(expected), std::move(found), ""};
    for (const std::string& cell : record_.cells)
      reject->row += (reject->row.empty() ? "" : " | ") + shortened(cell);
    reject->row.resize(std::min<size_t>(reject->row.size(), 160));
  }

  std::optional<Reject> reject;

 private:
  static std::string shortened(std::string_view value) { return std::string(value.substr(0, 40)); }
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
      {"block", FeedbackKind::hide},          {"not_interested", FeedbackKind::hide}};
  const auto found = others.find(lower);
  return found == others.end() ? std::nullopt : std::optional(found->second);
}

std::vector<std::string> parse_hashtags(std::string_view text) {
  std::vector<std::string> tags;
  std::string tag;
  const auto end_tag = [&] {
    if (!tag.empty()) tags.push_back(std::move(tag));
    tag.clear();
  };
  for (const char c : text) {
    if (c == ' ' || c == ',' || c == '|' || c == ';' || c == '\t' || c == '\n') {
      end_tag();
    } else if (c != '#' || !tag.empty()) {
      tag += c;
    }
  }
  end_tag();
  return tags;
}

}  // namespace

std::optional<int64_t> parse_time(std::string_view text) {
  std::optional<int64_t> result;
  if (const auto number = parse_number(text)) {
    const double value = *number;
    const double ms = value < 1e11 ? value * 1e3 : value < 1e14 ? value : value / 1e3;
    if (ms >= 0 && ms < 1e15) result = static_cast<int64_t>(ms);
  } else if (text.size() < 40) {
    result = parse_iso(std::string(text));
  }
  if (!result || *result < earliest_ms || *result > latest_ms) return std::nullopt;
  return result;
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
                 "'" + std::string(row.text("kind").substr(0, 40)) + "'");
    event.kind = kind.value_or(FeedbackKind::watch);
  }
  event.watched_ms = row.milliseconds("watched_ms", "watched_s");
  event.length_ms = row.milliseconds("length_ms", "length_s");
  event.portion = row.number("portion", 100, "a part of the length, 0 to 1 (more for repeats)");
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
  item.id = row.id("id");
  item.title = row.words("title");
  item.description = row.words("description");
  item.author = row.words("author");
  item.language = row.words("language");
  item.created_ms = row.time("created");
  item.seconds = row.number("seconds", longest_ms / 1000, "seconds, 0 to a week");
  item.hashtags = parse_hashtags(row.words("hashtags"));
  if (row.reject) return *row.reject;
  if (row.has("file")) {
    const Path path = (folder / Path(row.text("file"))).lexically_normal();
    std::error_code error;
    if (row.text("file").find('\0') != std::string_view::npos ||
        !std::filesystem::is_regular_file(path, error)) {
      row.refuse("file", "a file that is there", "none at " + path.string());
      parsed.missing_file = std::move(row.reject);
    } else {
      item.media_path = std::filesystem::absolute(path, error).string();
    }
  }
  return parsed;
}

}  // namespace cowatch

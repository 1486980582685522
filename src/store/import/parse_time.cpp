// Points in time as logs write them.
#include <charconv>
#include <cmath>

#include "store/import/parse.h"

namespace cowatch {
namespace {

constexpr int64_t earliest_ms = 631152000000;  // 1990-01-01
constexpr int64_t latest_ms = 4102444800000;   // 2100-01-01

// Days since 1970-01-01 in the Gregorian calendar; years begin in March, so that the leap day comes last.
int64_t days_since_1970(int64_t year, int64_t month, int64_t day) {
  year -= month <= 2;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

int64_t days_in_month(int64_t year, int64_t month) {
  const auto [next_year, next_month] =
      month == 12 ? std::pair(year + 1, int64_t{1}) : std::pair(year, month + 1);
  return days_since_1970(next_year, next_month, 1) - days_since_1970(year, month, 1);
}

// Takes a text apart from its beginning.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  bool at_end() const { return text_.empty(); }
  bool take(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  // A number of exactly `digits` digits and at most `most`.
  bool number(size_t digits, int64_t most, int64_t& value) {
    if (text_.size() < digits) return false;
    value = 0;
    for (const char c : text_.substr(0, digits)) {
      if (c < '0' || c > '9') return false;
      value = value * 10 + (c - '0');
    }
    text_.remove_prefix(digits);
    return value <= most;
  }
  // Digits behind a decimal point, as thousandths; what is finer is cut off.
  bool thousandths(int64_t& value) {
    value = 0;
    size_t digits = 0;
    for (; digits < text_.size() && text_[digits] >= '0' && text_[digits] <= '9'; ++digits) {
      if (digits < 3) value = value * 10 + (text_[digits] - '0');
    }
    text_.remove_prefix(digits);
    for (size_t i = digits; i < 3; ++i) value *= 10;
    return digits > 0;
  }

 private:
  std::string_view text_;
};

// ":MM", "MM" or nothing behind the hours of a zone.
bool zone_minutes(Scanner& scan, int64_t& minutes) {
  minutes = 0;
  if (scan.at_end()) return true;
  scan.take(':');
  return scan.number(2, 59, minutes);
}

// "Thh:mm[:ss[.f…]][Z|±hh[[:]mm]]" as milliseconds of the day, which a zone may move to another day.
bool time_of_day(Scanner& scan, int64_t& ms) {
  int64_t hour = 0, minute = 0, second = 0, fraction = 0;
  if (!scan.number(2, 23, hour) || !scan.take(':') || !scan.number(2, 59, minute)) return false;
  if (scan.take(':') && !scan.number(2, 60, second)) return false;  // 60: a leap second
  if ((scan.take('.') || scan.take(',')) && !scan.thousandths(fraction)) return false;
  ms = ((hour * 60 + minute) * 60 + second) * 1000 + fraction;
  scan.take(' ');
  if (scan.take('Z') || scan.at_end()) return true;
  const bool east = scan.take('+');
  int64_t zone_hour = 0, zone_minute = 0;
  if ((!east && !scan.take('-')) || !scan.number(2, 14, zone_hour) || !zone_minutes(scan, zone_minute))
    return false;
  ms += (zone_hour * 60 + zone_minute) * 60000 * (east ? -1 : 1);
  return true;
}

std::optional<int64_t> parse_iso(std::string_view text) {
  Scanner scan(text);
  int64_t year = 0, month = 0, day = 0, ms = 0;
  if (!scan.number(4, 9999, year) || !scan.take('-') || !scan.number(2, 12, month) || !scan.take('-') ||
      !scan.number(2, 31, day) || month < 1 || day < 1 || day > days_in_month(year, month)) {
    return std::nullopt;
  }
  if (!scan.at_end() && !((scan.take('T') || scan.take(' ')) && time_of_day(scan, ms))) return std::nullopt;
  if (!scan.at_end()) return std::nullopt;
  return days_since_1970(year, month, day) * 86400000 + ms;
}

// Counted from 1970: the size says in which unit.
std::optional<int64_t> parse_unix(double value) {
  const double ms = value < 1e11   ? value * 1e3
                    : value < 1e14 ? value
                    : value < 1e17 ? value / 1e3
                                   : value / 1e6;
  if (!(ms >= 0 && ms < 1e15)) return std::nullopt;
  return std::llround(ms);
}

}  // namespace

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<int64_t> parse_time(std::string_view text) {
  const auto number = parse_number(text);
  const std::optional<int64_t> result = number ? parse_unix(*number) : parse_iso(text);
  if (!result || *result < earliest_ms || *result > latest_ms) return std::nullopt;
  return result;
}

}  // namespace cowatch

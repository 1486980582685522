#include "serve/message.h"

#include <algorithm>
#include <charconv>
#include <ctime>

#include "base/json.h"

namespace cowatch::serve {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        throw Error(ErrorCode::bad_argument, "the address has a broken escape",
                    {.expected = "% and two hex digits", .found = std::string(text.substr(i, 3))});
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') throw Error(ErrorCode::bad_argument, "the address holds a zero byte");
    out += c;
  }
  return out;
}

}  // namespace

std::string_view Request::header(std::string_view name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? std::string_view() : std::string_view(found->second);
}

std::string Request::text(std::string_view name, std::string_view fallback) const {
  const auto found = query.find(name);
  return found == query.end() ? std::string(fallback) : found->second;
}

int64_t Request::whole(std::string_view name, int64_t fallback, int64_t least, int64_t most) const {
  const auto found = query.find(name);
  if (found == query.end()) return fallback;
  int64_t value = 0;
  const std::string& text = found->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
    throw Error(ErrorCode::bad_argument, "a parameter is out of its range",
                {.where = "parameter " + std::string(name),
                 .expected = "a whole number from " + std::to_string(least) + " to " + std::to_string(most),
                 .found = "'" + text.substr(0, 40) + "'"});
  }
  return value;
}

Response json_response(const Json& json, int status) {
  Response response;
  response.status = status;
  response.body = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return response;
}

Response problem(const Error& error) {
  const ErrorKind& kind = error_kind(error.code());
  Json json = {{"type", "/apidocs#errors-" + std::string(kind.name)},
               {"title", kind.meaning},
               {"status", kind.http_status},
               {"detail", error.message()},
               {"code", kind.name}};
  const auto add = [&](const char* name, const std::string& text) {
    if (!text.empty()) json[name] = text;
  };
  add("where", error.details().where);
  add("expected", error.details().expected);
  add("found", error.details().found);
  add("remedy", error.details().remedy);
  Response response = json_response(json, kind.http_status);
  response.content_type = "application/problem+json";
  return response;
}

void parse_target(std::string_view target, Request& request) {
  const size_t mark = target.find('?');
  request.encoded_path = target.substr(0, mark);
  request.path = decoded(request.encoded_path, false);
  if (mark == target.npos) return;
  std::string_view rest = target.substr(mark + 1);
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    const size_t equals = std::min(pair.find('='), pair.size());
    request.query[decoded(pair.substr(0, equals), true)] =
        equals < pair.size() ? decoded(pair.substr(equals + 1), true) : "";
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
  }
}

std::string iso_time(int64_t time_ms) {
  if (time_ms < 0) return "";
  const std::time_t seconds = time_ms / 1000;
  std::tm parts = {};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

// Takes a slash and what follows it up to the next.
static std::string_view next_part(std::string_view& path) {
  path.remove_prefix(1);
  const auto part = path.substr(0, path.find('/'));
  path.remove_prefix(part.size());
  return part;
}

std::vector<std::string_view> path_parts(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) parts.push_back(next_part(path));
  return parts;
}

bool Request::matches(std::string_view pattern, bool rest, std::vector<std::string>& values) const {
  values.clear();
  const auto value = [&](std::string_view part) { return encoded_path.empty() ? std::string(part) : decoded(part, false); };
  std::string_view wanted = pattern, given = encoded_path.empty() ? path : encoded_path;
  while (!wanted.empty()) {
    if (given.empty()) return false;
    const auto want = next_part(wanted), have = next_part(given);
    if (!want.starts_with('{')) {
      if (want != have) return false;
    } else {
      values.push_back(value(have));
    }
    if (!rest || !wanted.empty()) continue;
    if (want != "{item-id}" || given.empty()) return false;
    values.back() += value(given);
    return true;
  }
  return given.empty();
}

}  // namespace cowatch::serve

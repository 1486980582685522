// A request and its answer as the handlers see them: no sockets, no HTTP library.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/json_forward.h"

namespace cowatch::serve {

struct Request {
  std::string method = "GET";
  std::string path;                                         // decoded
  std::string encoded_path;  // as it came, so that an escaped slash parts nothing; "": as `path`
  std::map<std::string, std::string, std::less<>> query;    // decoded
  std::map<std::string, std::string, std::less<>> headers;  // names in lower case
  std::string body;
  std::shared_ptr<const Json> parsed;  // of a request that did not come as text: the body already read

  std::string_view header(std::string_view name) const;
  std::string text(std::string_view name, std::string_view fallback = "") const;  // of the query
  // Whether the path fits a route's pattern; the values of its {…} parts then. An item's id may hold slashes: escaped
  // ones anywhere, others, with `rest`, in an {item-id} that ends the pattern.
  bool matches(std::string_view pattern, bool rest, std::vector<std::string>& values) const;
  // A whole number of the query within bounds; bad_argument otherwise.
  int64_t whole(std::string_view name, int64_t fallback, int64_t least, int64_t most) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  Path file;  // sent instead of `body`, with ranges
};

Response json_response(const Json& json, int status = 200);
// application/problem+json (RFC 7807) with the words of the error.
Response problem(const Error& error);

// Splits and decodes a target ("/a%20b?x=1") into paths and query; bad_argument for a broken escape or a zero
// byte.
void parse_target(std::string_view target, Request& request);
// The parts of a path between its slashes.
std::vector<std::string_view> path_parts(std::string_view path);
std::string iso_time(int64_t time_ms);  // "2024-05-01T10:20:30Z"; "" for negative

}  // namespace cowatch::serve

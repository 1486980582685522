#include "serve/vectors/access_tokens.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/settings.h"

namespace cowatch::serve {
namespace {

std::string hex(std::span<const unsigned char> bytes) {
  std::string text(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(text.data(), text.size(), bytes.data(), bytes.size());
  text.pop_back();
  return text;
}

std::string hash_of_token(std::string_view token) {
  std::array<unsigned char, crypto_generichash_BYTES> hash;
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(token.data()), token.size(),
                     nullptr, 0);
  return hex(hash);
}

std::string_view given_token(const Request& request) {
  const std::string_view bearer = request.header("authorization");
  if (bearer.starts_with("Bearer ")) return bearer.substr(7);
  for (const char* name : {"api-key", "x-api-key"})
    if (!request.header(name).empty()) return request.header(name);
  return {};
}

constexpr const char* scopes = "read, write or manage";

std::optional<Scope> scope_named(std::string_view name) {
  if (name == "read") return Scope::read;
  if (name == "write") return Scope::write;
  if (name == "manage") return Scope::manage;
  return std::nullopt;
}

bool is_hash(const Json& json) {
  return json.is_string() && json.get_ref<const std::string&>().size() == 2 * crypto_generichash_BYTES &&
         json.get_ref<const std::string&>().find_first_not_of("0123456789abcdef") == std::string::npos;
}

// Throws damaged, naming the entry.
AccessTokens::Grant read_grant(const Json& entry, const std::string& where) {
  const auto fault = [&](const char* field, const char* expected) {
    return Error(ErrorCode::damaged, "a token cannot be read",
                 {.where = where, .expected = std::string(field) + ": " + expected,
                  .remedy = "Take the entry out, and make another token with `cowatch vectors token`."});
  };
  if (!entry.is_object()) throw fault("the entry", "an object");
  if (!is_hash(entry.value("hash", Json()))) throw fault("hash", "64 hexadecimal digits");
  AccessTokens::Grant grant;
  const Json name = entry.value("name", Json("")), scope = entry.value("scope", Json("read")),
             collections = entry.value("collections", Json::array()),
             rate = entry.value("requests_per_second", Json(0.0));
  if (!name.is_string()) throw fault("name", "a string");
  grant.name = name.get<std::string>();
  if (!scope.is_string() || !scope_named(scope.get<std::string>())) throw fault("scope", scopes);
  grant.scope = scope.get<std::string>();
  const bool names = collections.is_array() &&
                     std::ranges::all_of(collections, [](const Json& each) { return each.is_string(); });
  if (!names) throw fault("collections", "an array of strings");
  grant.collections = collections.get<std::vector<std::string>>();
  if (!rate.is_number() || rate.get<double>() < 0) throw fault("requests_per_second", "a number of at least 0");
  grant.requests_per_second = rate.get<double>();
  return grant;
}

// The file as it is, and what each token may, by its hash.
struct TokenFile {
  Json json = {{"tokens", Json::array()}};
  std::map<std::string, AccessTokens::Grant, std::less<>> grants;
};
TokenFile read_file(const Path& file) {
  TokenFile read;
  read.json = Json::parse(read_text(file), nullptr, false);
  if (!read.json.is_object() || !read.json.contains("tokens") || !read.json["tokens"].is_array())
    throw Error(ErrorCode::damaged, "the tokens cannot be read",
                {.where = file.string(), .expected = "{\"tokens\": […]}, as `cowatch vectors token` writes it"});
  size_t number = 0;
  for (const Json& entry : read.json["tokens"]) {
    const auto grant = read_grant(entry, file.string() + ", entry " + std::to_string(++number));
    read.grants[entry["hash"].get<std::string>()] = grant;
  }
  return read;
}

TokenFile read_if_there(const Path& file) {
  return std::filesystem::exists(file) ? read_file(file) : TokenFile();
}

void write_file(const Path& file, const Json& json) {
  write_atomically(file, json.dump(1));
  std::filesystem::permissions(file,
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

// A page of another site must not act with a visitor's browser.
void check_origin(const Request& request) {
  const std::string_view origin = request.header("origin"), host = request.header("host");
  const size_t scheme = origin.find("//");
  if (origin.empty() || origin.substr(scheme == origin.npos ? 0 : scheme + 2) == host) return;
  throw AccessError(403, "a page of another site may not do this",
              {.expected = std::string(host), .found = std::string(origin)});
}

}  // namespace

AccessTokens::AccessTokens(const Path& file, std::string key) : file_(file), key_(std::move(key)) {
  if (sodium_init() < 0) throw Error(ErrorCode::internal, "libsodium cannot be used");
  const std::lock_guard lock(mutex_);
  load();
}

void AccessTokens::load() {
  if (seconds_now() - looked_at_ < 1) return;
  looked_at_ = seconds_now();
  std::error_code missing;
  const auto written = std::filesystem::last_write_time(file_, missing);
  // Removing the file of a running server must not open it: the tokens known go on until a restart.
  if (missing || (present_ && written == written_)) return;
  present_ = true;
  written_ = written;
  std::map<std::string, Known, std::less<>> known;
  for (auto& [hash, grant] : read_file(file_).grants) {
    const double rate = grant.requests_per_second;
    known[hash] = {std::move(grant), rate, seconds_now()};
  }
  by_hash_ = std::move(known);
}

void AccessTokens::look_again() {
  try {
    load();
  } catch (const std::exception& error) {
    log(LogLevel::error, error.what());
    log(LogLevel::warning, "the tokens known before go on until the file can be read");
  }
}

void AccessTokens::check(const Request& request, Scope scope, const std::string& collection) {
  if (scope == Scope::open) return;
  if (scope != Scope::read) check_origin(request);
  const std::string_view token = given_token(request);
  const std::lock_guard lock(mutex_);
  look_again();
  if (!present_) {
    if (scope == Scope::read || key_.empty()) return;
    if (token.size() == key_.size() && sodium_memcmp(token.data(), key_.data(), key_.size()) == 0) return;
    throw Error(ErrorCode::unauthorized, "this needs the key",
                {.expected = "Authorization: Bearer, api-key or X-API-Key"});
  }
  const auto found = by_hash_.find(hash_of_token(token));
  if (found == by_hash_.end())
    throw Error(ErrorCode::unauthorized, token.empty() ? "this needs a token" : "this token is not known",
                {.expected = "Authorization: Bearer or api-key"});
  Known& known = found->second;
  if (scope_named(known.grant.scope) < scope)
    throw AccessError(403, "the token `" + known.grant.name + "` does not allow this",
                {.expected = scope == Scope::write ? "write" : "manage", .found = known.grant.scope});
  const auto& reach = known.grant.collections;
  if (!reach.empty() && std::find(reach.begin(), reach.end(), collection) == reach.end())
    throw AccessError(403, "the token `" + known.grant.name + "` does not reach this collection",
                {.found = collection.empty() ? "all collections" : "'" + collection.substr(0, 80) + "'"});
  const double rate = known.grant.requests_per_second;
  if (rate <= 0) return;
  const double now = seconds_now();
  known.credit = std::min(std::max(rate, 1.0), known.credit + (now - known.filled_at) * rate);
  known.filled_at = now;
  if (known.credit < 1)
    throw AccessError(429, "the quota of the token `" + known.grant.name + "` is used up",
                {.expected = std::to_string(rate) + " requests a second"});
  known.credit -= 1;
}

std::string AccessTokens::add(const Path& file, const Grant& grant) {
  if (sodium_init() < 0) throw Error(ErrorCode::internal, "libsodium cannot be used");
  const auto refuse = [](const char* message, const char* expected, std::string found) {
    return Error(ErrorCode::bad_argument, message, {.expected = expected, .found = std::move(found)});
  };
  if (!scope_named(grant.scope)) throw refuse("there is no such scope", scopes, "'" + grant.scope + "'");
  if (!(grant.requests_per_second >= 0) || std::isinf(grant.requests_per_second))
    throw refuse("this is not a number of requests a second", "a number of at least 0, where 0 is any number",
                 std::to_string(grant.requests_per_second));
  Json json = read_if_there(file).json;
  std::array<unsigned char, 24> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  std::string token = "cw_" + hex(bytes);
  json["tokens"].push_back({{"name", grant.name},
                            {"hash", hash_of_token(token)},
                            {"scope", grant.scope},
                            {"collections", grant.collections},
                            {"requests_per_second", grant.requests_per_second}});
  write_file(file, json);
  return token;
}

std::vector<AccessTokens::Grant> AccessTokens::list(const Path& file) {
  std::vector<Grant> grants;
  const TokenFile read = read_if_there(file);
  for (const Json& entry : read.json["tokens"])
    grants.push_back(read.grants.find(entry["hash"].get_ref<const std::string&>())->second);
  return grants;
}

size_t AccessTokens::revoke(const Path& file, const std::string& name) {
  Json json = read_if_there(file).json;
  auto& tokens = json["tokens"].get_ref<Json::array_t&>();
  std::vector<std::string> names;
  for (const Json& entry : tokens) names.push_back(entry.value("name", ""));
  const size_t revoked =
      std::erase_if(tokens, [&](const Json& entry) { return entry.value("name", "") == name; });
  if (revoked == 0) {
    const std::string near = nearest_name(name, names);
    throw Error(ErrorCode::not_found, "there is no token of this name",
                {.found = "'" + name.substr(0, 60) + "'",
                 .remedy = near.empty() ? "" : "Did you mean '" + near + "'?"});
  }
  write_file(file, json);
  return revoked;
}

}  // namespace cowatch::serve

#include "serve/vectors/access_tokens.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/json.h"

namespace cowatch::serve {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

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

Scope scope_of(const std::string& name, const Path& file) {
  if (name == "read") return Scope::read;
  if (name == "write") return Scope::write;
  if (name == "manage") return Scope::manage;
  throw Error(ErrorCode::bad_input, "there is no such scope",
              {.where = file.string(), .expected = "read, write or manage", .found = "'" + name + "'"});
}

Json read_file(const Path& file) {
  const Json json = Json::parse(read_text(file), nullptr, false);
  if (!json.is_object() || !json.contains("tokens") || !json["tokens"].is_array())
    throw Error(ErrorCode::damaged, "the tokens cannot be read", {.where = file.string()});
  return json;
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
  if (!std::filesystem::exists(file_)) {
    // Removing the file of a running server must not open it: the tokens known go on until a restart.
    return;
  }
  const auto written = std::filesystem::last_write_time(file_);
  if (present_ && written == written_) return;
  const Json json = read_file(file_);
  std::map<std::string, Known, std::less<>> known;
  for (const Json& entry : json["tokens"]) {
    Known each;
    each.grant.name = entry.value("name", "");
    each.grant.scope = entry.value("scope", "read");
    scope_of(each.grant.scope, file_);
    each.grant.collections = entry.value("collections", std::vector<std::string>());
    each.grant.requests_per_second = entry.value("requests_per_second", 0.0);
    each.credit = each.grant.requests_per_second;
    each.filled_at = seconds_now();
    known[entry.at("hash").get<std::string>()] = std::move(each);
  }
  by_hash_ = std::move(known);
  present_ = true;
  written_ = written;
}

void AccessTokens::check(const Request& request, Scope scope, const std::string& collection) {
  if (scope == Scope::open) return;
  if (scope != Scope::read) check_origin(request);
  const std::string_view token = given_token(request);
  const std::lock_guard lock(mutex_);
  load();
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
  if (scope_of(known.grant.scope, file_) < scope)
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
  scope_of(grant.scope, file);
  Json json = std::filesystem::exists(file) ? read_file(file) : Json{{"tokens", Json::array()}};
  std::array<unsigned char, 24> bytes;
  randombytes_buf(bytes.data(), bytes.size());
  std::string token = "cw_" + hex(bytes);
  json["tokens"].push_back({{"name", grant.name},
                            {"hash", hash_of_token(token)},
                            {"scope", grant.scope},
                            {"collections", grant.collections},
                            {"requests_per_second", grant.requests_per_second}});
  write_atomically(file, json.dump(1));
  std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  return token;
}

}  // namespace cowatch::serve

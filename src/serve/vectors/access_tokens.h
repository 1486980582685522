// Who may do what with collections: bearer tokens, each with a scope, the collections it reaches, and a quota.
// Kept in tokens.json beside the collections, of each token only a hash (BLAKE2b, by libsodium). Without that
// file the server's own key guards writing and managing, as everywhere else.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "serve/message.h"

namespace cowatch::serve {

enum class Scope { open, read, write, manage };  // each includes the ones before; open: no token needed

// A token that is known but does not reach so far (403), or whose quota is used up (429).
class AccessError : public Error {
 public:
  AccessError(int status, std::string message, Details details)
      : Error(status == 429 ? ErrorCode::overloaded : ErrorCode::unauthorized, std::move(message), std::move(details)),
        status_(status) {}
  int status() const { return status_; }

 private:
  int status_;
};

class AccessTokens {
 public:
  // Throws damaged, naming the entry, when the file is there and cannot be read.
  AccessTokens(const Path& file, std::string key);

  // Throws unauthorized or AccessError. `collection` may be empty: of
  // all. Looks at the file again at most once a second; when it cannot be read any longer, that is logged and
  // the tokens known before go on.
  void check(const Request& request, Scope scope, const std::string& collection);

  struct Grant {
    std::string name, scope;               // "read", "write" or "manage"
    std::vector<std::string> collections;  // names or aliases as asked for; empty: all
    double requests_per_second = 0;        // 0: any number
  };
  // Adds a token to the file and returns it; it is shown this once. Throws bad_argument; damaged for the file.
  static std::string add(const Path& file, const Grant& grant);
  // Those of the file, which may be missing. Throws damaged.
  static std::vector<Grant> list(const Path& file);
  // Takes away all tokens of a name and returns how many there were. Throws not_found, naming the nearest;
  // damaged. With the last token gone, no request is let in but those that need none.
  static size_t revoke(const Path& file, const std::string& name);

 private:
  struct Known {
    Grant grant;
    double credit = 0, filled_at = 0;  // a bucket that fills at the quota's rate and holds one second of it
  };
  void load();        // mutex held
  void look_again();  // mutex held

  Path file_;
  std::string key_;
  std::mutex mutex_;
  double looked_at_ = -1e9;
  bool present_ = false;
  std::filesystem::file_time_type written_ = {};
  std::map<std::string, Known, std::less<>> by_hash_;
};

}  // namespace cowatch::serve

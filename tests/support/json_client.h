// Asks a server in JSON over one connection.
#pragma once

#include "base/json.h"
#include "support/server.h"

namespace cowatch::test {

class JsonClient {
 public:
  explicit JsonClient(uint16_t port, std::string token = "") : connection_(port) {
    if (!token.empty()) fields_ = "Authorization: Bearer " + token + "\r\n";
  }
  // Status 0: no answer came.
  int ask(const std::string& method, const std::string& path, const Json& body, Json* answer = nullptr) {
    const std::string text = body.is_null() ? "" : body.dump();
    connection_.send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n" + fields_ +
                     "Content-Length: " + std::to_string(text.size()) + "\r\n\r\n" + text);
    const std::string said = connection_.receive();
    const Json json = Json::parse(body_of(said), nullptr, false);
    if (json.is_discarded()) return 0;  // cut off
    if (answer) *answer = json;
    return status_of(said);
  }

 private:
  Connection connection_;
  std::string fields_;
};

}  // namespace cowatch::test

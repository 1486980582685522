// `cowatch serve` as a process of its own, and connections to it.
#pragma once

#include "bench/connection.h"
#include "support/process.h"

namespace cowatch::test {

class Server {
 public:
  explicit Server(const Path& workspace, std::vector<std::string> more = {})
      : process_("cowatch", arguments(workspace, std::move(more))) {
    const std::string said = process_.output_with("(interface");
    port_ = static_cast<uint16_t>(std::stoi(said.substr(said.find("127.0.0.1:") + 10)));
  }
  uint16_t port() const { return port_; }
  int stop() {
    process_.send(SIGTERM);
    return process_.wait();
  }
  Process& process() { return process_; }

 private:
  static std::vector<std::string> arguments(const Path& workspace, std::vector<std::string> more) {
    std::vector<std::string> all{"serve", workspace.string(), "--port", "0"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Process process_;
  uint16_t port_ = 0;
};

using cowatch::body_of;
using cowatch::Connection;
using cowatch::status_of;

}  // namespace cowatch::test

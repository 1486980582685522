// HTTP over TCP, by Boost.Beast: connections, time limits, sizes; what is answered is the service's matter.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "serve/service.h"

namespace cowatch::serve {

struct ServerSettings {
  std::string address = "127.0.0.1";
  uint16_t port = 8080;  // 0: any free one
  size_t threads = 4;
  size_t most_connections = 512;  // more are closed at once
  int idle_seconds = 30;          // for a request to arrive whole, and between requests
};

// Serves until SIGINT or SIGTERM. Calls `started` with the port once it listens. Throws conflict when the
// port is taken.
void serve(Service& service, const ServerSettings& settings, const std::function<void(uint16_t)>& started);

}  // namespace cowatch::serve

// `cowatch serve` as a process of its own on a free port, and its memory, for benchmarks over loopback.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/file.h"

namespace cowatch::bench {

class ServerProcess {
 public:
  // Waits until it listens. Throws system when it does not start.
  explicit ServerProcess(const Path& workspace, const std::vector<std::string>& more = {});
  ServerProcess(const ServerProcess&) = delete;
  ~ServerProcess();  // ends it

  uint16_t port() const { return port_; }
  double started_at() const { return start_; }              // seconds_now() of the process's start
  double start_seconds() const { return ready_ - start_; }  // until it listened
  double mib(const std::string& field) const;  // of /proc/PID/smaps_rollup: "Rss", "Anonymous", …

 private:
  pid_t child_ = -1;
  uint16_t port_ = 0;
  double start_ = 0, ready_ = 0;
};

int connect_to(uint16_t port);  // a connected socket of loopback, without delays; the caller closes it

}  // namespace cowatch::bench

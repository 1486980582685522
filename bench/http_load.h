// A load generator for HTTP over loopback: one thread, many connections, requests that are ready as bytes. It
// takes little of the cores that it shares with the server.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cowatch::bench {

struct LoadSample {
  double seconds = 0;  // from when the request was due to the end of the answer
  int status = 0;      // 0: none came
  double lag = 0;      // of them, until the request was written: the generator's own part
};

// One POST or PUT of a JSON body, as bytes.
std::string http_request(const std::string& method, const std::string& target, const std::string& body);

class HttpLoad {
 public:
  HttpLoad(uint16_t port, size_t connections);
  HttpLoad(const HttpLoad&) = delete;
  ~HttpLoad();

  // Open loop: request i is due at i / rate whatever became of those before. What waits for a free connection
  // waits on its own account.
  std::vector<LoadSample> at_rate(const std::vector<std::string>& requests, double rate, double seconds);
  // Closed loop: `under_way` requests at any time. Answers with status 200 a second.
  double capacity(const std::vector<std::string>& requests, size_t under_way, double seconds);
  // One request on the first connection; its body.
  LoadSample ask(const std::string& request, std::string& body);

 private:
  struct Connection {
    int socket = -1;
    bool busy = false;
    size_t request = 0;
    double due = 0, written = 0;
    int status = 0;
    std::string answer;  // what came of it, when it did not come at once
    size_t whole = 0;    // bytes of the answer, once the header is in
  };
  void send(Connection& connection, size_t request, double due, const std::string& bytes);
  // Waits at most until `until` and hands over the answers that came: answered(connection, bytes).
  template <typename Answered>
  void wait(double until, const Answered& answered);
  void open(size_t connection);
  // The answer, when it is complete; it lasts until the next call.
  std::string_view receive(Connection& connection);

  uint16_t port_;
  int poll_ = -1;
  std::vector<Connection> connections_;
  std::vector<size_t> idle_;
  std::array<char, 1 << 16> bytes_;
};

}  // namespace cowatch::bench

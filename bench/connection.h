// A small client of HTTP over loopback, for the benchmark and the tests of the server.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

namespace cowatch {

class Connection {
 public:
  explicit Connection(uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit = {20, 0};  // a server that hangs is seen
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(socket_); }

  bool connected() const { return connected_; }
  void send(const std::string& text) {
    for (size_t at = 0; at < text.size();) {
      const ssize_t sent = ::send(socket_, text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return;
      at += static_cast<size_t>(sent);
    }
  }
  void end_sending() { shutdown(socket_, SHUT_WR); }
  // One answer: header and as much body as Content-Length says; less when the other end says no more.
  std::string receive() {
    size_t end = 0;
    while ((end = pending_.find("\r\n\r\n")) == pending_.npos)
      if (!more()) return std::exchange(pending_, "");
    const size_t length_at = pending_.find("Content-Length: ");
    const size_t whole = end + 4 + (length_at < end ? std::stoul(pending_.substr(length_at + 16, 20)) : 0);
    while (pending_.size() < whole)
      if (!more()) break;
    const std::string answer = pending_.substr(0, whole);
    pending_.erase(0, whole);
    return answer;
  }
  std::string ask(const std::string& target, const std::string& fields = "",
                  const std::string& host = "localhost") {
    send("GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n");
    return receive();
  }

 private:
  bool more() {
    char bytes[1 << 16];
    const ssize_t got = recv(socket_, bytes, sizeof bytes, 0);
    if (got > 0) pending_.append(bytes, static_cast<size_t>(got));
    return got > 0;
  }
  int socket_;
  bool connected_ = false;
  std::string pending_;
};

inline int status_of(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
}
inline std::string body_of(const std::string& answer) {
  return answer.substr(std::min(answer.size(), answer.find("\r\n\r\n") + 4));
}

}  // namespace cowatch

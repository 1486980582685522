#include "bench/http_load.h"

#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "bench/benchmark.h"
#include "bench/server_process.h"

namespace cowatch::bench {

constexpr int niceness = -10;

std::string http_request(const std::string& method, const std::string& target, const std::string& body) {
  return method + " " + target +
         " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

HttpLoad::HttpLoad(uint16_t port, size_t connections)
    : port_(port), poll_(epoll_create1(EPOLL_CLOEXEC)), connections_(connections) {
  // Clients have processors of their own elsewhere. Here the calling thread goes before the server's, where
  // the system allows it, so that what is measured is the server's time; LoadSample::lag says how far that
  // held.
  setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), niceness);
  if (poll_ < 0) throw_system_error("make", "an epoll instance");
  for (size_t c = 0; c < connections; ++c) {
    open(c);
    idle_.push_back(c);
  }
}

void HttpLoad::open(size_t c) {
  connections_[c].socket = connect_to(port_);
  epoll_event event = {.events = EPOLLIN, .data = {.u64 = c}};
  epoll_ctl(poll_, EPOLL_CTL_ADD, connections_[c].socket, &event);
}

HttpLoad::~HttpLoad() {
  for (const Connection& connection : connections_) ::close(connection.socket);
  ::close(poll_);
}

void HttpLoad::send(Connection& connection, size_t request, double due, const std::string& bytes) {
  connection.busy = true;
  connection.request = request;
  connection.due = due;
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t sent = ::send(connection.socket, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (sent <= 0) throw_system_error("send to", "the server");
    at += static_cast<size_t>(sent);
  }
  connection.written = seconds_now();
}

std::string_view HttpLoad::receive(Connection& connection) {
  const ssize_t got = ::recv(connection.socket, bytes_.data(), bytes_.size(), MSG_DONTWAIT);
  if (got == 0) throw Error(ErrorCode::system, "the server closed a connection that waits for an answer");
  if (got < 0) return {};
  std::string_view answer(bytes_.data(), static_cast<size_t>(got));
  if (!connection.answer.empty()) answer = connection.answer.append(answer);
  if (connection.whole == 0) {
    const size_t head = answer.find("\r\n\r\n");
    if (head != answer.npos) {
      const size_t length = answer.find("Content-Length: ");
      size_t body = 0;
      if (length < head) std::from_chars(answer.data() + length + 16, answer.data() + head, body);
      connection.whole = head + 4 + body;
      std::from_chars(answer.data() + 9, answer.data() + 12, connection.status);
    }
  }
  if (connection.whole > 0 && answer.size() >= connection.whole) return answer;
  if (connection.answer.empty()) connection.answer = answer;
  return {};
}

template <typename Answered>
void HttpLoad::wait(double until, const Answered& answered) {
  std::array<epoll_event, 256> events;
  const double left = std::max(0.0, until - seconds_now());
  timespec time = {static_cast<time_t>(left), static_cast<long>((left - std::floor(left)) * 1e9)};
  const int count = epoll_pwait2(poll_, events.data(), events.size(), &time, nullptr);
  for (int e = 0; e < count; ++e) {
    Connection& connection = connections_[events[static_cast<size_t>(e)].data.u64];
    if (!connection.busy) {  // the server closes those that ask nothing for long
      ::close(connection.socket);
      open(events[static_cast<size_t>(e)].data.u64);
      continue;
    }
    const std::string_view answer = receive(connection);
    if (answer.empty()) continue;
    connection.busy = false;
    idle_.push_back(events[static_cast<size_t>(e)].data.u64);
    answered(connection, answer);
    connection.answer.clear();
    connection.whole = 0;
  }
}

std::vector<LoadSample> HttpLoad::at_rate(const std::vector<std::string>& requests, double rate,
                                          double seconds) {
  const auto count = static_cast<size_t>(rate * seconds);
  std::vector<LoadSample> samples(count);
  const double start = seconds_now() + 0.02;
  const auto due = [&](size_t i) { return start + static_cast<double>(i) / rate; };
  size_t next = 0, done = 0;
  const double give_up = start + seconds + 30;
  while (done < count && seconds_now() < give_up) {
    while (next < count && !idle_.empty() && due(next) <= seconds_now()) {
      Connection& connection = connections_[idle_.back()];
      idle_.pop_back();
      send(connection, next, due(next), requests[next % requests.size()]);
      ++next;
    }
    const bool blocked = idle_.empty() || next == count;
    wait(blocked ? give_up : due(next), [&](const Connection& connection, std::string_view) {
      samples[connection.request] = {seconds_now() - connection.due, connection.status,
                                     connection.written - connection.due};
      ++done;
    });
  }
  return samples;
}

double HttpLoad::capacity(const std::vector<std::string>& requests, size_t under_way, double seconds) {
  const double start = seconds_now(), end = start + seconds;
  size_t next = 0, served = 0, waiting = 0;
  while (seconds_now() < end || waiting > 0) {
    while (seconds_now() < end && waiting < under_way && !idle_.empty()) {
      Connection& connection = connections_[idle_.back()];
      idle_.pop_back();
      send(connection, next, seconds_now(), requests[next % requests.size()]);
      ++next, ++waiting;
    }
    wait(end + 30, [&](const Connection& connection, std::string_view) {
      --waiting;
      served += connection.status == 200;
    });
  }
  return static_cast<double>(served) / (seconds_now() - start);
}

LoadSample HttpLoad::ask(const std::string& request, std::string& body) {
  Connection& connection = connections_[idle_.back()];
  idle_.pop_back();
  LoadSample sample;
  send(connection, 0, seconds_now(), request);
  while (connection.busy) {
    wait(seconds_now() + 60, [&](const Connection& answered, std::string_view answer) {
      sample = {seconds_now() - answered.due, answered.status, 0};
      body = answer.substr(answer.find("\r\n\r\n") + 4);
    });
  }
  return sample;
}

}  // namespace cowatch::bench

// The server as a process, asked over real sockets.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "serve/small_workspace.h"

namespace cowatch {
namespace {

class ServerProcess {
 public:
  explicit ServerProcess(const Path& folder) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("no pipe");
    const std::string program = (program_folder() / "cowatch").string(), workspace = folder.string();
    child_ = fork();
    if (child_ == 0) {
      dup2(ends[1], STDOUT_FILENO);
      execl(program.c_str(), "cowatch", "serve", workspace.c_str(), "--port", "0", nullptr);
      _exit(127);
    }
    close(ends[1]);
    std::string line;
    for (char c = 0; read(ends[0], &c, 1) == 1 && c != '\n';) line += c;
    close(ends[0]);
    const size_t at = line.find("127.0.0.1:");
    if (at != line.npos) port_ = static_cast<uint16_t>(std::stoi(line.substr(at + 10)));
  }
  ~ServerProcess() {
    if (child_ > 0) kill(child_, SIGKILL), waitpid(child_, nullptr, 0);
  }
  uint16_t port() const { return port_; }
  int stop() {
    int status = 0;
    kill(child_, SIGTERM);
    waitpid(child_, &status, 0);
    child_ = -1;
    return status;
  }

 private:
  pid_t child_ = -1;
  uint16_t port_ = 0;
};

class Connection {
 public:
  explicit Connection(uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    const timeval limit = {20, 0};  // a test that hangs fails instead
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(socket_); }

  bool connected() const { return connected_; }
  void send(const std::string& text) {
    for (size_t at = 0; at < text.size();) {
      const ssize_t sent = ::send(socket_, text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return;
      at += static_cast<size_t>(sent);
    }
  }
  void end_sending() { shutdown(socket_, SHUT_WR); }
  // One answer: header and as much body as Content-Length says.
  std::string receive() {
    size_t end = 0;
    while ((end = pending_.find("\r\n\r\n")) == pending_.npos)
      if (!more()) return std::exchange(pending_, "");
    const size_t length_at = pending_.find("Content-Length: ");
    const size_t whole = end + 4 + (length_at < end ? std::stoul(pending_.substr(length_at + 16)) : 0);
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
    char bytes[4096];
    const ssize_t got = recv(socket_, bytes, sizeof bytes, 0);
    if (got > 0) pending_.append(bytes, static_cast<size_t>(got));
    return got > 0;
  }
  int socket_;
  bool connected_ = false;
  std::string pending_;
};

int status_of(const std::string& answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::stoi(answer.substr(9, 3)) : 0;
}
std::string body_of(const std::string& answer) {
  return answer.substr(std::min(answer.size(), answer.find("\r\n\r\n") + 4));
}

struct ServerTest : testing::Test {
  test::SmallWorkspace made;
  ServerProcess server{made.workspace.folder()};
  void SetUp() override { ASSERT_GT(server.port(), 0) << "it did not say its port"; }
  bool alive() { return status_of(Connection(server.port()).ask("/api/health/live")) == 200; }
};

TEST_F(ServerTest, SpeaksHttp) {
  Connection kept(server.port());
  for (int i = 0; i < 3; ++i) EXPECT_EQ(status_of(kept.ask("/api/item-to-item/related/v0")), 200) << i;
  const std::string part = kept.ask("/media/v0.jpg", "Range: bytes=5-9\r\n");
  EXPECT_EQ(status_of(part), 206);
  EXPECT_EQ(body_of(part), "56789");
  EXPECT_NE(part.find("Content-Range: bytes 5-9/20\r\n"), part.npos);
  EXPECT_EQ(body_of(kept.ask("/media/v0.jpg", "Range: bytes=-3\r\n")), "hij");
  EXPECT_EQ(body_of(kept.ask("/media/v0.jpg", "Range: bytes=17-99\r\n")), "hij");
  EXPECT_EQ(status_of(kept.ask("/media/v0.jpg", "Range: bytes=20-\r\n")), 416);
  EXPECT_EQ(body_of(kept.ask("/media/v0.jpg")), "0123456789abcdefghij");
  EXPECT_EQ(status_of(kept.ask("/api/summary", "", "rebound.example")), 400);
  EXPECT_EQ(status_of(kept.ask("/api/%zz")), 400);
  EXPECT_EQ(status_of(Connection(server.port()).ask("/", "X-Long: " + std::string(20000, 'a') + "\r\n")),
            413);
  for (const size_t length : {size_t{17} << 20, size_t{1} << 40}) {
    Connection large(server.port());
    large.send("POST /api/items HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(length) +
               "\r\n\r\n");
    EXPECT_EQ(status_of(large.receive()), 413) << length;
  }
  const int status = server.stop();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(ServerTest, OutlivesSlowAndBrokenClients) {
  std::vector<std::unique_ptr<Connection>> slow;
  for (int i = 0; i < 40; ++i) {
    slow.push_back(std::make_unique<Connection>(server.port()));
    ASSERT_TRUE(slow.back()->connected());
    slow.back()->send(i % 2 ? "GET /api/summ"
                            : "POST /api/items HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n[");
  }
  EXPECT_TRUE(alive()) << "forty unfinished requests block the others";
  const std::string sound =
      "POST /api/feedback?n=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n[]";
  const Random random(3, 9);
  for (uint32_t round = 0; round < 200; ++round) {
    std::string bytes = sound.substr(0, 1 + random.below(sound.size(), 0, round));
    for (uint32_t change = 0; change < 4; ++change)
      bytes[random.below(bytes.size(), 1 + change, round)] =
          static_cast<char>(random.below(256, 9 + change, round));
    Connection broken(server.port());
    broken.send(bytes);
    broken.end_sending();
    if (round % 4 == 0) broken.receive();
  }
  EXPECT_TRUE(alive());
  const int status = server.stop();
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

}  // namespace
}  // namespace cowatch

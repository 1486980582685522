// The server as a process, asked over real sockets.
#include <gtest/gtest.h>

#include "serve/small_workspace.h"
#include "support/server.h"

namespace cowatch {
namespace {

using test::body_of;
using test::Connection;
using test::status_of;

struct ServerTest : testing::Test {
  test::SmallWorkspace made;
  test::Server server{made.workspace.folder()};
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
  EXPECT_EQ(server.stop(), 0);
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
  EXPECT_EQ(server.stop(), 0);
}

}  // namespace
}  // namespace cowatch

// The server's own threads within this process, so that the sanitizers see them: many connections at once,
// and a stop.
#include "serve/http_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

#include "base/threads.h"
#include "serve/small_workspace.h"
#include "support/server.h"

namespace cowatch {
namespace {

class RunningServer {
 public:
  RunningServer() : service_(made_.opened(), Settings()) {
    serve::ServerSettings settings;
    settings.port = 0;
    thread_ = std::jthread([this, settings] {
      serve::serve(service_, settings, [this](uint16_t port) { started_.set_value(port); });
    });
    port_ = started_.get_future().get();
  }
  ~RunningServer() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    kill(getpid(), SIGTERM);
    thread_.join();
  }
  uint16_t port() const { return port_; }
  serve::Service& service() { return service_; }
  Path media() const { return made_.workspace.media(); }

 private:
  const test::SmallWorkspace made_;
  serve::Service service_;
  std::promise<uint16_t> started_;
  uint16_t port_ = 0;
  std::jthread thread_;
};

TEST(HttpServer, AnswersManyAtOnceAndStopsWhenAsked) {
  RunningServer running;
  const uint16_t port = running.port();
  std::atomic<int> answered = 0;
  {
    std::vector<std::jthread> people;
    for (int person = 0; person < 6; ++person) {
      people.emplace_back([&, person] {
        test::Connection connection(port);
        const std::string fields = "Content-Type: application/json\r\n";
        const std::string body = R"([{"FeedbackType": "like", "UserId": "p)" + std::to_string(person) +
                                 R"(", "ItemId": "v1", "Timestamp": 1700000000}])";
        for (int i = 0; i < 10; ++i) {
          answered +=
              test::status_of(connection.ask("/api/item-to-item/related/v" + std::to_string(i))) == 200;
          answered += test::status_of(connection.ask("/metrics")) == 200;
          connection.send("POST /api/feedback HTTP/1.1\r\nHost: localhost\r\n" + fields +
                          "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
          answered += test::status_of(connection.receive()) == 200;
        }
      });
    }
  }
  EXPECT_EQ(answered, 6 * 10 * 3);
  running.stop();
  serve::Request request;
  serve::parse_target("/api/item/v1/feedback/like?n=100", request);
  EXPECT_EQ(Json::parse(running.service().answer(request).body).size(), 6u)
      << "one of each person: repeats are ignored";
}

// In pieces, out of its map, and not at all where only the header is asked for.
TEST(HttpServer, SendsLargeFilesWholeAndInPart) {
  RunningServer running;
  std::string large;
  while (large.size() < 5'000'000) large += std::to_string(large.size()) + " ";
  write_atomically(running.media() / "v0.jpg", large);
  test::Connection kept(running.port());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(test::body_of(kept.ask("/media/v0.jpg")) == large);
  const std::string part = kept.ask("/media/v0.jpg", "Range: bytes=1000000-3999999\r\n");
  EXPECT_EQ(test::status_of(part), 206);
  EXPECT_TRUE(test::body_of(part) == large.substr(1'000'000, 3'000'000));
  test::Connection once(running.port());
  once.send("HEAD /media/v0.jpg HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  const std::string head = once.receive();
  EXPECT_NE(head.find("Content-Length: " + std::to_string(large.size())), head.npos) << head;
  EXPECT_EQ(test::body_of(head), "");
}

// Who sends too much is told the limit of this address, in the shape of its other errors.
TEST(HttpServer, RefusesWhatIsTooLargeInTheShapeOfTheAddress) {
  RunningServer running;
  const uint16_t port = running.port();
  const auto answer = [&](const std::string& path) {
    test::Connection connection(port);
    connection.send("POST " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000000\r\n\r\n");
    const std::string said = connection.receive();
    EXPECT_EQ(test::status_of(said), 413) << said;
    return Json::parse(test::body_of(said));
  };
  EXPECT_NE(answer("/collections/films/points/search?timeout=1")["status"]["error"].get<std::string>().find("16777216 bytes"),
            std::string::npos);
  EXPECT_EQ(answer("/api/feedback")["expected"], "at most 16777216 bytes");
  EXPECT_EQ(answer("/api/search/upload")["expected"], "at most " + std::to_string(running.service().upload_limit()) + " bytes");
}

// Searches that take long hold up every thread that reads; others stand in for them.
TEST(HttpServer, AnswersWhileEveryReaderIsHeldUp) {
  RunningServer running;
  test::Connection connection(running.port());
  const std::string body = R"({"vectors":{"size":3,"distance":"Dot"}})";
  connection.send("PUT /collections/films HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                  std::to_string(body.size()) + "\r\n\r\n" + body);
  ASSERT_EQ(test::status_of(connection.receive()), 200);
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  std::atomic<size_t> held = 0;
  for (size_t i = 0; i < threads(); ++i) {
    auto request = std::make_shared<serve::Request>();
    request->method = "POST";
    request->body = R"({"vector":[1,0,0]})";
    serve::parse_target("/collections/films/points/search?timeout=3600", *request);
    running.service().vectors().answer(request, nullptr, [&held, released](const serve::Response&) {
      ++held;
      released.wait();
    });
  }
  while (held < threads()) std::this_thread::yield();
  for (const char* target : {"/healthz", "/metrics", "/collections"})
    EXPECT_EQ(test::status_of(connection.ask(target)), 200) << target;
  release.set_value();
}

// While searches are refused for want of time a connection goes on: what follows is answered, and a body that
// was not looked at is not taken for the next request.
TEST(HttpServer, TurnsSearchesAwayAndGoesOn) {
  RunningServer running;
  test::Connection connection(running.port());
  const auto message = [](const std::string& method, const std::string& target, const std::string& body,
                          const std::string& fields = "") {
    return method + " " + target + " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + fields +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  connection.send(message("PUT", "/collections/films", R"({"vectors":{"size":3,"distance":"Dot"}})"));
  ASSERT_EQ(test::status_of(connection.receive()), 200);
  serve::VectorService& vectors = running.service().vectors();
  std::mutex mutex;
  std::vector<std::function<void()>> turns;  // that are not given
  vectors.search_in([&](std::function<void()> turn, bool) {
    const std::lock_guard lock(mutex);
    turns.push_back(std::move(turn));
  });
  for (int i = 0; i < 900; ++i) {
    auto request = std::make_shared<serve::Request>();
    request->method = "POST";
    request->body = R"({"vector":[1,0,0]})";
    serve::parse_target("/collections/films/points/search?timeout=3600", *request);
    vectors.answer(request, nullptr, [](const serve::Response&) {});
  }
  const std::string search = message("POST", "/collections/films/points/search", "GET /healthz HTTP/1.1\r\n\r\n");
  connection.send(search + search + message("GET", "/healthz", ""));
  for (int i = 0; i < 2; ++i) {
    const std::string said = connection.receive();
    EXPECT_EQ(test::status_of(said), 503) << said;
    for (const char* field : {"Retry-After: 1\r\n", "Content-Type: application/json\r\n", "Cache-Control: no-store\r\n"})
      EXPECT_NE(said.find(field), std::string::npos) << said;
    EXPECT_NE(Json::parse(test::body_of(said))["status"]["error"].get<std::string>().find("busier"), std::string::npos);
  }
  const std::string alive = connection.receive();
  EXPECT_EQ(test::status_of(alive), 200) << alive;
  EXPECT_EQ(vectors.searches().refused, 2u);
  // Whom this is not for is told so, however busy it is.
  connection.send("POST /collections/films/points/search HTTP/1.1\r\nHost: elsewhere\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(test::status_of(connection.receive()), 400);
  connection.send(message("POST", "/collections/films/points/search", "{}", "Connection: close\r\n"));
  const std::string last = connection.receive();
  EXPECT_EQ(test::status_of(last), 503);
  EXPECT_NE(last.find("Connection: close"), std::string::npos) << last;
  EXPECT_EQ(connection.receive(), "") << "closed";
  vectors.search_in({});
}

}  // namespace
}  // namespace cowatch

// A collection on three servers, asked through a fourth that also has one with the same points whole:
// processes of their own over loopback. One is killed, one is stopped, and each wants its token.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "store/catalogue.h"
#include "store/workspace.h"
#include "support/json_client.h"

namespace cowatch {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using Client = test::JsonClient;

constexpr size_t numbers = 32;
constexpr uint64_t points = 600;

uint16_t grpc_port(test::Server& server) {
  const std::string line = "gRPC at 127.0.0.1:";
  const std::string said = server.process().output_with(line);
  return static_cast<uint16_t>(std::stoi(said.substr(said.find(line) + line.size())));
}

// A server that can be started again where it was.
struct Node {
  explicit Node(const Path& folder) : workspace(Workspace::open_or_create(folder)) {
    Catalogue(workspace.catalogue(), Catalogue::Mode::write);
  }
  void start() {
    server.emplace(workspace.folder(), std::vector<std::string>{"--grpc-port", std::to_string(grpc)});
    grpc = grpc_port(*server);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(grpc); }

  Workspace workspace;
  uint16_t grpc = 0;
  std::optional<test::Server> server;
};

class ShardedCollections : public testing::Test {
 protected:
  ShardedCollections() {
    for (const char* name : {"a", "b", "c", "front"})
      nodes_.push_back(std::make_unique<Node>(folder_ / name));
  }
  Node& node(size_t n) { return *nodes_[n]; }
  void start() {
    for (auto& each : nodes_) each->start();
  }
  Json shards(const std::vector<std::string>& tokens = {"", "", ""}) {
    Json list = Json::array();
    for (size_t s = 0; s < 3; ++s) list.push_back({{"address", node(s).address()}, {"token", tokens[s]}});
    return list;
  }
  static Json vectors() { return {{"size", numbers}, {"distance", "Cosine"}}; }
  Json vector_of(uint64_t id) const {
    Json vector = Json::array();
    for (uint32_t d = 0; d < numbers; ++d) vector.push_back(static_cast<float>(random_.normal(id, d)));
    return vector;
  }
  // Both collections, until it is done.
  void write(Client& client, const std::string& method, const std::string& path, const Json& body) {
    for (const char* name : {"whole", "films"}) {
      Json answer;
      EXPECT_EQ(client.ask(method, std::string("/collections/") + name + path, body, &answer), 200)
          << answer.dump();
    }
  }
  void fill(Client& client) {
    Json list = Json::array();
    for (uint64_t id = 0; id < points; ++id)
      list.push_back({{"id", id},
                      {"vector", vector_of(id)},
                      {"payload", {{"year", 1990 + id % 30}, {"even", id % 2 == 0}}}});
    write(client, "PUT", "/points", {{"points", list}});
  }
  void expect_same(Client& client) {
    const Json even = {{"must", {{{"key", "even"}, {"match", {{"value", true}}}}}}};
    const std::vector<std::pair<std::string, Json>> questions = {
        {"/points/search?timeout=20", {{"vector", vector_of(7777)}, {"limit", 25}, {"with_payload", true}}},
        {"/points/search?timeout=20", {{"vector", vector_of(7777)}, {"limit", 25}, {"filter", even}}},
        {"/points/recommend?timeout=20",
         {{"positive", {1, 2}}, {"negative", {4}}, {"limit", 25}, {"filter", even}}},
        {"/points/query?timeout=20", {{"query", 11}, {"limit", 25}}},
        {"/points/count", {{"filter", even}}},
        {"/points/scroll", {{"limit", 10000}, {"with_vector", true}}},
        {"/points", {{"ids", {5, 1, 9, 100000}}}},
    };
    for (const auto& [path, body] : questions) {
      Json whole, parts;
      EXPECT_EQ(client.ask("POST", "/collections/whole" + path, body, &whole), 200) << whole.dump();
      EXPECT_EQ(client.ask("POST", "/collections/films" + path, body, &parts), 200) << path << parts.dump();
      EXPECT_EQ(plain(parts["result"]), plain(whole["result"])) << path;
    }
  }
  static Json plain(Json json) {
    if (json.is_object()) json.erase("version");
    if (json.is_structured())
      for (Json& each : json) each = plain(std::move(each));
    return json;
  }
  int search(Client& client, std::string& words, const std::string& patience = "") {
    Json answer;
    const int status = client.ask("POST", "/collections/films/points/search" + patience,
                                  {{"vector", vector_of(1)}}, &answer);
    words = answer.dump();
    return status;
  }

  test::TemporaryFolder folder_;
  Random random_{11, 1};
  std::vector<std::unique_ptr<Node>> nodes_;
};

TEST_F(ShardedCollections, answer_as_one_and_outlive_a_killed_and_a_stopped_shard) {
  start();
  Client client(node(3).server->port());
  ASSERT_EQ(client.ask("PUT", "/collections/whole", {{"vectors", vectors()}}), 200);
  Json answer;
  ASSERT_EQ(client.ask("PUT", "/collections/films", {{"vectors", vectors()}, {"shards", shards()}}, &answer),
            200)
      << answer.dump();
  fill(client);
  expect_same(client);

  node(1).server->process().kill();
  std::string words;
  EXPECT_EQ(search(client, words, "?timeout=20"), 503);
  EXPECT_THAT(words, AllOf(HasSubstr(node(1).address()), testing::Not(HasSubstr(node(0).address()))));
  ASSERT_EQ(client.ask("GET", "/collections/films", nullptr, &answer), 200);
  EXPECT_EQ(answer["result"]["status"], "red");
  node(1).server.reset();
  node(1).start();
  for (int tries = 0; tries < 600 && search(client, words, "?timeout=20") != 200; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  expect_same(client);

  node(2).server->process().send(SIGSTOP);
  // A search may be faster than the signal.
  int status = 200;
  for (int tries = 0; tries < 600 && status == 200; ++tries) status = search(client, words);
  EXPECT_EQ(status, 503);
  EXPECT_THAT(words, AllOf(HasSubstr(node(2).address()), HasSubstr("no answer in time")));
  node(2).server->process().send(SIGCONT);
  for (int tries = 0; tries < 600 && search(client, words, "?timeout=20") != 200; ++tries)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));

  write(client, "POST", "/points/delete", {{"points", {3, 5, 6, 400}}});
  write(client, "POST", "/points/payload", {{"payload", {{"even", true}}}, {"points", {7, 9, 11}}});
  write(client, "POST", "/points/delete",
        {{"filter", {{"must", {{{"key", "year"}, {"match", {{"value", 1999}}}}}}}}});
  expect_same(client);
}

TEST_F(ShardedCollections, are_reached_with_the_tokens_of_their_servers) {
  std::vector<std::string> tokens;
  for (size_t s = 0; s < 3; ++s) {
    const auto made = test::run_cowatch(
        {"vectors", "token", node(s).workspace.folder().string(), "--name", "front", "--scope", "manage"});
    tokens.push_back(made.output.substr(0, made.output.find('\n')));
  }
  for (size_t s = 0; s < 3; ++s) node(s).start();
  // The command line makes the collection; the server starts afterwards.
  const std::string front = node(3).workspace.folder().string();
  std::vector<std::string> create = {"vectors", "create", front, "films", "--size", std::to_string(numbers)};
  for (size_t s = 0; s < 3; ++s) create.insert(create.end(), {"--shard", node(s).address()});
  const auto refused = test::run_cowatch(create);
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.output, AllOf(HasSubstr(node(0).address()), HasSubstr("token")));
  for (const std::string& token : tokens) create.insert(create.end(), {"--shard-token", token});
  const auto made = test::run_cowatch(create);
  EXPECT_EQ(made.status, 0) << made.output;
  EXPECT_THAT(test::run_cowatch({"vectors", "info", front}).output,
              HasSubstr("films: on " + node(0).address()));
  const auto there = test::run_cowatch({"vectors", "count", front, "films"});
  EXPECT_EQ(there.status, 2);
  EXPECT_THAT(there.output, HasSubstr("lies on other servers"));

  node(3).start();
  Client client(node(3).server->port());
  ASSERT_EQ(client.ask("PUT", "/collections/whole", {{"vectors", vectors()}}), 200);
  fill(client);
  expect_same(client);
  Client stranger(node(0).server->port());
  EXPECT_EQ(stranger.ask("POST", "/collections/films/points/count", Json::object()), 401);
  Json answer;
  Client known(node(0).server->port(), tokens[0]);
  ASSERT_EQ(known.ask("POST", "/collections/films/points/count", Json::object(), &answer), 200);
  EXPECT_GT(answer["result"]["count"], 100);
  EXPECT_LT(answer["result"]["count"], 300);
}

}  // namespace
}  // namespace cowatch

// Who may ask the collections what, and what is told of how they search.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "serve/quality.h"
#include "serve/small_workspace.h"
#include "serve/vectors/each_collection.h"

namespace cowatch {
namespace {

using serve::AccessTokens;
using serve::CollectionFacts;
using serve::Response;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Settings patient(const std::string& key = "") {
  Settings settings = test::with_key(key);
  settings.set("vectors.deadline_ms", "20000", Settings::Source::flag, "test");
  settings.set("vectors.recall_every", "1", Settings::Source::flag, "test");
  return settings;
}

Response ask(serve::VectorService& service, const std::string& method, const std::string& path, const Json& body,
             const std::map<std::string, std::string>& headers = {}) {
  auto request = std::make_shared<serve::Request>(test::request_of(method, path, body.is_null() ? "" : body.dump()));
  for (const auto& [name, value] : headers) request->headers[name] = value;
  std::promise<Response> answer;
  service.answer(request, std::make_shared<std::atomic<bool>>(false), [&](Response response) { answer.set_value(std::move(response)); });
  return answer.get_future().get();
}

const Json config = {{"vectors", {{"size", 2}, {"distance", "Dot"}}}};
const Json one_point = {{"points", {{{"id", 1}, {"vector", {1, 2}}}}}};
const Json search = {{"vector", {1, 1}}};

struct Access : testing::Test {
  test::TemporaryFolder folder;
  std::unique_ptr<serve::VectorService> service;

  void open(const std::string& key = "") {
    service.reset();
    service = std::make_unique<serve::VectorService>(folder.path(), patient(key));
  }
  std::string token(const std::string& scope, std::vector<std::string> collections = {}, double rate = 0) {
    return AccessTokens::add(folder / "tokens.json", {scope + " token", scope, std::move(collections), rate});
  }
  int status(const std::string& method, const std::string& path, const Json& body, const std::string& token) {
    return ask(*service, method, path, body, {{"authorization", "Bearer " + token}}).status;
  }
};

TEST_F(Access, each_scope_allows_what_it_names_and_those_before) {
  const std::string read = token("read"), write = token("write"), manage = token("manage");
  open();
  EXPECT_EQ(status("PUT", "/collections/films", config, write), 403);
  EXPECT_EQ(status("PUT", "/collections/films", config, manage), 200);
  EXPECT_EQ(status("PUT", "/collections/films/points", one_point, read), 403);
  EXPECT_EQ(status("PUT", "/collections/films/points", one_point, write), 200);
  for (const std::string& each : {read, write, manage}) EXPECT_EQ(status("POST", "/collections/films/points/search", search, each), 200);
  EXPECT_EQ(status("POST", "/collections/films/snapshots", Json::object(), write), 403);
  EXPECT_EQ(status("DELETE", "/collections/films", nullptr, write), 403);
  EXPECT_EQ(status("DELETE", "/collections/films", nullptr, manage), 200);
}

TEST_F(Access, no_or_a_wrong_token_is_refused_and_says_what_is_expected) {
  token("manage");
  open();
  const Response none = ask(*service, "GET", "/collections", nullptr);
  EXPECT_EQ(none.status, 401);
  EXPECT_THAT(none.body, AllOf(HasSubstr("needs a token"), HasSubstr("Authorization: Bearer or api-key")));
  EXPECT_EQ(status("GET", "/collections", nullptr, "cw_0000"), 401);
  EXPECT_EQ(ask(*service, "GET", "/readyz", nullptr).status, 200) << "whether it answers is for everyone";
  const std::string other = token("read");
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  EXPECT_EQ(ask(*service, "GET", "/collections", nullptr, {{"api-key", other}}).status, 200) << "a new token is taken without a restart";
}

TEST_F(Access, a_token_reaches_its_collections_only) {
  const std::string manage = token("manage"), limited = token("write", {"films"});
  open();
  for (const char* name : {"/collections/films", "/collections/other"}) ASSERT_EQ(status("PUT", name, config, manage), 200);
  EXPECT_EQ(status("PUT", "/collections/films/points", one_point, limited), 200);
  EXPECT_EQ(status("PUT", "/collections/other/points", one_point, limited), 403);
  EXPECT_EQ(status("GET", "/collections", nullptr, limited), 403) << "not even the names of others";
}

TEST_F(Access, a_quota_of_requests_is_kept) {
  const std::string scarce = token("read", {}, 3), manage = token("manage");
  open();
  ASSERT_EQ(status("PUT", "/collections/films", config, manage), 200);
  int served = 0, refused = 0;
  for (int i = 0; i < 20; ++i) {
    const Response response = ask(*service, "GET", "/collections/films", nullptr, {{"api-key", scarce}});
    served += response.status == 200;
    if (response.status != 429) continue;
    ++refused;
    EXPECT_THAT(response.body, AllOf(HasSubstr("quota"), HasSubstr("3.0")));
    EXPECT_THAT(response.headers, testing::Contains(std::pair<std::string, std::string>("Retry-After", "1")));
  }
  EXPECT_GE(served, 3);
  EXPECT_GE(refused, 10);
  EXPECT_EQ(status("GET", "/collections/films", nullptr, manage), 200) << "others are not held up";
}

// A file that cannot be read neither ends a running server nor opens it.
TEST_F(Access, a_damaged_file_leaves_the_tokens_known) {
  const std::string read = token("read");
  open();
  const std::string good = read_text(folder / "tokens.json");
  const std::string no_hash = R"({"tokens":[{"name":"x"}]})", no_names = R"({"tokens":[{"hash":")" + std::string(64, 'a') + R"(","collections":"films"}]})";
  for (const std::string& text : {std::string(R"({"tokens":[5]})"), no_hash, no_names, std::string("{")}) {
    write_atomically(folder / "tokens.json", text);
    std::this_thread::sleep_for(std::chrono::milliseconds(1050));
    EXPECT_EQ(status("GET", "/collections", nullptr, read), 200) << text;
    EXPECT_EQ(ask(*service, "GET", "/collections", nullptr).status, 401) << text;
  }
  const auto said = [&](const std::string& text) -> std::string {
    write_atomically(folder / "tokens.json", text);
    try {
      serve::AccessTokens(folder / "tokens.json", "");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::damaged);
      return error.what();
    }
    return "nothing";
  };
  EXPECT_THAT(said(R"({"tokens":[5]})"), AllOf(HasSubstr("tokens.json, entry 1"), HasSubstr("an object")));
  EXPECT_THAT(said(no_hash), AllOf(HasSubstr("tokens.json, entry 1"), HasSubstr("64 hexadecimal digits")));
  EXPECT_THAT(said(no_names), AllOf(HasSubstr("tokens.json, entry 1"), HasSubstr("collections")));
  EXPECT_EQ(said(good), "nothing");
}

TEST_F(Access, a_file_that_cannot_be_read_does_not_open_what_had_no_tokens) {
  open();
  ASSERT_EQ(ask(*service, "GET", "/collections", nullptr).status, 200);
  write_atomically(folder / "tokens.json", R"({"tokens":[5]})");
  std::this_thread::sleep_for(std::chrono::milliseconds(1050));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(ask(*service, "GET", "/collections", nullptr).status, 401);
}

TEST_F(Access, a_rate_below_nothing_is_refused) {
  EXPECT_THROW(token("read", {}, -3), Error);
  EXPECT_THROW(token("read", {}, NAN), Error);
  EXPECT_FALSE(std::filesystem::exists(folder / "tokens.json"));
}

TEST_F(Access, a_revoked_token_is_let_in_no_longer) {
  const std::string read = token("read"), again = token("read"), manage = token("manage", {"films"}, 5);
  open();
  const auto listed = AccessTokens::list(folder / "tokens.json");
  ASSERT_EQ(listed.size(), 3u);
  EXPECT_EQ(listed[2].name, "manage token");
  EXPECT_EQ(listed[2].collections, std::vector<std::string>{"films"});
  EXPECT_EQ(status("GET", "/collections", nullptr, read), 200);
  EXPECT_EQ(AccessTokens::revoke(folder / "tokens.json", "read token"), 2u) << "all of the name";
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // the file is looked at once a second
  for (const std::string& each : {read, again}) EXPECT_EQ(status("GET", "/collections", nullptr, each), 401);
  EXPECT_EQ(status("PUT", "/collections/films", config, manage), 200);
  EXPECT_THAT([&] { AccessTokens::revoke(folder / "tokens.json", "manage tokn"); },
              testing::ThrowsMessage<Error>(HasSubstr("Did you mean 'manage token'?")));
  EXPECT_EQ(AccessTokens::revoke(folder / "tokens.json", "manage token"), 1u);
  EXPECT_TRUE(AccessTokens::list(folder / "tokens.json").empty());
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));
  EXPECT_EQ(ask(*service, "GET", "/collections", nullptr).status, 401) << "without any token nobody is let in";
  EXPECT_TRUE(AccessTokens::list(folder / "none.json").empty());
}

TEST_F(Access, without_tokens_the_key_guards_writing) {
  open("secret");
  EXPECT_EQ(ask(*service, "PUT", "/collections/films", config).status, 401);
  EXPECT_EQ(ask(*service, "PUT", "/collections/films", config, {{"x-api-key", "secret"}}).status, 200);
  EXPECT_EQ(ask(*service, "POST", "/collections/films/points/search", search).status, 200);
  EXPECT_EQ(ask(*service, "PUT", "/collections/films/points", one_point, {{"x-api-key", "secret"}, {"origin", "http://evil.example"}, {"host", "localhost"}}).status, 403);
}

TEST_F(Access, recall_is_sampled_and_told_with_latency_and_queue) {
  open();
  ask(*service, "PUT", "/collections/films", config);
  Json points = Json::array();
  for (int i = 0; i < 30; ++i) points.push_back({{"id", i}, {"vector", {i, 30 - i}}});
  ask(*service, "PUT", "/collections/films/points", {{"points", points}});
  for (int i = 0; i < 5; ++i) {
    ASSERT_EQ(ask(*service, "POST", "/collections/films/points/search", {{"vector", {1, i}}, {"limit", 10}}).status, 200);
    service->recall().wait();
  }
  ask(*service, "POST", "/collections/films/points/search", {{"vector", {1, 1}}, {"params", {{"exact", true}}}});
  const std::string text = service->metrics(true);
  for (const char* line : {"cowatch_vectors_recall_wanted_total{collection=\"films\"} 50\n", "cowatch_vectors_recall_found_total{collection=\"films\"} 50\n",
                           "cowatch_vectors_points{collection=\"films\"} 30\n", "cowatch_vectors_queue_length{queue=\"search\"} 0\n",
                           "cowatch_vectors_requests_total{operation=\"POST /collections/{name}/points/search\",status=\"200\"} 6\n"})
    EXPECT_THAT(text, HasSubstr(line));
  const auto history = service->recall().history();
  ASSERT_EQ(history.size(), 1u);
  EXPECT_FALSE(history.at("films").empty());
}

TEST_F(Access, who_may_not_read_every_collection_is_not_told_their_names) {
  const test::SmallWorkspace made;
  Workspace workspace = made.opened();
  std::filesystem::create_directories(workspace.file("vectors"));
  const Path file = workspace.file("vectors") / "tokens.json";
  const std::string all = AccessTokens::add(file, {"all", "manage", {}, 0}), some = AccessTokens::add(file, {"some", "read", {"films"}, 0});
  serve::Service served(std::move(workspace), patient());
  const std::map<std::string, std::string> manage = {{"api-key", all}};
  ASSERT_EQ(ask(served.vectors(), "PUT", "/collections/films", config, manage).status, 200);
  ASSERT_EQ(ask(served.vectors(), "PUT", "/collections/films/points", one_point, manage).status, 200);
  ASSERT_EQ(ask(served.vectors(), "POST", "/collections/films/points/search", search, manage).status, 200);
  served.vectors().recall().wait();
  for (const char* path : {"/metrics", "/api/quality"}) {
    for (const std::string& token : {std::string(), some, all}) {
      serve::Request request = test::request_of("GET", path);
      if (!token.empty()) request.headers["authorization"] = "Bearer " + token;
      const Response response = served.answer(request);
      EXPECT_EQ(response.status, 200);
      EXPECT_EQ(response.body.find("films") != std::string::npos, token == all) << path;
    }
  }
}

TEST_F(Access, a_collection_deleted_while_all_are_told_of_is_passed_over) {
  CollectionSet collections(folder / "set");
  CollectionConfig plain;
  plain.dimension = 2;
  for (const char* name : {"a", "b", "c"}) collections.create(name, plain);
  std::vector<std::string> told;
  serve::each_collection(collections, [&](const std::string& name) {
    if (name == "a") collections.remove("b");
    collections.find(name);
    told.push_back(name);
  });
  EXPECT_THAT(told, ElementsAre("a", "c"));
  EXPECT_THROW(serve::each_collection(collections, [](const std::string&) { throw Error(ErrorCode::damaged, "x"); }), Error);
}

TEST_F(Access, what_was_measured_of_a_collection_goes_with_it) {
  open();
  ask(*service, "PUT", "/collections/films", config);
  ask(*service, "PUT", "/collections/films/points", one_point);
  ask(*service, "POST", "/collections/films/points/search", search);
  service->recall().wait();
  EXPECT_THAT(service->metrics(true), HasSubstr("films"));
  EXPECT_EQ(ask(*service, "DELETE", "/collections/films", nullptr).status, 200);
  EXPECT_THAT(service->metrics(true), Not(HasSubstr("films")));
  EXPECT_TRUE(service->recall().history().empty());
}

TEST(Sampler, measures_one_search_in_so_many) {
  serve::RecallSampler sampler(10);
  int taken = 0;
  for (int i = 0; i < 100; ++i) {
    if (!sampler.takes("a")) continue;
    ++taken;
    sampler.offer("a", [] { return serve::RecallSampler::Count{8, 10}; });
    sampler.wait();
  }
  EXPECT_EQ(taken, 10);
  EXPECT_EQ(sampler.totals().at("a").found, 80u);
  EXPECT_EQ(sampler.totals().at("a").wanted, 100u);
  EXPECT_FALSE(serve::RecallSampler(0).takes("a"));
}

TEST(Sampler, goes_on_after_a_measurement_that_failed) {
  serve::RecallSampler sampler(1);
  EXPECT_TRUE(sampler.takes("a"));
  sampler.offer("a", []() -> serve::RecallSampler::Count { throw std::bad_alloc(); });
  sampler.wait();
  sampler.offer("a", [] { return serve::RecallSampler::Count{8, 10}; });
  sampler.wait();
  EXPECT_EQ(sampler.totals().at("a").wanted, 10u);
}

struct Quality : testing::Test {
  static CollectionFacts sound() {
    CollectionFacts facts;
    facts.name = "films";
    facts.config.dimension = 128;
    facts.status.points = 100'000, facts.status.indexed = 95'000;
    facts.recall = {990, 1000};
    return facts;
  }
  static Json judged(const serve::VideoFacts& videos, const std::vector<CollectionFacts>& collections, const Scheduler::Status& searches = {}) {
    return serve::notices(videos, collections, searches, "http://127.0.0.1:9");
  }
};

TEST_F(Quality, a_sound_server_is_not_warned_of) {
  Scheduler::Status searches;
  searches.done = 10'000, searches.refused = 5;
  EXPECT_EQ(judged({100, 100, false, IndexKind::graph, {99, 100}}, {sound()}, searches), Json::array());
}

TEST_F(Quality, each_notice_names_the_command_that_mends_it) {
  const auto command = [](const Json& list) { return list.size() == 1 ? list[0]["Command"].get<std::string>() : list.dump(); };
  CollectionFacts facts = sound();
  facts.status.indexed = 10'000;
  EXPECT_EQ(command(judged({}, {facts})), "curl -X PATCH http://127.0.0.1:9/collections/films -H 'Content-Type: application/json' -d "
                                          "'{\"optimizers_config\":{\"indexing_threshold\":5625}}'");
  facts.status.working = true;
  EXPECT_EQ(judged({}, {facts}), Json::array()) << "indexing goes on";
  facts = sound();
  facts.recall = {800, 1000};
  EXPECT_EQ(command(judged({}, {facts})), "curl -X PATCH http://127.0.0.1:9/collections/films -H 'Content-Type: application/json' -d "
                                          "'{\"hnsw_config\":{\"m\":32,\"ef_construct\":256}}'");
  EXPECT_THAT(judged({}, {facts})[0]["Text"].get<std::string>(), AllOf(HasSubstr("80.0 %"), HasSubstr("\"hnsw_ef\": 256"), HasSubstr("built anew")));
  facts.config.index.kind = IndexKind::ivf;
  EXPECT_THAT(command(judged({}, {facts})), AllOf(HasSubstr("PUT"), HasSubstr("/collections/films_graph"), HasSubstr("\"index\":\"graph\"")));
  EXPECT_THAT(judged({}, {facts})[0]["Text"].get<std::string>(), AllOf(HasSubstr("\"probes\": 76}"), Not(HasSubstr("hnsw_ef"))));
  facts.config.index.kind = IndexKind::exact, facts.status.indexed = 0;
  EXPECT_EQ(judged({}, {facts}), Json::array()) << "it was to be scanned";
  facts = sound();
  facts.status.damage = {"a segment is made again from the records"};
  EXPECT_EQ(command(judged({}, {facts})), "cowatch vectors check WORKSPACE films");
  facts.failure = "records.sqlite: damaged", facts.snapshot = "films-1.snapshot";
  EXPECT_EQ(command(judged({}, {facts})), "cowatch vectors restore WORKSPACE films films-1.snapshot");
  EXPECT_EQ(command(judged({10, 10, true, IndexKind::exact, {}}, {})), "cowatch index WORKSPACE");
  EXPECT_EQ(command(judged({10, 8, false, IndexKind::exact, {}}, {})), "cowatch run WORKSPACE");
  EXPECT_EQ(command(judged({10, 10, false, IndexKind::graph, {100, 300}}, {})), "cowatch index WORKSPACE --degree 64 --build-effort 200");
  Scheduler::Status searches;
  searches.done = 900, searches.refused = 100;
  EXPECT_EQ(command(judged({}, {}, searches)), "cowatch serve WORKSPACE --set vectors.deadline_ms=200");
}

TEST_F(Quality, is_told_over_http) {
  const test::SmallWorkspace made;
  serve::Service service(made.opened(), patient());
  ask(service.vectors(), "PUT", "/collections/films", config);
  ask(service.vectors(), "PUT", "/collections/films/points", one_point);
  ask(service.vectors(), "POST", "/collections/films/points/search", search);
  service.vectors().recall().wait();
  const Json told = test::json_of(service.answer(test::request_of("GET", "/api/quality")));
  EXPECT_EQ(told["Search"]["Index"], "exact");
  EXPECT_EQ(told["Search"]["Embedded"], test::small_videos);
  EXPECT_EQ(told["Collections"][0]["Points"], 1);
  EXPECT_EQ(told["Recall"][0]["Found"], Json({1}));
  EXPECT_EQ(told["Recall"][0]["Wanted"], Json({1}));
  EXPECT_EQ(told["Queues"][0]["Refused"], 0);
  EXPECT_EQ(told["Notices"], Json::array());
}

}  // namespace
}  // namespace cowatch

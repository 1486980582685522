// The collections over gRPC, asked by a generated client: what it answers is what HTTP answers, word for word.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <future>

#include "base/json.h"
#include "rpc/proto_json.h"
#include "rpc/rpc_server.h"
#include "rpc/shard_link.h"
#include "support/temporary_folder.h"
#include "vectors.grpc.pb.h"

namespace cowatch {
namespace {

using grpc::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

Settings patient() {
  Settings settings;
  settings.set("vectors.deadline_ms", "20000", Settings::Source::flag, "test");
  return settings;
}

struct Rpc : testing::Test {
  test::TemporaryFolder folder;
  serve::VectorService service{folder.path(), patient()};
  rpc::RpcServer server{service, "127.0.0.1", 0};
  std::unique_ptr<v1::Vectors::Stub> stub = v1::Vectors::NewStub(
      grpc::CreateChannel("127.0.0.1:" + std::to_string(server.port()), grpc::InsecureChannelCredentials()));
  std::string token;

  void SetUp() override {
    v1::CreateRequest request;
    request.set_collection("films");
    request.mutable_vectors()->set_size(3);
    request.mutable_vectors()->set_distance("Dot");
    v1::Done done;
    ASSERT_TRUE(ask(&v1::Vectors::Stub::CreateCollection, request, done).ok());
    ASSERT_TRUE(done.done());
    v1::UpsertRequest points;
    points.set_collection("films");
    for (uint64_t id = 1; id <= 20; ++id) add_point(points, id);
    auto& named = add_point(points, 21);
    named.mutable_id()->set_uuid("550e8400-e29b-41d4-a716-446655440000");
    v1::Written written;
    const auto status = ask(&v1::Vectors::Stub::Upsert, points, written);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(written.status(), "completed");
  }
  static v1::Point& add_point(v1::UpsertRequest& request, uint64_t id) {
    v1::Point& point = *request.add_points();
    point.mutable_id()->set_number(id);
    for (const float part : {0.1f, 1.0f, -2.5f}) point.mutable_vector()->add_values(part * static_cast<float>(id % 7));
    auto& payload = *point.mutable_payload();
    payload["n"].set_whole(static_cast<int64_t>(id));
    payload["half"].set_number(static_cast<double>(id) / 2);
    payload["even"].set_truth(id % 2 == 0);
    payload["city"].set_text(id % 3 == 0 ? "Berlin" : "Rome");
    payload["none"];
    payload["list"].mutable_list()->add_values()->set_text("a");
    (*payload["inner"].mutable_object()->mutable_fields())["year"].set_whole(2020);
    return point;
  }
  template <typename Method, typename Request, typename Reply>
  grpc::Status ask(Method method, const Request& request, Reply& reply) {
    grpc::ClientContext context;
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    return (stub.get()->*method)(&context, request, &reply);
  }
  // The same over HTTP.
  Json http(const std::string& verb, const std::string& path, const Json& body, int* status = nullptr) {
    auto request = std::make_shared<serve::Request>();
    request->method = verb, request->path = path, request->body = body.dump();
    std::promise<serve::Response> answer;
    service.answer(request, std::make_shared<std::atomic<bool>>(false), [&](serve::Response response) { answer.set_value(std::move(response)); });
    const serve::Response response = answer.get_future().get();
    if (status) *status = response.status;
    return Json::parse(response.body);
  }
  // Asks both ways and compares.
  template <typename Method, typename Request, typename Reply>
  void same(Method method, const Request& request, Reply reply, const std::string& path) {
    const auto status = ask(method, request, reply);
    ASSERT_TRUE(status.ok()) << status.error_message();
    Json body = rpc::to_json(request);
    body.erase("collection");
    const Json expected = http("POST", "/collections/films/points" + path, body)["result"];
    Json found = rpc::to_json(reply);
    if (expected.is_array()) found = found.value("points", Json::array());
    if (expected.is_object() && expected.contains("next_page_offset") && expected["next_page_offset"].is_null()) found["next_page_offset"] = nullptr;
    EXPECT_EQ(sorted(found), sorted(expected)) << path;
    EXPECT_GT(expected.size(), 0u);
  }
  // Members in one order.
  static nlohmann::json sorted(const Json& json) { return nlohmann::json::parse(json.dump()); }
};

v1::Filter berlin() {
  v1::Filter filter;
  auto& city = *filter.add_must();
  city.set_key("city");
  city.mutable_match()->mutable_value()->set_text("Berlin");
  auto& either = *filter.add_must();  // a filter within the filter
  auto& young = *either.add_should();
  young.set_key("n");
  young.mutable_range()->mutable_lt()->set_number(10);
  either.add_should()->add_has_id()->set_number(15);
  auto& not_three = *filter.add_must_not();
  not_three.add_has_id()->set_number(3);
  return filter;
}

TEST_F(Rpc, answers_as_http_does) {
  v1::SearchRequest search;
  search.set_collection("films");
  for (const float part : {1.0f, 2.0f, 3.0f}) search.mutable_vector()->add_values(part);
  search.set_limit(7);
  search.set_with_vector(true);
  search.mutable_with_payload()->set_all(true);
  same(&v1::Vectors::Stub::Search, search, v1::PointList(), "/search");
  *search.mutable_filter() = berlin();
  search.mutable_params()->set_exact(true);
  search.mutable_with_payload()->mutable_part()->add_include("city");
  same(&v1::Vectors::Stub::Search, search, v1::PointList(), "/search");

  v1::QueryRequest query;
  query.set_collection("films");
  query.mutable_query()->mutable_nearest()->set_number(5);
  {
    v1::PointList reply;
    ASSERT_TRUE(ask(&v1::Vectors::Stub::Query, query, reply).ok());
    EXPECT_EQ(reply.points_size(), 10);
  }
  same(&v1::Vectors::Stub::Query, query, v1::PointList(), "/query");
  query.mutable_query()->clear_nearest();
  query.mutable_query()->mutable_recommend()->add_positive()->set_number(2);
  query.mutable_query()->mutable_recommend()->add_negative()->set_uuid("550e8400-e29b-41d4-a716-446655440000");
  query.mutable_query()->mutable_recommend()->set_strategy("best_score");
  same(&v1::Vectors::Stub::Query, query, v1::PointList(), "/query");

  v1::RetrieveRequest retrieve;
  retrieve.set_collection("films");
  retrieve.add_ids()->set_number(4);
  retrieve.add_ids()->set_uuid("550e8400-e29b-41d4-a716-446655440000");
  retrieve.set_with_vector(true);
  same(&v1::Vectors::Stub::Retrieve, retrieve, v1::PointList(), "");

  v1::ScrollRequest scroll;
  scroll.set_collection("films");
  scroll.set_limit(6);
  same(&v1::Vectors::Stub::Scroll, scroll, v1::PointPage(), "/scroll");
  scroll.mutable_offset()->set_number(18);
  same(&v1::Vectors::Stub::Scroll, scroll, v1::PointPage(), "/scroll");

  v1::CountRequest count;
  count.set_collection("films");
  *count.mutable_filter() = berlin();
  same(&v1::Vectors::Stub::Count, count, v1::CountAnswer(), "/count");
  v1::CountAnswer counted;
  ask(&v1::Vectors::Stub::Count, count, counted);
  EXPECT_EQ(counted.count(), 3u) << "6, 9 and 15";
}

TEST_F(Rpc, keeps_payloads_as_they_were) {
  const Json point = http("POST", "/collections/films/points", {{"ids", {4}}})["result"][0];
  EXPECT_EQ(sorted(point["payload"]),
            nlohmann::json::parse(R"({"n":4,"half":2.0,"even":true,"city":"Rome","none":null,"list":["a"],"inner":{"year":2020}})"));
  EXPECT_TRUE(point["payload"]["n"].is_number_integer());
}

TEST_F(Rpc, writes_and_manages) {
  v1::PayloadRequest payload;
  payload.set_collection("films");
  (*payload.mutable_payload())["seen"].set_truth(true);
  payload.add_points()->set_number(4);
  v1::Written written;
  EXPECT_TRUE(ask(&v1::Vectors::Stub::SetPayload, payload, written).ok());
  EXPECT_EQ(http("POST", "/collections/films/points", {{"ids", {4}}})["result"][0]["payload"]["seen"], true);
  v1::DeleteRequest erase;
  erase.set_collection("films");
  *erase.mutable_filter() = berlin();
  EXPECT_TRUE(ask(&v1::Vectors::Stub::Delete, erase, written).ok());
  v1::CollectionRequest named;
  named.set_collection("films");
  v1::CollectionInfo info;
  ASSERT_TRUE(ask(&v1::Vectors::Stub::GetCollection, named, info).ok());
  EXPECT_EQ(info.points_count(), 18u);
  EXPECT_EQ(info.config().params().vectors().size(), 3u);
  v1::AliasRequest aliases;
  auto& create = *aliases.add_actions()->mutable_create_alias();
  create.set_alias_name("live");
  create.set_collection_name("films");
  v1::Done done;
  EXPECT_TRUE(ask(&v1::Vectors::Stub::ChangeAliases, aliases, done).ok());
  named.set_collection("live");
  EXPECT_TRUE(ask(&v1::Vectors::Stub::GetCollection, named, info).ok());
  v1::CollectionList list;
  ASSERT_TRUE(ask(&v1::Vectors::Stub::ListCollections, v1::ListRequest(), list).ok());
  ASSERT_EQ(list.collections_size(), 1);
  EXPECT_EQ(list.collections(0).name(), "films");
  named.set_collection("films");
  EXPECT_TRUE(ask(&v1::Vectors::Stub::DeleteCollection, named, done).ok());
  EXPECT_TRUE(done.done());
}

TEST_F(Rpc, chooses_the_index_of_a_collection) {
  v1::CreateRequest request;
  request.set_collection("small");
  request.mutable_vectors()->set_size(16);
  request.mutable_vectors()->set_distance("Dot");
  auto& index = *request.mutable_index_config();
  index.set_index("ivf");
  index.set_codes("product4");
  index.set_code_bytes(4);
  index.set_anisotropic(0.25f);
  index.set_index_memory(64);
  v1::Done done;
  const auto status = ask(&v1::Vectors::Stub::CreateCollection, request, done);
  ASSERT_TRUE(status.ok()) << status.error_message();
  v1::CollectionRequest named;
  named.set_collection("small");
  v1::CollectionInfo info;
  ASSERT_TRUE(ask(&v1::Vectors::Stub::GetCollection, named, info).ok());
  Json found = rpc::to_json(info.config().index_config());
  const Json asked = rpc::to_json(index);  // items() borrows
  for (const auto& [name, value] : asked.items()) EXPECT_EQ(found[name], value) << name;
  request.set_collection("smaller");
  request.set_most_points(100'000'000);
  EXPECT_EQ(ask(&v1::Vectors::Stub::CreateCollection, request, done).error_code(),
            StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(Rpc, refuses_with_the_words_of_http) {
  const auto refused = [&](auto method, const auto& request, auto reply, StatusCode code, const std::string& path) {
    const auto status = ask(method, request, reply);
    EXPECT_EQ(status.error_code(), code) << status.error_message();
    Json body = rpc::to_json(request);
    const std::string collection = body.value("collection", "");
    body.erase("collection");
    EXPECT_EQ(status.error_message(), http("POST", "/collections/" + collection + "/points" + path, body)["status"]["error"]);
    EXPECT_FALSE(status.error_message().empty());
  };
  v1::SearchRequest search;
  search.set_collection("films");
  search.mutable_vector()->add_values(1);
  refused(&v1::Vectors::Stub::Search, search, v1::PointList(), StatusCode::INVALID_ARGUMENT, "/search");
  search.mutable_vector()->add_values(1);
  search.mutable_vector()->add_values(1);
  search.set_limit(0);
  refused(&v1::Vectors::Stub::Search, search, v1::PointList(), StatusCode::INVALID_ARGUMENT, "/search");
  search.set_limit(3);
  search.mutable_filter()->add_must()->set_key("alone");
  refused(&v1::Vectors::Stub::Search, search, v1::PointList(), StatusCode::INVALID_ARGUMENT, "/search");
  search.set_collection("flims");
  refused(&v1::Vectors::Stub::Search, search, v1::PointList(), StatusCode::NOT_FOUND, "/search");
  v1::RetrieveRequest retrieve;
  retrieve.set_collection("films");
  refused(&v1::Vectors::Stub::Retrieve, retrieve, v1::PointList(), StatusCode::INVALID_ARGUMENT, "");

  v1::UpsertRequest wrong;
  wrong.set_collection("films");
  add_point(wrong, 100);
  add_point(wrong, 101).mutable_vector()->set_values(1, NAN);
  v1::Written written;
  EXPECT_EQ(ask(&v1::Vectors::Stub::Upsert, wrong, written).error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(http("POST", "/collections/films/points/count", Json::object())["result"]["count"], 21) << "nothing was half-applied";
  v1::UpsertRequest deep;
  deep.set_collection("films");
  v1::Value* value = &(*add_point(deep, 100).mutable_payload())["deep"];
  for (int i = 0; i < 40; ++i) value = value->mutable_list()->add_values();
  const auto status = ask(&v1::Vectors::Stub::Upsert, deep, written);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), AllOf(HasSubstr("nested too deeply"), HasSubstr("at most 64 levels")));
  v1::CreateRequest create;
  create.set_collection("films");
  create.mutable_vectors()->set_size(3);
  create.mutable_vectors()->set_distance("Dot");
  v1::Done done;
  EXPECT_EQ(ask(&v1::Vectors::Stub::CreateCollection, create, done).error_code(), StatusCode::ALREADY_EXISTS);
  create.set_collection("other");
  create.mutable_vectors()->set_distance("Manhattan");
  EXPECT_EQ(ask(&v1::Vectors::Stub::CreateCollection, create, done).error_code(), StatusCode::UNIMPLEMENTED);
  create.set_collection("a/b");
  EXPECT_EQ(ask(&v1::Vectors::Stub::CreateCollection, create, done).error_code(), StatusCode::NOT_FOUND);
}

// A field of a message, as it goes over the wire.
std::string field_bytes(char number, const std::string& content) {
  std::string bytes(1, static_cast<char>(number << 3 | 2));
  size_t length = content.size();
  for (; length > 127; length >>= 7) bytes += static_cast<char>(length | 128);
  return bytes + static_cast<char>(length) + content;
}

// Past 100 levels protobuf does not read a message, and gRPC says of its own that it has nothing for it.
TEST_F(Rpc, refuses_filters_however_deep) {
  grpc::GenericStub raw(grpc::CreateChannel("127.0.0.1:" + std::to_string(server.port()), grpc::InsecureChannelCredentials()));
  const std::string three = field_bytes(7, std::string("\x08\x03", 2));
  for (const int deep : {10, 40, 70, 10'000}) {
    std::string condition = three;
    for (int i = 0; i < deep; ++i) condition = field_bytes(8, condition);
    const grpc::Slice bytes(field_bytes(1, "films") + field_bytes(2, field_bytes(1, condition)));
    grpc::CompletionQueue queue;
    grpc::ClientContext context;
    const auto call = raw.PrepareUnaryCall(&context, "/cowatch.v1.Vectors/Count", grpc::ByteBuffer(&bytes, 1), &queue);
    call->StartCall();
    grpc::ByteBuffer reply;
    grpc::Status status;
    call->Finish(&reply, &status, this);
    void* tag = nullptr;
    bool answered = false;
    ASSERT_TRUE(queue.Next(&tag, &answered));
    EXPECT_EQ(status.error_code(), deep == 10 ? StatusCode::OK : deep <= 70 ? StatusCode::INVALID_ARGUMENT : StatusCode::UNIMPLEMENTED) << deep << ": " << status.error_message();
    if (deep == 40 || deep == 70) {
      EXPECT_THAT(status.error_message(), HasSubstr("nested too deeply"));
    }
  }
}

// proto3 does not send empty lists: an allow-list without anyone on it must not become everyone.
TEST_F(Rpc, an_empty_list_of_ids_is_not_every_id) {
  const auto left = [&] { return http("POST", "/collections/films/points/count", Json::object())["result"]["count"].get<int>(); };
  v1::DeleteRequest erase;
  erase.set_collection("films");
  erase.mutable_filter()->add_must()->mutable_has_id();  // nothing of it goes over the wire
  v1::Written written;
  auto status = ask(&v1::Vectors::Stub::Delete, erase, written);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), AllOf(HasSubstr("/filter/must/0"), HasSubstr("says nothing")));
  EXPECT_EQ(left(), 21);
  auto& condition = *erase.mutable_filter()->mutable_must(0);
  condition.mutable_has_ids();
  EXPECT_TRUE(ask(&v1::Vectors::Stub::Delete, erase, written).ok());
  EXPECT_EQ(left(), 21) << "no point is on the list";
  condition.mutable_has_ids()->add_values()->set_number(3);
  EXPECT_TRUE(ask(&v1::Vectors::Stub::Delete, erase, written).ok());
  EXPECT_EQ(left(), 20);
  condition.add_has_id()->set_number(4);
  status = ask(&v1::Vectors::Stub::Delete, erase, written);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("given twice"));
  v1::DeleteRequest unsaid;
  unsaid.set_collection("films");
  unsaid.add_points();
  EXPECT_EQ(ask(&v1::Vectors::Stub::Delete, unsaid, written).error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(left(), 20);
}

TEST_F(Rpc, takes_probes_where_there_are_lists) {
  v1::SearchRequest search;
  search.set_collection("films");
  for (int d = 0; d < 3; ++d) search.mutable_vector()->add_values(1);
  search.mutable_params()->set_probes(4);
  v1::PointList reply;
  const auto status = ask(&v1::Vectors::Stub::Search, search, reply);
  EXPECT_EQ(status.error_code(), StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("/params/probes"));
}

TEST_F(Rpc, asks_for_the_same_tokens) {
  const std::string read = serve::AccessTokens::add(folder / "tokens.json", {"page", "read", {}, 0});
  const std::string scarce = serve::AccessTokens::add(folder / "tokens.json", {"scarce", "read", {}, 1});
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // the file is looked at once a second
  v1::CountRequest count;
  count.set_collection("films");
  v1::CountAnswer counted;
  EXPECT_EQ(ask(&v1::Vectors::Stub::Count, count, counted).error_code(), StatusCode::UNAUTHENTICATED);
  token = read;
  EXPECT_TRUE(ask(&v1::Vectors::Stub::Count, count, counted).ok());
  v1::DeleteRequest erase;
  erase.set_collection("films");
  erase.add_points()->set_number(1);
  v1::Written written;
  EXPECT_EQ(ask(&v1::Vectors::Stub::Delete, erase, written).error_code(), StatusCode::PERMISSION_DENIED);
  token = scarce;
  EXPECT_TRUE(ask(&v1::Vectors::Stub::Count, count, counted).ok());
  EXPECT_EQ(ask(&v1::Vectors::Stub::Count, count, counted).error_code(), StatusCode::RESOURCE_EXHAUSTED);
}

// The way from server to server: any operation, answered as over HTTP.
TEST_F(Rpc, forwards_any_operation) {
  const std::string address = "127.0.0.1:" + std::to_string(server.port());
  const auto forward = [](serve::ShardLink& link, const serve::ShardRequest& request,
                          std::chrono::milliseconds patience = std::chrono::seconds(20)) {
    std::promise<serve::ShardReply> reply;
    link.ask(request, Job::Clock::now() + patience, [&](serve::ShardReply each) { reply.set_value(std::move(each)); });
    return reply.get_future().get();
  };
  const auto link = rpc::open_shard_link({address, ""});
  const Json search = {{"vector", {1, 2, 3}}, {"with_payload", true}, {"with_vector", true}};
  const auto found = forward(*link, {"POST", "/collections/films/points/search", search.dump(), ""});
  EXPECT_EQ(found.status, 200);
  EXPECT_EQ(Json::parse(found.body), http("POST", "/collections/films/points/search", search)["result"]);
  int status = 0;
  const Json bad = {{"vector", {1}}};
  const Json said = http("POST", "/collections/films/points/search", bad, &status);
  const auto refused = forward(*link, {"POST", "/collections/films/points/search", bad.dump(), ""});
  EXPECT_EQ(refused.status, status);
  EXPECT_EQ(refused.body, said["status"]["error"]);
  EXPECT_EQ(forward(*link, {"GET", "/collections/films/points/3", "", ""}).status, 200);
  EXPECT_EQ(forward(*link, {"POST", "/collections/films/points/search", "{", ""}).status, 422);
  EXPECT_EQ(forward(*link, {"POST", "/nothing", "", ""}).status, 404);
  EXPECT_EQ(forward(*link, {"GET", "/readyz", "", ""}).status, 0) << "it answers with a text";
  EXPECT_EQ(forward(*link, {"POST", "/collections/films/points/count", "{}", "urgent"}).status, 400) << "the priority goes along";
  EXPECT_EQ(forward(*link, {"POST", "/collections/films/points/count", "{}", ""}, std::chrono::milliseconds(-1)).status, 0);
  const auto nobody = forward(*rpc::open_shard_link({"127.0.0.1:1", ""}), {"GET", "/collections", "", ""});
  EXPECT_EQ(nobody.status, 0);
  EXPECT_FALSE(nobody.body.empty());
  const std::string read = serve::AccessTokens::add(folder / "tokens.json", {"front", "read", {}, 0});
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // the file is looked at once a second
  EXPECT_EQ(forward(*link, {"GET", "/collections", "", ""}).status, 401);
  EXPECT_EQ(forward(*rpc::open_shard_link({address, read}), {"GET", "/collections", "", ""}).status, 200);
}

TEST_F(Rpc, a_deadline_that_has_passed_is_not_searched_for) {
  v1::SearchRequest search;
  search.set_collection("films");
  for (int i = 0; i < 3; ++i) search.mutable_vector()->add_values(1);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() - std::chrono::seconds(1));
  v1::PointList reply;
  EXPECT_EQ(stub->Search(&context, search, &reply).error_code(), StatusCode::DEADLINE_EXCEEDED);
  // What comes to the queue past its deadline is refused there too.
  auto request = std::make_shared<serve::Request>();
  request->method = "POST", request->path = "/collections/films/points/search";
  request->parsed = std::make_shared<const Json>(Json{{"vector", {1, 1, 1}}});
  std::promise<serve::Outcome> outcome;
  service.ask(request, std::make_shared<std::atomic<bool>>(false), Job::Clock::now() - std::chrono::seconds(1),
              [&](serve::Outcome each) { outcome.set_value(std::move(each)); });
  EXPECT_EQ(outcome.get_future().get().status, 503);
}

TEST_F(Rpc, a_cancelled_call_ends) {
  for (int i = 0; i < 50; ++i) {
    grpc::ClientContext context;
    v1::SearchRequest search;
    search.set_collection("films");
    for (int d = 0; d < 3; ++d) search.mutable_vector()->add_values(1);
    v1::PointList reply;
    std::promise<grpc::Status> ended;
    stub->async()->Search(&context, &search, &reply, [&](grpc::Status status) { ended.set_value(status); });
    if (i % 2) std::this_thread::sleep_for(std::chrono::microseconds(i * 20));
    context.TryCancel();
    const auto code = ended.get_future().get().error_code();
    EXPECT_TRUE(code == StatusCode::CANCELLED || code == StatusCode::OK) << code;
  }
  v1::CountRequest count;
  count.set_collection("films");
  v1::CountAnswer counted;
  EXPECT_TRUE(ask(&v1::Vectors::Stub::Count, count, counted).ok()) << "the server goes on";
}

TEST(ProtoJson, HoldsEveryKindOfValueBothWays) {
  const Json json = Json::parse(R"({"id":"550e8400-e29b-41d4-a716-446655440000","vector":[0.5,-1.0],
    "payload":{"a":1,"b":-7,"c":2.5,"d":"x","e":[true,null,{"f":[]}],"g":{}}})");
  v1::Point point;
  rpc::from_json(json, point);
  EXPECT_EQ(nlohmann::json::parse(rpc::to_json(point).dump()), nlohmann::json::parse(json.dump()));
  EXPECT_EQ(point.payload().at("b").whole(), -7);
  v1::PointList list;
  rpc::from_json(Json::parse(R"([{"id":3},{"id":4}])"), list);
  EXPECT_EQ(list.points(1).id().number(), 4u);
}

}  // namespace
}  // namespace cowatch

// Every declared route, its answer against its declared shape, and the description made from the
// declarations.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "serve/schemas.h"
#include "serve/small_workspace.h"

namespace cowatch {
namespace {

using serve::Request;
using serve::Response;
using serve::Route;
using test::json_of;
using test::request_of;

struct Example {
  std::string target, body;
};

// A request for each route. The key is how the route is declared.
std::map<std::string, Example> examples(const std::string& task) {
  return {
      {"GET /api/health/live", {"/api/health/live", ""}},
      {"GET /api/health/ready", {"/api/health/ready", ""}},
      {"GET /api/health", {"/api/health", ""}},
      {"GET /api/summary", {"/api/summary", ""}},
      {"GET /api/quality", {"/api/quality", ""}},
      {"GET /api/items", {"/api/items?n=5&cursor=2", ""}},
      {"POST /api/items",
       {"/api/items", R"([{"ItemId": "new/1", "Comment": "A", "Categories": ["x y"]}, {"ItemId": "new2",
         "Timestamp": "2024-05-01T10:20:30Z", "Labels": {"a": [1]}, "IsHidden": true}])"}},
      {"POST /api/item", {"/api/item", R"({"ItemId": "new3", "Title": "B", "Timestamp": 1700000000})"}},
      {"GET /api/item/{item-id}", {"/api/item/v0", ""}},
      {"PATCH /api/item/{item-id}", {"/api/item/v1", R"({"Title": "changed"})"}},
      {"DELETE /api/item/{item-id}", {"/api/item/v2", ""}},
      {"GET /api/item/{item-id}/feedback", {"/api/item/v3/feedback?n=3", ""}},
      {"GET /api/item-to-item/related/{item-id}",
       {"/api/item-to-item/related/v0?n=5&offset=1&user-id=u5&exclude=v3,v4", ""}},
      {"GET /api/popular", {"/api/popular?n=3&offset=1&user-id=u1", ""}},
      {"GET /api/latest", {"/api/latest?n=3&offset=1&exclude=v13", ""}},
      {"GET /api/recommend/{user-id}", {"/api/recommend/u1?n=4", ""}},
      {"GET /api/user/{user-id}/recommended", {"/api/user/u1/recommended?n=4&offset=1", ""}},
      {"GET /api/item/{item-id}/neighbors", {"/api/item/v0/neighbors?n=4", ""}},
      {"GET /api/item/{item-id}/feedback/{feedback-type}", {"/api/item/v3/feedback/watch?n=3", ""}},
      {"GET /api/user/{user-id}/feedback/{feedback-type}", {"/api/user/u1/feedback/watch?n=2", ""}},
      {"PUT /api/feedback",
       {"/api/feedback", R"([{"FeedbackType": "watch", "UserId": "u9", "ItemId": "v9"}])"}},
      {"GET /api/feedback/{user-id}/{item-id}", {"/api/feedback/u1/v1", ""}},
      {"GET /api/feedback/{feedback-type}/{user-id}/{item-id}", {"/api/feedback/watch/u1/v1", ""}},
      {"GET /api/users", {"/api/users?n=3&cursor=u1", ""}},
      {"POST /api/users", {"/api/users", R"([{"UserId": "n1", "Labels": ["a"]}, {"UserId": "n2"}])"}},
      {"POST /api/user", {"/api/user", R"({"UserId": "n3", "Comment": "c"})"}},
      {"GET /api/user/{user-id}", {"/api/user/u1", ""}},
      {"PATCH /api/user/{user-id}", {"/api/user/u2", R"({"Comment": "c", "Labels": {"a": 1}})"}},
      {"DELETE /api/user/{user-id}", {"/api/user/u4", ""}},
      {"GET /api/user/{user-id}/feedback", {"/api/user/u1/feedback?n=2", ""}},
      {"POST /api/feedback",
       {"/api/feedback", R"([{"FeedbackType": "watch", "UserId": "u1", "ItemId": "v9", "WatchedSeconds": 2,
         "LengthSeconds": 4}, {"FeedbackType": "like", "UserId": "u1", "ItemId": "v9"}])"}},
      {"DELETE /api/feedback/{feedback-type}/{user-id}/{item-id}", {"/api/feedback/watch/u3/v3", ""}},
      {"POST /api/search/upload", {"/api/search/upload?n=3", "not a video"}},
      {"GET /api/tasks", {"/api/tasks", ""}},
      {"GET /api/task/{task-id}", {"/api/task/" + task, ""}},
      {"GET /api/tree", {"/api/tree?n=2", ""}},
      {"GET /api/tree/{round}/{cluster}", {"/api/tree/1/0", ""}},
      {"GET /api/map", {"/api/map?round=1", ""}},
      {"GET /api/curves", {"/api/curves", ""}},
      {"GET /api/openapi.json", {"/api/openapi.json", ""}},
      {"GET /metrics", {"/metrics", ""}},
      {"GET /apidocs", {"/apidocs", ""}},
  };
}

// What a value holds beyond its schema: an answer's fields are all described.
void collect_undeclared(const Json& value, Json schema, const std::string& place,
                        std::vector<std::string>& out) {
  while (schema.contains("$ref")) {
    const std::string name = schema["$ref"].get<std::string>();
    schema = serve::schemas()[name.substr(name.rfind('/') + 1)];
  }
  if (value.is_array() && schema.contains("items")) {
    for (const Json& entry : value) collect_undeclared(entry, schema["items"], place + "[]", out);
  }
  if (!value.is_object() || !schema.contains("properties")) return;
  for (const auto& [name, field] : value.items()) {
    if (!schema["properties"].contains(name)) {
      out.push_back(place + "." + name);
    } else {
      collect_undeclared(field, schema["properties"][name], place + "." + name, out);
    }
  }
}

void expect_declared(const Route& route, const Response& response) {
  EXPECT_EQ(response.status, route.status) << response.body;
  EXPECT_TRUE(response.file.empty());
  if (route.answer_schema.empty()) {
    EXPECT_FALSE(response.body.empty());
    return;
  }
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_NO_THROW(serve::check_schema(json_of(response), route.answer_schema)) << response.body;
  std::vector<std::string> undeclared;
  collect_undeclared(json_of(response), serve::schemas()[route.answer_schema], route.answer_schema,
                     undeclared);
  EXPECT_EQ(undeclared, std::vector<std::string>());
}

TEST(Routes, AnswerAsDeclared) {
  const test::SmallWorkspace made;
  serve::Service service(made.opened(), Settings());
  const std::string task = service.tasks().start("search-upload", [](const serve::Tasks::Report&) {
    return Json{{"Neighbours", Json::array()}, {"Seconds", 0.5}};
  });
  const auto requests = examples(task);
  std::set<std::string> declared;
  for (const Route& route : serve::routes()) {
    const std::string name = route.method + " " + route.path;
    SCOPED_TRACE(name);
    declared.insert(name);
    const auto example = requests.find(name);
    if (example == requests.end()) {
      ADD_FAILURE() << "this route has no example in the test";
      continue;
    }
    expect_declared(route,
                    service.answer(request_of(route.method, example->second.target, example->second.body)));
  }
  for (const auto& [name, example] : requests) EXPECT_TRUE(declared.contains(name)) << name;
  // Each request counted under its own route shows that it was this route that answered.
  const std::string metrics = service.metrics(request_of("GET", "/metrics"));
  for (const Route& route : serve::routes()) {
    const std::string count = "{route=\"" + route.method + " " + route.path + "\",status=\"" +
                              std::to_string(route.status) + "\"} 1\n";
    EXPECT_NE(metrics.find(count), metrics.npos) << count;
  }
}

// All values of "$ref" in a document.
void collect_references(const Json& value, std::set<std::string>& out) {
  if (value.is_object() && value.contains("$ref")) out.insert(value["$ref"].get<std::string>());
  if (!value.is_structured()) return;
  for (const Json& inner : value) collect_references(inner, out);
}

TEST(Routes, AreDescribedExactly) {
  const Json document = Json::parse(serve::openapi_text());
  std::set<std::string> described, declared;
  for (const auto& [path, operations] : document["paths"].items()) {
    for (const auto& [method, operation] : operations.items()) {
      described.insert(method + " " + path);
      EXPECT_FALSE(operation["summary"].get<std::string>().empty()) << path;
    }
  }
  const std::string page = serve::api_page();
  const auto declare = [&](const std::string& name, const std::string& path) {
    std::string method = name;
    for (char& c : method) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    EXPECT_TRUE(declared.insert(method + " " + path).second) << "declared twice: " << path;
    EXPECT_NE(page.find(name + " " + path), page.npos) << path;
  };
  for (const Route& route : serve::routes()) declare(route.method, route.path);
  for (const serve::VectorRoute& route : serve::vector_routes()) declare(route.method, route.path);
  EXPECT_EQ(described, declared);
  std::set<std::string> references;
  collect_references(document, references);
  EXPECT_GT(references.size(), 10u);
  for (const std::string& reference : references) {
    ASSERT_TRUE(reference.starts_with("#/")) << reference;
    EXPECT_TRUE(document.contains(Json::json_pointer(reference.substr(1)))) << reference;
  }
}

// The text format of Prometheus and its conventions, line by line.
TEST(Routes, MetricsKeepTheConventions) {
  const test::SmallWorkspace made;
  serve::Service service(made.opened(), Settings());
  for (const char* target : {"/api/items", "/api/item/none", "/api/item-to-item/related/v0"})
    service.answer(request_of("GET", target));
  std::istringstream lines(service.answer(request_of("GET", "/metrics")).body);
  std::map<std::string, std::string> type, help;
  std::map<std::string, double> last_bucket;
  std::string line, family;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string mark, what, rest;
    if (line.starts_with('#')) {
      words >> mark >> what >> family >> rest;
      auto& seen = what == "HELP" ? help : type;
      EXPECT_TRUE(seen.emplace(family, rest).second) << family << " stands twice";
      continue;
    }
    // NAME{LABEL="VALUE",…} NUMBER
    const size_t space = line.rfind(' '), brace = std::min(line.find('{'), space);
    ASSERT_NE(space, line.npos) << line;
    const std::string name = line.substr(0, brace), labels = line.substr(brace, space - brace);
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz_"), name.npos) << line;
    EXPECT_TRUE(labels.empty() || (labels.starts_with('{') && labels.ends_with("\"}"))) << line;
    size_t parsed = 0;
    const double value = std::stod(line.substr(space + 1), &parsed);
    EXPECT_EQ(parsed, line.size() - space - 1) << line;
    EXPECT_TRUE(name.starts_with(family)) << line << " stands under " << family;
    EXPECT_TRUE(help.contains(family) && type.contains(family)) << family;
    EXPECT_TRUE(family.starts_with("cowatch_") || family.starts_with("process_")) << family;
    EXPECT_EQ(type[family] == "counter", family.ends_with("_total")) << family << " accumulates, or does not";
    if (!name.ends_with("_bucket")) continue;
    const std::string series = labels.substr(0, labels.find(",le="));
    EXPECT_GE(value, last_bucket[series]) << "buckets are cumulative: " << line;
    last_bucket[series] = value;
  }
  EXPECT_EQ(type["cowatch_http_request_seconds"], "histogram");
  for (const char* gauge :
       {"cowatch_items", "cowatch_embedded_items", "process_resident_memory_bytes", "cowatch_build_info"})
    EXPECT_EQ(type[gauge], "gauge") << gauge;
}

TEST(Routes, AnswerTheClientsOfGorse) {
  const test::SmallWorkspace made;
  serve::Service service(made.opened(), Settings());
  const auto get = [&](const std::string& target) {
    return json_of(service.answer(request_of("GET", target)));
  };
  EXPECT_EQ(get("/api/item/v0/neighbors?n=4"), get("/api/item-to-item/related/v0?n=4"));
  EXPECT_EQ(get("/api/user/u1/feedback/like").size(), 0u);
  EXPECT_EQ(get("/api/user/u1/feedback/watch").size(), 7u);
  EXPECT_EQ(get("/api/feedback/u1/v3").size(), 1u);
  EXPECT_EQ(get("/api/feedback/u1/v9").size(), 0u);
  EXPECT_EQ(get("/api/feedback/watch/u1/v3")["ItemId"], "v3");
  EXPECT_EQ(get("/api/feedback/like/u1/v3")["status"], 404);
  EXPECT_EQ(get("/api/feedback/wach/u1/v3")["remedy"], "Did you mean watch?");
}

TEST(Routes, SayWhatIsMissingBeforeAnythingWasLearnt) {
  const test::SmallWorkspace made(false);
  serve::Service service(made.opened(), Settings());
  for (const char* target : {"/api/map", "/api/tree", "/api/tree/1/0", "/api/item-to-item/related/v0"}) {
    const Response response = service.answer(request_of("GET", target));
    EXPECT_EQ(response.status, 503) << target;
    const Json said = json_of(response);
    EXPECT_NO_THROW(serve::check_schema(said, "Problem"));
    EXPECT_EQ(said["code"], "missing-stage") << target;
    EXPECT_NE(said.value("remedy", "").find("cowatch "), std::string::npos) << response.body;
    EXPECT_EQ(response.body.find(made.folder.path().string()), std::string::npos) << response.body;
  }
  const Response ready = service.answer(request_of("GET", "/api/health/ready"));
  EXPECT_EQ(ready.status, 503);
  EXPECT_EQ(json_of(ready)["Missing"].size(), 2u);
  for (const char* target : {"/api/summary", "/api/health", "/api/curves", "/api/items"})
    EXPECT_EQ(service.answer(request_of("GET", target)).status, 200) << target;
}

// Without features the graph answers, and nothing is missing that would come.
TEST(Routes, AreReadyWithAGraphAlone) {
  const test::SmallWorkspace made;
  std::filesystem::remove_all(made.opened().file("search"));
  std::filesystem::remove(made.opened().embeddings());
  serve::Service service(made.opened(), Settings());
  EXPECT_EQ(service.answer(request_of("GET", "/api/health/ready")).status, 200);
  const Json related = json_of(service.answer(request_of("GET", "/api/item-to-item/related/v0")));
  ASSERT_FALSE(related.empty());
  EXPECT_EQ(related[0].dump().find("similarity"), std::string::npos) << related[0].dump();
  EXPECT_GT(related[0]["Score"].get<double>(), 0) << "the weight of the edge";
}

TEST(Routes, KnowNobodyNewAndRecommendWhatOthersWatch) {
  const test::SmallWorkspace made;
  serve::Service service(made.opened(), Settings());
  const Response response = service.answer(request_of("GET", "/api/recommend/nobody?n=3"));
  EXPECT_EQ(response.status, 200);
  EXPECT_FALSE(json_of(response).empty());
}

TEST(Routes, DoNotTellWhereTheWorkspaceIs) {
  const test::SmallWorkspace made;
  serve::Service service(made.opened(), Settings());
  test::write_bytes(made.workspace.file("map.safetensors"), "not an artifact at all");
  const Response response = service.answer(request_of("GET", "/api/map"));
  EXPECT_GE(response.status, 400);
  EXPECT_NE(json_of(response).value("where", "").find("map.safetensors"), std::string::npos) << response.body;
  EXPECT_EQ(response.body.find(made.folder.path().string()), std::string::npos) << response.body;
}

TEST(Routes, RefuseUnknownAddressesAndMethods) {
  const test::SmallWorkspace made;
  serve::Service service(made.opened(), Settings());
  for (const char* target :
       {"/api/item/none", "/api/item-to-item/related/none", "/api/item/none/feedback", "/api/user/none",
        "/api/user/none/feedback", "/api/task/none", "/api/tree/99/0", "/api/tree/1/999999", "/api/tree/0/0",
        "/api/tree/one/0", "/api/nothing", "/api/", "/media/none.jpg", "/nothing.js"}) {
    const Response response = service.answer(request_of("GET", target));
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_EQ(response.content_type, "application/problem+json");
    EXPECT_NO_THROW(serve::check_schema(json_of(response), "Problem"));
  }
  EXPECT_EQ(service.answer(request_of("DELETE", "/api/feedback/like/u0/v0")).status, 404);
  const std::vector<std::tuple<std::string, std::string, std::string>> wrong = {
      {"DELETE", "/api/items", "GET, POST"},         {"GET", "/api/feedback", "POST, PUT"},
      {"PUT", "/api/item/v0", "GET, PATCH, DELETE"}, {"POST", "/api/item/v0/feedback", "GET"},
      {"POST", "/media/v0.jpg", "GET, HEAD"},        {"DELETE", "/", "GET, HEAD"}};
  for (const auto& [method, target, allowed] : wrong) {
    const Response response = service.answer(request_of(method, target));
    EXPECT_EQ(response.status, 405) << method << " " << target;
    EXPECT_EQ(json_of(response)["status"], 405);
    ASSERT_EQ(response.headers.size(), 1u);
    EXPECT_EQ(response.headers[0], (std::pair<std::string, std::string>("Allow", allowed)));
  }
}

}  // namespace
}  // namespace cowatch

// What collections answer to bad requests: a 4xx that names the place and what was expected, and nothing
// changed.
#include "serve/vectors/vector_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>

#include "base/json.h"
#include "base/random.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

using serve::Request;
using serve::Response;
using testing::AllOf;
using testing::HasSubstr;

class VectorServiceTest : public testing::Test {
 protected:
  VectorServiceTest() {
    EXPECT_EQ(ask("PUT", "/collections/films", R"({"vectors":{"size":3,"distance":"Cosine"}})").status, 200);
    EXPECT_EQ(
        ask("PUT", "/collections/films/points",
            R"({"points":[{"id":1,"vector":[1,0,0],"payload":{"year":1999}},{"id":2,"vector":[0,1,0],"payload":{"year":2003}},
                      {"id":3,"vector":[0.7,0.7,0],"payload":{"year":"old"}}]})")
            .status,
        200);
  }

  Response ask(const std::string& method, const std::string& target, const std::string& body = "") {
    auto request = std::make_shared<Request>();
    request->method = method;
    request->body = body;
    serve::parse_target(target, *request);
    std::mutex mutex;
    std::condition_variable answered;
    std::optional<Response> answer;
    service_.answer(request, nullptr, [&](Response response) {
      const std::lock_guard lock(mutex);
      answer = std::move(response);
      answered.notify_one();
    });
    std::unique_lock lock(mutex);
    answered.wait(lock, [&] { return answer.has_value(); });
    return *answer;
  }
  std::string search(const std::string& rest, int status) {
    const Response response =
        ask("POST", "/collections/films/points/search?timeout=20", R"({"vector":[1,0,0],)" + rest + "}");
    EXPECT_EQ(response.status, status) << rest.substr(0, 200) << "\n" << response.body.substr(0, 400);
    return response.body;
  }
  std::string refused(const std::string& method, const std::string& target, const std::string& body,
                      int status = 422) {
    const Response response = ask(method, target, body);
    EXPECT_EQ(response.status, status) << target << " " << body.substr(0, 200) << "\n"
                                       << response.body.substr(0, 400);
    const Json json = Json::parse(response.body, nullptr, false);
    EXPECT_TRUE(json.is_object() && json["status"]["error"].is_string()) << response.body.substr(0, 400);
    return response.body;
  }
  std::string refused_points(const std::string& points) {
    return refused("PUT", "/collections/films/points", R"({"points":[)" + points + "]}");
  }
  // Conditions one of which is met in each of so many years.
  static std::string years(int count) {
    std::string list;
    for (int i = 0; i < count; ++i)
      list += std::string(i ? "," : "") + R"({"key":"year","match":{"value":)" + std::to_string(i) + "}}";
    return list;
  }
  size_t count() {
    return Json::parse(ask("POST", "/collections/films/points/count", "{}").body)["result"]["count"];
  }

  test::TemporaryFolder folder_;
  serve::VectorService service_{folder_ / "vectors", Settings()};
};

TEST_F(VectorServiceTest, refuses_vectors_that_cannot_be_stored) {
  EXPECT_THAT(refused_points(R"({"id":9,"vector":[1,2]})"),
              AllOf(HasSubstr("/points/0/vector"), HasSubstr("3 numbers")));
  EXPECT_THAT(refused_points(R"({"id":9,"vector":[0,0,0]})"),
              AllOf(HasSubstr("/points/0/vector"), HasSubstr("Cosine")));
  EXPECT_THAT(refused_points(R"({"id":9,"vector":[1e39,0,0]})"),
              AllOf(HasSubstr("/points/0/vector/0"), HasSubstr("32 bits")));
  EXPECT_THAT(refused_points(R"({"id":9,"vector":[3e38,3e38,0]})"), HasSubstr("/points/0/vector"));
  EXPECT_THAT(refused_points(R"({"id":9,"vector":[1,null,0]})"), HasSubstr("/points/0/vector/1"));
  EXPECT_THAT(refused_points(R"({"id":9,"vector":["NaN",1,0]})"), HasSubstr("/points/0/vector/0"));
  EXPECT_THAT(refused_points(R"({"id":9,"vector":[NaN,1,0]})"), HasSubstr("not JSON"));
  EXPECT_THAT(refused_points(R"({"id":-1,"vector":[1,0,0]})"), HasSubstr("/points/0/id"));
  EXPECT_THAT(refused_points(R"({"id":1.5,"vector":[1,0,0]})"), HasSubstr("/points/0/id"));
  EXPECT_THAT(refused_points(R"({"id":"not-a-uuid","vector":[1,0,0]})"), HasSubstr("/points/0/id"));
  EXPECT_THAT(refused_points(R"({"id":9,"vector":[1,0,0],"payload":7})"), HasSubstr("/points/0/payload"));
  EXPECT_THAT(refused_points(R"({"id":9,"vector":[1,0,0],"weight":7})"), HasSubstr("/points/0/weight"));
  EXPECT_EQ(count(), 3u);
}

// All bad rows of a batch are named, and its good ones are not written.
TEST_F(VectorServiceTest, names_every_bad_row_and_writes_none) {
  std::string said = refused_points(
      R"({"id":7,"vector":[1,0,0]},{"id":8,"vector":[1]},{"id":9,"vector":[0,0,1]},{"id":"x","vector":[1,0,0]})");
  EXPECT_THAT(said, AllOf(HasSubstr("/points/3/id"), testing::Not(HasSubstr("/points/0"))));
  said = refused_points(
      R"({"id":7,"vector":[1,0,0]},{"id":8,"vector":[1]},{"id":7,"vector":[0,0,1]},{"id":9,"vector":[0,0,0]})");
  EXPECT_THAT(said, AllOf(HasSubstr("/points/1/vector"), HasSubstr("/points/2/id"),
                          HasSubstr("/points/3/vector"), HasSubstr("twice")));
  EXPECT_EQ(count(), 3u);
  EXPECT_EQ(ask("GET", "/collections/films/points/7").status, 404);
}

TEST_F(VectorServiceTest, names_every_bad_row_of_columns_and_of_new_vectors) {
  EXPECT_THAT(refused("PUT", "/collections/films/points",
                      R"({"batch":{"ids":[7,"x",8,7,9],"vectors":[[1,0,0],[1,0,0],[1],[1,0,0],[0,0,0]]}})"),
              AllOf(HasSubstr("/batch/ids/1"), HasSubstr("/batch/vectors/2"), HasSubstr("/batch/ids/3"),
                    HasSubstr("/batch/vectors/4"), HasSubstr("3 more rows")));
  refused("PUT", "/collections/films/points", R"({"batch":{"ids":[7],"vectors":[[1,0,0]],"payloads":{"a":{}}}})");
  const auto vectors = [&](const std::string& points, int status) {
    return refused("PUT", "/collections/films/points/vectors", R"({"points":[)" + points + "]}", status);
  };
  EXPECT_THAT(vectors(R"({"id":1,"vector":[1]},{"id":2,"vector":[1,0,0]},{"id":"x","vector":[1,0,0]})", 422),
              AllOf(HasSubstr("/points/0/vector"), HasSubstr("/points/2/id")));
  EXPECT_THAT(vectors(R"({"id":1,"vector":[1,0,0]},{"id":50,"vector":[1,0,0]},{"id":60,"vector":[1,0,0]})", 404),
              AllOf(HasSubstr("/points/1/id"), HasSubstr("/points/2/id")));
  EXPECT_EQ(count(), 3u);
}

// What can be known to be wrong with any operation of a batch keeps out all of them.
TEST_F(VectorServiceTest, applies_nothing_of_a_batch_with_a_malformed_operation) {
  const std::string upsert = R"({"upsert":{"points":[{"id":7,"vector":[1,0,0]}]}})";
  const auto batch = [&](const std::string& second) {
    return refused("POST", "/collections/films/points/batch", R"({"operations":[)" + upsert + "," + second + "]}");
  };
  EXPECT_THAT(batch(R"({"delete":{"points":[-1]}})"), HasSubstr("/operations/1/delete/points/0"));
  EXPECT_THAT(batch(R"({"upsert":{"points":[{"id":8,"vector":[1]}]}})"),
              HasSubstr("/operations/1/upsert/points/0/vector"));
  EXPECT_THAT(batch(R"({"upsert":{"batch":{"ids":["x"],"vectors":[[1,0,0]]}}})"),
              HasSubstr("/operations/1/upsert/batch/ids/0"));
  EXPECT_THAT(batch(R"({"set_payload":{"payload":7,"points":[1]}})"), HasSubstr("/operations/1/set_payload/payload"));
  EXPECT_THAT(batch(R"({"drop":{}})"), HasSubstr("/operations/1"));
  EXPECT_EQ(ask("GET", "/collections/films/points/7").status, 404);
  EXPECT_EQ(ask("POST", "/collections/films/points/batch",
                R"({"operations":[)" + upsert + R"(,{"set_payload":{"payload":{"a":1},"points":[7]}},{"delete":{"points":[1]}}]})")
                .status,
            200);
  EXPECT_EQ(Json::parse(ask("GET", "/collections/films/points/7").body)["result"]["payload"]["a"], 1);
  EXPECT_EQ(count(), 3u);
}

TEST_F(VectorServiceTest, refuses_bodies_that_cannot_be_read) {
  const char* const search = "/collections/films/points/search";
  refused("POST", search, R"({"vector":[1,0)");
  refused("POST", search, "");
  refused("POST", search, "[]");
  refused("POST", search, "7");
  refused("POST", search, std::string(100'000, '['));
  refused("POST", search, "{\"vector\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}");
  refused("POST", search, std::string("{\"vector\":[1,0,0],\"filter\":{\"\xff\xfe\":1}}"));
  refused("POST", search, std::string("\0{}", 3));
  EXPECT_THAT(refused("POST", search, R"({"vector":[1,0]})"),
              AllOf(HasSubstr("/vector"), HasSubstr("3 numbers")));
  EXPECT_THAT(refused("POST", search, R"({"vector":[0,0,0]})"),
              AllOf(HasSubstr("/vector"), HasSubstr("Cosine")));
  EXPECT_THAT(refused("POST", search, R"({"vecter":[1,0,0]})"),
              AllOf(HasSubstr("/vecter"), HasSubstr("Did you mean 'vector'?")));
  refused("POST", "/collections/none/points/search", R"({"vector":[1,0,0]})", 404);
  refused("POST", "/collections/films/points/serch", R"({"vector":[1,0,0]})", 405);  // a point's address
  refused("GET", search, "");                                                        // no id
}

TEST_F(VectorServiceTest, deletes_payload_fields_within_fields) {
  ASSERT_EQ(ask("PUT", "/collections/films/points/payload", R"({"payload":{"a":{"b":1,"c":2},"d.e":3,"f":4},"points":[1]})").status, 200);
  ASSERT_EQ(ask("POST", "/collections/films/points/payload/delete", R"({"keys":["a.b","d.e","f","g.h"],"points":[1]})").status, 200);
  EXPECT_EQ(Json::parse(ask("GET", "/collections/films/points/1").body)["result"]["payload"].dump(), R"({"a":{"c":2}})");
}

TEST_F(VectorServiceTest, refuses_keys_of_a_syntax_that_reaches_nothing) {
  for (const std::string key : {R"(a[0])", R"(q.r[0].s)", R"(\"a.b\")"}) {
    const std::string keys = R"([")" + key + R"("])", points = "/collections/films/points";
    EXPECT_THAT(refused("POST", points + "/payload/delete", R"({"points":[1],"keys":)" + keys + "}"), HasSubstr("/keys/0"));
    EXPECT_THAT(search(R"("with_payload":)" + keys, 422), HasSubstr("/with_payload/0"));
    EXPECT_THAT(search(R"("with_payload":{"exclude":)" + keys + "}", 422), HasSubstr("/with_payload/exclude/0"));
    EXPECT_THAT(refused("POST", "/collections/films/facet", R"({"key":")" + key + R"("})"), HasSubstr("/key"));
  }
}

// Those that are stored and those that are asked for are refused alike.
TEST_F(VectorServiceTest, refuses_queries_that_could_not_be_stored) {
  EXPECT_EQ(ask("PUT", "/collections/dots", R"({"vectors":{"size":2,"distance":"Dot"}})").status, 200);
  EXPECT_EQ(ask("PUT", "/collections/dots/points", R"({"points":[{"id":1,"vector":[9e18,0]},{"id":2,"vector":[-9e18,0]}]})").status, 200);
  const auto points = [&](const std::string& of, const std::string& body) {
    return refused("POST", "/collections/dots/points/" + of + "?timeout=20", body);
  };
  EXPECT_THAT(points("search", R"({"vector":[3e38,3e38]})"), AllOf(HasSubstr("/vector"), HasSubstr("too long")));
  EXPECT_THAT(points("query", R"({"query":{"nearest":[3e38,3e38]}})"), HasSubstr("/query/nearest"));
  EXPECT_THAT(points("recommend", R"({"positive":[[1,0],[3e38,3e38]]})"), HasSubstr("/positive/1"));
  EXPECT_THAT(points("recommend", R"({"positive":[1],"negative":[2]})"), AllOf(HasSubstr("/positive"), HasSubstr("too long")));
}

// Points of 8,192 numbers, of which some 500 are a batch.
TEST_F(VectorServiceTest, writes_by_filter_in_batches_of_bounded_size) {
  EXPECT_EQ(ask("PUT", "/collections/long", R"({"vectors":{"size":8192,"distance":"Dot"}})").status, 200);
  const std::string points = "/collections/long/points";
  for (size_t first = 0; first < 1200; first += 300) {
    Json body;
    for (size_t id = first; id < first + 300; ++id)
      body["points"].push_back({{"id", id}, {"vector", std::vector<int>(8192, 1)}, {"payload", {{"old", true}, {"n", id}}}});
    ASSERT_EQ(ask("PUT", points, body.dump()).status, 200);
  }
  const auto done = [&](const std::string& path, const std::string& body) {
    const Response response = ask("POST", points + path, body);
    EXPECT_EQ(response.status, 200) << response.body;
    return Json::parse(response.body)["result"];
  };
  const std::string old = R"("filter":{"must":[{"key":"old","match":{"value":true}}]})";
  const uint64_t before = done("/payload", R"({"points":[1],"payload":{"x":1}})")["operation_id"];
  const uint64_t after = done("/payload", R"({"payload":{"old":false},)" + old + "}")["operation_id"];
  EXPECT_GT(after, before + 2) << "several batches";
  EXPECT_EQ(done("/count", "{" + old + "}")["count"], 0);
  EXPECT_EQ(done("/payload/delete", R"({"keys":["old"],"filter":{}})")["operation_id"].get<uint64_t>(), after + (after - before));
  EXPECT_EQ(done("/delete", R"({"filter":{"must":[{"key":"n","range":{"gte":10}}]}})")["status"], "completed");
  EXPECT_EQ(done("/count", "{}")["count"], 10);
}

TEST_F(VectorServiceTest, refuses_a_query_for_two_things) {
  EXPECT_THAT(refused("POST", "/collections/films/points/query", R"({"query":{"nearest":1,"recommend":{"positive":[2]}}})"),
              AllOf(HasSubstr("/query"), HasSubstr("one of")));
}

TEST_F(VectorServiceTest, bounds_what_is_asked_for) {
  EXPECT_THAT(search(R"("limit":0)", 422), AllOf(HasSubstr("/limit"), HasSubstr("from 1 to")));
  EXPECT_THAT(search(R"("limit":-3)", 422), HasSubstr("/limit"));
  EXPECT_THAT(search(R"("limit":2.5)", 422), HasSubstr("/limit"));
  EXPECT_THAT(search(R"("limit":1e99)", 422), HasSubstr("/limit"));
  EXPECT_THAT(search(R"("limit":10001)", 422), HasSubstr("/limit"));
  EXPECT_THAT(search(R"("params":{"hnsw_ef":-1})", 422), HasSubstr("/params/hnsw_ef"));
  EXPECT_EQ(Json::parse(search(R"("limit":10000)", 200))["result"].size(), 3u) << "more than there are: all";
  EXPECT_EQ(Json::parse(search(R"("limit":5,"offset":2)", 200))["result"].size(), 1u);
  EXPECT_EQ(Json::parse(search(R"("offset":9999)", 200))["result"].size(), 0u);
}

// Small requests for large answers are refused before there is one.
TEST_F(VectorServiceTest, bounds_what_one_request_is_answered) {
  const std::string one = R"({"vector":[1,0,0],"limit":9000,"offset":1000},)";
  std::string many;
  for (int i = 0; i < 11; ++i) many += one;
  many.pop_back();
  EXPECT_THAT(refused("POST", "/collections/films/points/search/batch", R"({"searches":[)" + many + "]}", 413),
              AllOf(HasSubstr("/searches/10/limit"), HasSubstr("at most 100000"), HasSubstr("several requests")));
  many.resize(many.size() - one.size());
  EXPECT_EQ(ask("POST", "/collections/films/points/search/batch?timeout=20", R"({"searches":[)" + many + "]}").status,
            200);
  EXPECT_THAT(refused("POST", "/collections/films/points/search/groups",
                      R"({"vector":[1,0,0],"group_by":"year","limit":10000,"group_size":11})", 413),
              HasSubstr("/group_size"));
  std::string list;
  for (int i = 0; i < 10'001; ++i) list += std::string(i ? "," : "") + "1";
  EXPECT_THAT(refused("POST", "/collections/films/points", R"({"ids":[)" + list + "]}", 413),
              AllOf(HasSubstr("/ids"), HasSubstr("at most 10000"), HasSubstr("found 10001")));
  const Json found = Json::parse(ask("POST", "/collections/films/points", R"({"ids":[3,1,3,1,1]})").body);
  ASSERT_EQ(found["result"].size(), 2u) << "each once";
  EXPECT_EQ(found["result"][0]["id"], 3);
}

TEST_F(VectorServiceTest, bounds_the_bytes_of_an_answer) {
  constexpr size_t dimension = 4096;
  std::string numbers = "1";
  for (size_t i = 1; i < dimension; ++i) numbers += ",1";
  std::string points;
  for (int i = 0; i < 60; ++i)
    points += std::string(i ? "," : "") + R"({"id":)" + std::to_string(i) + R"(,"vector":[)" + numbers + "]}";
  ASSERT_EQ(ask("PUT", "/collections/wide", R"({"vectors":{"size":4096,"distance":"Dot"}})").status, 200);
  ASSERT_EQ(ask("PUT", "/collections/wide/points", R"({"points":[)" + points + "]}").status, 200);
  std::string searches;
  for (int i = 0; i < 15; ++i)
    searches += std::string(i ? "," : "") + R"({"query":1,"limit":60,"with_vector":true})";
  EXPECT_THAT(refused("POST", "/collections/wide/points/query/batch?timeout=60", R"({"searches":[)" + searches + "]}", 413),
              AllOf(HasSubstr("64 MiB"), HasSubstr("with_vector")));
  EXPECT_EQ(ask("POST", "/collections/wide/points/query?timeout=60", R"({"query":1,"limit":60,"with_vector":true})").status,
            200);
}

TEST_F(VectorServiceTest, refuses_filters_that_mean_nothing) {
  const auto filter = [&](const std::string& text) { return search(R"("filter":)" + text, 422); };
  EXPECT_THAT(filter(R"({"most":[]})"), AllOf(HasSubstr("/filter"), HasSubstr("'most'")));
  EXPECT_THAT(filter("[]"), HasSubstr("/filter"));
  for (const char* condition : {R"({"key":"year","match":{"value":1999}})", R"({"has_id":[1]})"})
    EXPECT_THAT(filter(condition), AllOf(HasSubstr("Put the condition under must"), testing::Not(HasSubstr("Did you mean"))));
  EXPECT_THAT(filter(R"({"must":[{"key":"year"}]})"), HasSubstr("/filter/must/0"));
  EXPECT_THAT(filter(R"({"must":[{"key":7,"match":{"value":1}}]})"), HasSubstr("/filter/must/0"));
  EXPECT_THAT(filter(R"({"must":[{"key":"year","match":{"value":[1]}}]})"),
              HasSubstr("/filter/must/0/match"));
  EXPECT_THAT(filter(R"({"must":[{"key":"year","range":{"above":1}}]})"), HasSubstr("/filter/must/0/range"));
  EXPECT_THAT(filter(R"({"must":[{"key":"year","range":{"gt":"soon"}}]})"),
              HasSubstr("/filter/must/0/range"));
  EXPECT_THAT(filter(R"({"must":[{"has_id":["x"]}]})"), HasSubstr("/filter/must/0/has_id"));
  // Values of another type than the payload's are no error: they match nothing.
  EXPECT_EQ(
      Json::parse(search(R"("filter":{"must":[{"key":"year","match":{"value":"1999"}}]})", 200))["result"]
          .size(),
      0u);
  for (const size_t deep : {40u, 70u, 10'000u}) {
    std::string text = R"({"key":"year","match":{"value":1999}})";
    for (size_t i = 0; i < deep; ++i) text = R"({"must":[)" + text + "]}";
    EXPECT_THAT(filter(text), HasSubstr("deep")) << deep;
  }
  EXPECT_THAT(filter(R"({"must":[{}]})"), AllOf(HasSubstr("/filter/must/0"), HasSubstr("says nothing")));
  EXPECT_EQ(Json::parse(search(R"("filter":{"should":[)" + years(4000) + "]}", 200))["result"].size(), 2u);
  EXPECT_THAT(search(R"("filter":{"should":[)" + years(20'000) + "]}", 413),
              AllOf(HasSubstr("/filter/should/4096"), HasSubstr("at most 4096")));
}

// What by mistake names nothing deletes nothing.
TEST_F(VectorServiceTest, deletes_nothing_by_a_condition_that_says_nothing) {
  EXPECT_THAT(refused("POST", "/collections/films/points/delete", R"({"filter":{"must":[{}]}})"), HasSubstr("/filter/must/0"));
  EXPECT_EQ(ask("POST", "/collections/films/points/delete", R"({"filter":{"must":[{"has_id":[]}]}})").status, 200);
  EXPECT_EQ(count(), 3u);
}

// Of two fields that say the same thing none is ignored.
TEST_F(VectorServiceTest, refuses_what_is_said_twice) {
  const std::string points = "/collections/films/points", both = R"("points":[1],"filter":{"must":[{"has_id":[2]}]})";
  EXPECT_THAT(refused("POST", points + "/delete", "{" + both + "}"), AllOf(HasSubstr("/filter"), HasSubstr("points or filter")));
  EXPECT_THAT(refused("POST", points + "/payload", R"({"payload":{"a":1},)" + both + "}"), HasSubstr("points or filter"));
  EXPECT_THAT(refused("POST", points + "/payload/delete", R"({"keys":["a"],)" + both + "}"), HasSubstr("points or filter"));
  EXPECT_THAT(refused("POST", points + "/batch", R"({"operations":[{"clear_payload":{)" + both + "}}]}"),
              HasSubstr("/operations/0/clear_payload/filter"));
  EXPECT_THAT(refused("PUT", points, R"({"points":[{"id":8,"vector":[1,0,0]}],"batch":{"ids":[9],"vectors":[[1,0,0]]}})"),
              AllOf(HasSubstr("/batch"), HasSubstr("points or batch")));
  EXPECT_THAT(search(R"("with_payload":{"include":["year"],"exclude":["a"]})", 422), HasSubstr("/with_payload/exclude"));
  EXPECT_THAT(search(R"("with_vector":true,"with_vectors":false)", 422), HasSubstr("/with_vectors"));
  EXPECT_EQ(ask("POST", points + "/delete", R"({"points":[1],"filter":null})").status, 200) << "null says nothing";
  EXPECT_EQ(count(), 2u);
}

// What Qdrant's clients send and what changes nothing here is read all the same.
TEST_F(VectorServiceTest, checks_the_types_of_what_it_takes_without_effect) {
  const auto create = [&](const std::string& rest, int status = 422) {
    return refused("PUT", "/collections/x", R"({"vectors":{"size":3,"distance":"Dot"},)" + rest + "}", status);
  };
  for (const char* name : {"full_scan_threshold", "max_indexing_threads", "payload_m", "on_disk", "inline_storage"})
    EXPECT_THAT(create(R"("hnsw_config":{")" + std::string(name) + R"(":"x"})"), HasSubstr("/hnsw_config/" + std::string(name)));
  for (const char* name : {"deleted_threshold", "vacuum_min_vector_number", "default_segment_number", "max_segment_size",
                           "memmap_threshold", "flush_interval_sec", "max_optimization_threads", "prevent_unoptimized"})
    EXPECT_THAT(create(R"("optimizers_config":{")" + std::string(name) + R"(":"x"})"),
                HasSubstr("/optimizers_config/" + std::string(name)));
  EXPECT_THAT(create(R"("wal_config":{"wal_capacity_mb":-1})"), HasSubstr("/wal_config/wal_capacity_mb"));
  EXPECT_THAT(create(R"("wal_config":{"size":1})"), HasSubstr("/wal_config/size"));
  EXPECT_THAT(create(R"("on_disk_payload":1)"), HasSubstr("/on_disk_payload"));
  EXPECT_THAT(refused("PUT", "/collections/x", R"({"vectors":{"size":3,"distance":"Dot","on_disk":"yes"}})"), HasSubstr("/vectors/on_disk"));
  EXPECT_EQ(ask("PUT", "/collections/x",
                R"({"vectors":{"size":3,"distance":"Dot","on_disk":true},"on_disk_payload":true,"wal_config":{"wal_capacity_mb":32},
                    "hnsw_config":{"on_disk":false,"payload_m":16},"optimizers_config":{"max_optimization_threads":"auto","deleted_threshold":0.2}})")
                .status,
            200);
  EXPECT_THAT(refused("PATCH", "/collections/x", R"({"optimizers_config":{"max_optimization_threads":true}})"),
              HasSubstr("/optimizers_config/max_optimization_threads"));
  const auto index = [&](const std::string& body, int status) { return refused("PUT", "/collections/films/index", body, status); };
  EXPECT_THAT(index(R"({"field_name":7})", 422), HasSubstr("/field_name"));
  EXPECT_THAT(index(R"({"field_schema":"keyword"})", 422), HasSubstr("/field_name"));
  EXPECT_THAT(index(R"({"field_name":"a","field_schema":{"type":"keyword","on_dsk":true}})", 422),
              AllOf(HasSubstr("/field_schema/on_dsk"), HasSubstr("Did you mean 'on_disk'?")));
  EXPECT_THAT(index(R"({"field_name":"a","field_schema":{"type":"integer","lookup":1}})", 422), HasSubstr("/field_schema/lookup"));
  EXPECT_THAT(index(R"({"field_name":"a","field_schema":{"type":"text","tokenizer":"word"}})", 501), HasSubstr("no such index"));
  EXPECT_EQ(ask("PUT", "/collections/films/index", R"({"field_name":"a","field_schema":{"type":"integer","lookup":true}})").status, 200);
  EXPECT_THAT(refused("PUT", "/collections/films/snapshots/recover", R"({"location":"x.snapshot","priority":"mine"})"), HasSubstr("/priority"));
}

// Lists to scan are those of an index ivf.
TEST_F(VectorServiceTest, takes_probes_where_there_are_lists) {
  EXPECT_THAT(search(R"("params":{"probes":3})", 422), AllOf(HasSubstr("/params/probes"), HasSubstr("the index graph"), HasSubstr("hnsw_ef")));
  EXPECT_THAT(search(R"("params":{"probes":-1})", 422), HasSubstr("/params/probes"));
  ASSERT_EQ(ask("PUT", "/collections/lists", R"({"vectors":{"size":3,"distance":"Dot"},"index_config":{"index":"ivf"}})").status, 200);
  ASSERT_EQ(ask("PUT", "/collections/lists/points", R"({"points":[{"id":1,"vector":[1,0,0]}]})").status, 200);
  for (const char* way : {"search", "query"}) {
    const std::string looked_for = way == std::string("search") ? R"("vector")" : R"("query")";
    const Response found = ask("POST", "/collections/lists/points/" + std::string(way), "{" + looked_for + R"(:[1,0,0],"params":{"probes":3}})");
    EXPECT_EQ(found.status, 200) << found.body;
  }
}

// The points of a deletion are chosen within its deadline, or nothing is deleted; so do reads end.
TEST_F(VectorServiceTest, ends_a_filter_at_its_deadline) {
  Json points = Json::array();
  for (int i = 0; i < 5000; ++i) points.push_back({{"id", 100 + i}, {"vector", {1, 0, 0}}, {"payload", {{"year", -1 - i}, {"old", true}}}});
  ASSERT_EQ(ask("PUT", "/collections/films/points", Json{{"points", points}}.dump()).status, 200);
  const std::string filter = R"("filter":{"should":[)" + years(4000) + "]}";
  const auto asked = [&](const std::string& path, const std::string& body) {
    auto request = std::make_shared<Request>();
    request->method = "POST", request->path = "/collections/films" + path, request->body = body;
    std::promise<serve::Outcome> outcome;
    service_.ask(request, nullptr, Job::Clock::now() + std::chrono::milliseconds(30),
                 [&](serve::Outcome each) { outcome.set_value(std::move(each)); });
    return outcome.get_future().get();
  };
  for (const auto& [path, rest] : std::initializer_list<std::pair<const char*, const char*>>{
           {"/points/delete", ""}, {"/points/count", ""}, {"/points/scroll", ""}, {"/facet", R"("key":"year",)"}, {"/points/search", R"("vector":[1,0,0],)"}}) {
    const serve::Outcome outcome = asked(path, "{" + std::string(rest) + filter + "}");
    EXPECT_EQ(outcome.status, 503) << path;
    EXPECT_THAT(outcome.error, HasSubstr("did not end before its deadline")) << path;
  }
  EXPECT_EQ(count(), 5003u);
}

TEST_F(VectorServiceTest, refuses_collections_that_cannot_be) {
  refused("PUT", "/collections/films", R"({"vectors":{"size":3,"distance":"Cosine"}})", 409);
  EXPECT_THAT(refused("PUT", "/collections/x", R"({"vectors":{"size":0,"distance":"Cosine"}})"),
              HasSubstr("/vectors/size"));
  EXPECT_THAT(refused("PUT", "/collections/x", R"({"vectors":{"size":99999999999,"distance":"Cosine"}})"),
              HasSubstr("/vectors/size"));
  EXPECT_THAT(refused("PUT", "/collections/x", R"({"vectors":{"size":3,"distance":"Near"}})"),
              HasSubstr("/vectors/distance"));
  const auto index = [&](const std::string& config, int status) {
    return refused(
        "PUT", "/collections/x",
        R"({"vectors":{"size":16,"distance":"Dot"},"most_points":1000000,"index_config":)" + config + "}",
        status);
  };
  EXPECT_THAT(index(R"({"index":"tree"})", 400),
              AllOf(HasSubstr("/index_config/index"), HasSubstr("exact, graph or ivf")));
  EXPECT_THAT(index(R"({"codes":"product4"})", 400),
              AllOf(HasSubstr("/index_config/codes"), HasSubstr("or an ivf index")));
  EXPECT_THAT(index(R"({"build_effort":4000000000})", 400),
              AllOf(HasSubstr("/index_config/build_effort"), HasSubstr("1 to 4096")));
  EXPECT_THAT(index(R"({"lists":4})", 400), AllOf(HasSubstr("/index_config"), HasSubstr("index ivf")));
  EXPECT_THAT(index(R"({"index":"ivf","lists":-1})", 422), HasSubstr("/index_config/lists"));
  EXPECT_THAT(index(R"({"index":"ivf","anisotropic":"much"})", 422), HasSubstr("/index_config/anisotropic"));
  EXPECT_THAT(index(R"({"index":"ivf","probes":3})", 422), HasSubstr("/index_config/probes"));
  EXPECT_THAT(index(R"({"index":"ivf","index_memory":1})", 507),
              AllOf(HasSubstr("/index_config"), HasSubstr("predicted for 1000000 vectors")));
  EXPECT_THAT(refused("PUT", "/collections/..", R"({"vectors":{"size":3,"distance":"Dot"}})", 400),
              AllOf(HasSubstr("cannot be the name"), testing::Not(HasSubstr("/index_config"))));
  EXPECT_THAT(refused("PUT", "/collections/films/index", R"({"field_name":"a","field_schema":{"type":5}})"),
              HasSubstr("/field_schema/type"));
  refused("PUT", "/collections/..%2f..%2fx", R"({"vectors":{"size":3,"distance":"Dot"}})", 400);
  EXPECT_EQ(ask("GET", "/collections/x").status, 404);
}

TEST_F(VectorServiceTest, recovers_a_deleted_collection_from_its_snapshot) {
  const std::string snapshots = "/collections/films/snapshots";
  const auto done = [&](const std::string& method, const std::string& target, const std::string& body = "") {
    const Response response = ask(method, target, body);
    EXPECT_EQ(response.status, 200) << response.body;
    return Json::parse(response.body)["result"];
  };
  const std::string name = done("POST", snapshots)["name"];
  EXPECT_EQ(done("DELETE", "/collections/films"), true);
  EXPECT_EQ(done("GET", snapshots)[0]["name"], name);
  refused("POST", snapshots, "", 404);
  refused("PUT", snapshots + "/recover", R"({"location":"none.snapshot"})", 404);
  refused("GET", "/collections/none/snapshots", "", 404);
  EXPECT_EQ(done("PUT", snapshots + "/recover", R"({"location":")" + name + R"("})"), true);
  EXPECT_EQ(count(), 3u);
}

TEST_F(VectorServiceTest, names_what_an_alias_lacks) {
  EXPECT_THAT(refused("POST", "/collections/aliases", R"({"actions":[{"create_alias":{"collection_name":"films"}}]})"),
              HasSubstr("/actions/0/create_alias/alias_name"));
  EXPECT_THAT(refused("POST", "/collections/aliases", R"({"actions":[{"rename_alias":{"old_alias_name":"a"}}]})"),
              HasSubstr("/actions/0/rename_alias/new_alias_name"));
}

// What is said of the vectors' index comes over what is said of the collection's, and leaves the rest of it.
TEST_F(VectorServiceTest, puts_settings_of_the_vectors_over_those_of_the_collection) {
  ASSERT_EQ(ask("PUT", "/collections/x",
                R"({"vectors":{"size":4,"distance":"Dot","hnsw_config":{"m":8}},"optimizers_config":{"indexing_threshold":0},
                    "hnsw_config":{"ef_construct":50,"m":30}})")
                .status,
            200);
  const Json config = Json::parse(ask("GET", "/collections/x").body)["result"]["config"];
  EXPECT_EQ(config["hnsw_config"]["m"], 8);
  EXPECT_EQ(config["hnsw_config"]["ef_construct"], 50);
  EXPECT_EQ(config["optimizer_config"]["indexing_threshold"], 0);
}

TEST_F(VectorServiceTest, changes_the_quota_and_the_memory_of_an_index) {
  ASSERT_EQ(ask("PUT", "/collections/x", R"({"vectors":{"size":4,"distance":"Dot"},"index_config":{"degree":16}})").status, 200);
  const auto patch = [&](const char* body) { return ask("PATCH", "/collections/x", body).status; };
  const auto write = [&](uint64_t id) {
    return ask("PUT", "/collections/x/points", Json{{"points", {{{"id", id}, {"vector", {1, 2, 3, 4}}}}}}.dump()).status;
  };
  const auto config = [&] { return Json::parse(ask("GET", "/collections/x").body)["result"]["config"]; };
  EXPECT_EQ(patch(R"({"most_points":1,"index_config":{"index_memory":64}})"), 200);
  EXPECT_EQ(config()["index_config"]["index_memory"], 64);
  EXPECT_EQ(config()["index_config"]["degree"], 16);
  EXPECT_EQ(write(1), 200);
  EXPECT_EQ(write(2), 413);
  EXPECT_EQ(patch(R"({"most_points":0})"), 200);
  EXPECT_EQ(write(2), 200);
  EXPECT_THAT(refused("PATCH", "/collections/x", R"({"index_config":{"index_memory":1}})", 507), HasSubstr("/index_config/index_memory"));
  EXPECT_THAT(refused("PATCH", "/collections/x", R"({"index_config":{"codes":"scalar8"}})"), HasSubstr("codes"));
  EXPECT_EQ(config()["index_config"]["index_memory"], 64) << "what was refused changes nothing";
}

// Searches of a collection that is scanned, waiting at the same time, share a pass over it. Each is answered,
// or refused, as if it were alone.
TEST_F(VectorServiceTest, answers_together_what_waits_together) {
  constexpr size_t dimension = 512, points = 600;  // 1.2 MB to scan
  const Random random(3, 1);
  const auto vector = [&](uint32_t row) {
    std::vector<float> numbers(dimension);
    for (uint32_t d = 0; d < dimension; ++d) numbers[d] = static_cast<float>(random.normal(row, d));
    return numbers;
  };
  Json list = Json::array();
  for (uint32_t i = 0; i < points; ++i)
    list.push_back({{"id", i}, {"vector", vector(i)}, {"payload", {{"odd", i % 2}}}});
  ASSERT_EQ(ask("PUT", "/collections/wide", R"({"vectors":{"size":512,"distance":"Dot"}})").status, 200);
  ASSERT_EQ(ask("PUT", "/collections/wide/points", Json{{"points", list}}.dump()).status, 200);
  std::vector<std::string> bodies;
  for (uint32_t q = 0; q < 6; ++q) {
    Json body = {{"vector", vector(9000 + q)}, {"limit", 3 + q}, {"with_payload", q == 2}};
    if (q % 2) body["filter"] = Json::parse(R"({"must":[{"key":"odd","match":{"value":1}}]})");
    if (q == 4) body["vector"] = {1, 2};
    bodies.push_back(body.dump());
  }
  const std::string path = "/collections/wide/points/search?timeout=20";
  std::vector<Json> alone;
  for (const auto& body : bodies) alone.push_back(Json::parse(ask("POST", path, body).body));
  service_.drain();  // an answer comes a moment before it is counted
  std::deque<std::function<void()>> turns;
  service_.search_in([&](std::function<void()> turn, bool) { turns.push_back(std::move(turn)); });
  const auto submit = [&](const std::string& body, std::function<void(Response)> done) {
    auto request = std::make_shared<Request>();
    request->method = "POST";
    request->body = body;
    serve::parse_target(path, *request);
    service_.answer(request, nullptr, std::move(done));
  };
  std::vector<Json> together(bodies.size());
  for (size_t q = 0; q < bodies.size(); ++q)
    submit(bodies[q], [&, q](const Response& response) { together[q] = Json::parse(response.body); });
  EXPECT_EQ(service_.searches().waiting, bodies.size());
  const uint64_t passes = service_.searches().batches;
  for (; !turns.empty(); turns.pop_front()) turns.front()();
  EXPECT_EQ(service_.searches().batches, passes + 1);
  for (size_t q = 0; q < bodies.size(); ++q) {
    EXPECT_EQ(together[q]["result"], alone[q]["result"]) << q;
    EXPECT_EQ(together[q]["status"], alone[q]["status"]) << q;
    EXPECT_EQ(together[q]["status"] == "ok", q != 4) << together[q].dump();
  }
  service_.search_in({});
}

// Who would be refused for want of time is known by the head of the request; all else is answered in full.
TEST_F(VectorServiceTest, turns_searches_away_by_their_head) {
  std::deque<std::function<void()>> turns;
  service_.search_in([&](std::function<void()> turn, bool) { turns.push_back(std::move(turn)); });
  const auto head = [](const std::string& method, const std::string& target, const std::string& priority = "") {
    auto request = std::make_shared<Request>();
    request->method = method;
    serve::parse_target(target, *request);
    if (!priority.empty()) request->headers["x-priority"] = priority;
    return request;
  };
  const std::string search = "/collections/films/points/search";
  const auto turned_away = [&](const std::string& method, const std::string& target,
                               const std::string& priority = "") {
    return service_.turns_away(*head(method, target, priority));
  };
  EXPECT_FALSE(service_.busy());
  EXPECT_FALSE(turned_away("POST", search));
  int answered = 0;
  for (int i = 0; i < 900; ++i) {
    auto request = std::make_shared<Request>(*head("POST", search + "?timeout=3600"));
    request->body = R"({"vector":[1,0,0]})";
    service_.answer(request, nullptr, [&](const Response& response) { answered += response.status == 200; });
  }
  EXPECT_TRUE(service_.busy());
  for (const char* way : {"search", "query", "recommend", "search/batch", "query/groups"})
    EXPECT_TRUE(turned_away("POST", "/collections/films/points/" + std::string(way))) << way;
  EXPECT_EQ(service_.searches().refused, 5u);
  EXPECT_TRUE(turned_away("POST", search, "low"));
  EXPECT_FALSE(turned_away("POST", search, "high")) << "before all of these";
  EXPECT_FALSE(turned_away("POST", search, "highest")) << "there is no such priority";
  EXPECT_FALSE(turned_away("POST", search + "?timeout=3600"));
  EXPECT_FALSE(turned_away("POST", search + "?timeout=x"));
  EXPECT_FALSE(turned_away("GET", search));
  EXPECT_FALSE(turned_away("POST", "/collections/none/points/search"));
  EXPECT_FALSE(turned_away("POST", "/collections/films/points"));
  EXPECT_FALSE(turned_away("PUT", "/collections/films/points"));
  EXPECT_FALSE(turned_away("GET", "/healthz"));
  const Response said = serve::VectorService::too_busy();
  EXPECT_EQ(said.status, 503);
  EXPECT_THAT(said.headers, testing::Contains(testing::Pair("Retry-After", "1")));
  EXPECT_THAT(said.body, HasSubstr("busier than it can answer in time"));
  EXPECT_THAT(service_.metrics(true), HasSubstr("cowatch_vectors_refused_total{queue=\"search\"} 6"));
  for (; !turns.empty(); turns.pop_front()) turns.front()();
  EXPECT_EQ(answered, 900);
  EXPECT_FALSE(turned_away("POST", search));
  service_.search_in({});
}

// Whether the process lives is known whatever waits, and who writes does not wait behind who reads.
TEST_F(VectorServiceTest, answers_at_once_whether_it_lives_and_writes_beside_readers) {
  std::promise<void> release;
  const std::shared_future<void> released = release.get_future().share();
  const auto submit = [&](const std::string& method, const std::string& path, const std::string& body,
                          std::function<void(Response)> done) {
    auto request = std::make_shared<Request>();
    request->method = method;
    request->body = body;
    serve::parse_target(path, *request);
    service_.answer(request, nullptr, std::move(done));
  };
  for (int reader = 0; reader < 4; ++reader)  // more than read at a time, each held up while it is answered
    submit("GET", "/collections", "", [released](const Response&) { released.wait(); });
  int answered = 0;
  for (const char* path : {"/healthz", "/livez", "/readyz", "/"})
    submit("GET", path, "", [&](const Response& response) { answered += response.status == 200; });
  EXPECT_EQ(answered, 4) << "before the call returned";
  EXPECT_EQ(ask("PUT", "/collections/films/points", R"({"points":[{"id":7,"vector":[1,0,0]}]})").status, 200);
  release.set_value();
  service_.drain();
}

// Work of many seconds ends where its deadline is.
TEST_F(VectorServiceTest, ends_a_search_at_its_deadline) {
  constexpr int dimension = 64;
  const Random random(3, 2);
  Json points = Json::array(), examples = Json::array(), searches = Json::array();
  for (uint32_t i = 0; i < 4000; ++i) {
    Json vector = Json::array();
    for (uint32_t d = 0; d < dimension; ++d) vector.push_back(static_cast<float>(random.normal(i, d)));
    points.push_back({{"id", i}, {"vector", vector}});
    if (i < 200) examples.push_back(i);
  }
  for (int i = 0; i < 1000; ++i)
    searches.push_back({{"positive", examples}, {"strategy", "best_score"}, {"limit", 1}});
  ASSERT_EQ(ask("PUT", "/collections/long", R"({"vectors":{"size":64,"distance":"Dot"}})").status, 200);
  ASSERT_EQ(ask("PUT", "/collections/long/points", Json{{"points", points}}.dump()).status, 200);
  EXPECT_THAT(refused("POST", "/collections/long/points/recommend/batch?timeout=1",
                      Json{{"searches", searches}}.dump(), 503),
              AllOf(HasSubstr("did not end before its deadline"), HasSubstr("timeout")));
  EXPECT_EQ(service_.searches().shed + service_.searches().refused, 0u);
}

}  // namespace
}  // namespace cowatch

// A collection on three shards beside one that is whole, over the same points: whatever is asked, the
// answers, and the words of refusals, are the same. The shards are services of this process here; tests/e2e
// has real servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "base/json.h"
#include "base/random.h"
#include "serve/vectors/vector_service.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

using serve::Outcome;
using serve::Request;
using serve::VectorService;
using testing::AllOf;
using testing::HasSubstr;

constexpr size_t numbers = 32;

Settings patient() {
  Settings settings;
  settings.set("vectors.deadline_ms", "20000", Settings::Source::flag, "test");
  return settings;
}

Outcome ask(VectorService& service, const std::string& method, const std::string& target,
            const Json& body = nullptr) {
  auto request = std::make_shared<Request>();
  request->method = method;
  request->body = body.is_null() ? "" : body.dump();
  serve::parse_target(target, *request);
  std::promise<Outcome> answer;
  service.ask(request, nullptr, std::nullopt, [&](Outcome outcome) { answer.set_value(std::move(outcome)); });
  return answer.get_future().get();
}

class LocalLink : public serve::ShardLink {
 public:
  LocalLink(VectorService& service, const std::atomic<bool>& down) : service_(service), down_(down) {}
  std::function<void()> ask(const serve::ShardRequest& asked, Clock::time_point deadline,
                            std::function<void(serve::ShardReply)> done) override {
    if (down_) {
      done({0, "connection refused"});
      return [] {};
    }
    auto request = std::make_shared<Request>();
    request->method = asked.method;
    request->body = asked.body;
    serve::parse_target(asked.path, *request);
    service_.ask(request, nullptr, deadline, [done = std::move(done)](const Outcome& outcome) {
      done({outcome.status, outcome.status == 200 ? outcome.result.dump() : outcome.error});
    });
    return [] {};
  }

 private:
  VectorService& service_;
  const std::atomic<bool>& down_;
};

// Of a server that does not answer before it is given up.
class SilentLink : public serve::ShardLink {
 public:
  std::function<void()> ask(const serve::ShardRequest&, Clock::time_point,
                            std::function<void(serve::ShardReply)> done) override {
    return [done = std::move(done)] { done({0, "given up"}); };
  }
};

TEST(ShardLinks, are_given_up_when_who_asks_goes_away) {
  serve::ShardLinks links;
  links.open_by([](const Shard&) { return std::make_unique<SilentLink>(); });
  const ShardedCollection collection{"films", 2, Metric::l2, {{"a:1", ""}, {"a:2", ""}}};
  std::atomic<bool> gone = false;
  std::thread leaves([&] { gone = true; });
  EXPECT_THAT([&] { links.results(collection, {{0, "GET", ""}, {1, "GET", ""}}, {&gone}); },
              testing::ThrowsMessage<Error>(HasSubstr("cancelled")));
  leaves.join();
}

class Shards : public testing::TestWithParam<const char*> {
 protected:
  Shards() {
    for (int s = 0; s < 3; ++s)
      shards_.push_back(std::make_unique<VectorService>(folder_ / ("shard" + std::to_string(s)), patient()));
    start_front();
    EXPECT_EQ(ask(whole_, "PUT", "/collections/films", {{"vectors", vectors()}}).status, 200);
    const Outcome made = create();
    EXPECT_EQ(made.status, 200) << made.error;
  }
  void start_front() {
    front_.reset();
    front_ = std::make_unique<VectorService>(folder_ / "front", patient());
    front_->reach_shards_by([this](const Shard& shard) {
      const size_t s = static_cast<size_t>(shard.address.back() - '1');
      return std::make_unique<LocalLink>(*shards_[s], down_[s]);
    });
  }
  Json vectors() const { return {{"size", numbers}, {"distance", GetParam()}}; }
  Outcome create() {
    return ask(
        *front_, "PUT", "/collections/films",
        {{"vectors", vectors()},
         {"shards", {{{"address", "a:1"}}, {{"address", "a:2"}}, {{"address", "a:3"}, {"token", "t"}}}}});
  }

  // Numbers and UUIDs; every third vector occurs several times, so that scores are equal.
  static Json id_of(uint32_t i) {
    if (i % 4 != 3) return i;
    char text[40];
    std::snprintf(text, sizeof text, "%08x-0000-4000-8000-000000000000", i * 2654435761u);
    return text;
  }
  Json vector_of(uint32_t i) const {
    Json vector = Json::array();
    for (uint32_t d = 0; d < numbers; ++d)
      vector.push_back(static_cast<float>(random_.normal(i % 3 == 0 ? i % 15 : i, d)));
    return vector;
  }
  Json point_of(uint32_t i) const {
    return {{"id", id_of(i)},
            {"vector", vector_of(i)},
            {"payload", {{"year", 1990 + i % 30}, {"city", i % 5 == 0 ? "Berlin" : "Rome"}}}};
  }
  void fill(uint32_t count) {
    Json points = Json::array();
    for (uint32_t i = 0; i < count; ++i) points.push_back(point_of(i));
    same("PUT", "/points", {{"points", points}});
  }

  // Asks both; what tells them apart by nature is left out. Returns the answer.
  Json same(const std::string& method, const std::string& path, const Json& body = nullptr,
            int status = 200) {
    Outcome one = ask(whole_, method, "/collections/films" + path, body);
    Outcome parts = ask(*front_, method, "/collections/films" + path, body);
    EXPECT_EQ(one.status, status) << method << " " << path << " " << body.dump().substr(0, 300) << "\n"
                                  << one.error;
    EXPECT_EQ(parts.status, one.status) << method << " " << path << " " << body.dump().substr(0, 300) << "\n"
                                        << parts.error;
    EXPECT_EQ(parts.error, one.error);
    EXPECT_EQ(plain(parts.result), plain(one.result))
        << method << " " << path << " " << body.dump().substr(0, 300);
    return one.result;
  }
  static Json plain(Json json) {
    if (json.is_object()) {
      json.erase("version");
      json.erase("operation_id");
    }
    if (json.is_structured())
      for (Json& each : json) each = plain(std::move(each));
    return json;
  }
  void same_points() {
    const Json all = same("POST", "/points/scroll", {{"limit", 10000}, {"with_vector", true}});
    EXPECT_GT(all["points"].size(), 0u);
  }

  test::TemporaryFolder folder_;
  Random random_{7, 1};
  std::vector<std::unique_ptr<VectorService>> shards_;
  std::array<std::atomic<bool>, 3> down_ = {};
  VectorService whole_{folder_ / "whole", patient()};
  std::unique_ptr<VectorService> front_;
};

const Json berlin = {{"must", {{{"key", "city"}, {"match", {{"value", "Berlin"}}}}}}};
const Json recent = {{"must", {{{"key", "year"}, {"range", {{"gte", 2000}}}}}},
                     {"must_not", {{"key", "year"}, {"match", {{"value", 2005}}}}}};

TEST_P(Shards, find_what_one_collection_finds) {
  fill(400);
  for (auto& shard : shards_) {
    const auto count =
        ask(*shard, "POST", "/collections/films/points/count", Json::object()).result["count"].get<int>();
    EXPECT_GT(count, 80) << "about a third lies on each";
  }
  const Json query = vector_of(1000), known = vector_of(3);
  for (const Json& filter : {Json(), berlin, recent}) {
    same("POST", "/points/search", {{"vector", query}, {"filter", filter}});
    same("POST", "/points/search",
         {{"vector", known}, {"filter", filter}, {"limit", 50}, {"with_payload", true}});
    same("POST", "/points/search",
         {{"vector", known}, {"filter", filter}, {"limit", 7}, {"offset", 11}, {"with_vector", true}});
    same("POST", "/points/recommend",
         {{"positive", {id_of(3), id_of(4)}}, {"negative", {id_of(9)}}, {"filter", filter}, {"limit", 30}});
    for (const char* strategy : {"best_score", "sum_scores", "average_vector"})
      same("POST", "/points/recommend",
           {{"positive", {id_of(3), id_of(7), query}},
            {"negative", {id_of(9)}},
            {"strategy", strategy},
            {"filter", filter},
            {"limit", 400}});
    same("POST", "/points/query", {{"query", id_of(3)}, {"filter", filter}, {"limit", 30}});
    same("POST", "/points/query",
         {{"query", {{"nearest", query}}}, {"filter", filter}, {"with_payload", {"city"}}});
    same("POST", "/points/query",
         {{"query", {{"recommend", {{"positive", {id_of(8)}}, {"strategy", "best_score"}}}}},
          {"filter", filter}});
    const Json found = same("POST", "/points/count", {{"filter", filter}});
    EXPECT_GT(found["count"], 10);
    same("POST", "/facet", {{"key", "year"}, {"filter", filter}, {"limit", 12}});
  }
  same("POST", "/points/search",
       {{"vector", query},
        {"score_threshold", std::string(GetParam()) == "Euclid" ? 7.5 : 0.1},
        {"limit", 400}});
  same("POST", "/points/search", {{"vector", query}, {"offset", 1000}});
  same("POST", "/points/search/batch",
       {{"searches", {{{"vector", query}}, {{"vector", known}, {"limit", 3}, {"filter", berlin}}}}});
  same("POST", "/points/recommend/batch",
       {{"searches", {{{"positive", {5}}}, {{"positive", {id_of(7)}}, {"negative", {1}}}}}});
  same("POST", "/points/query/batch", {{"searches", {{{"query", 5}}, {{"query", query}, {"offset", 2}}}}});
  same("POST", "/points/search/batch", {{"searches", Json::array()}});
}

TEST_P(Shards, read_points_as_one_collection_does) {
  fill(130);
  same("POST", "/points", {{"ids", {id_of(7), 4, 100'000, id_of(11), 0, 4}}, {"with_vector", true}});
  same("POST", "/points", {{"ids", Json::array()}});
  same("GET", "/points/4");
  same("GET", "/points/" + id_of(7).get<std::string>());
  same("GET", "/points/100000", nullptr, 404);
  for (const size_t limit : {1, 7, 130, 200}) {
    for (const Json& filter : {Json(), berlin}) {
      Json body = {{"limit", limit}, {"filter", filter}};
      size_t pages = 0;
      for (;; ++pages) {
        const Json page = same("POST", "/points/scroll", body);
        if (page["next_page_offset"].is_null()) break;
        body["offset"] = page["next_page_offset"];
        ASSERT_LT(pages, 200u);
      }
    }
  }
}

TEST_P(Shards, change_as_one_collection_does) {
  fill(200);
  same("PUT", "/points",
       {{"batch",
         {{"ids", {1, id_of(7), 900}},
          {"vectors", {vector_of(51), vector_of(52), vector_of(53)}},
          {"payloads", {{{"year", 1}}, nullptr, {{"city", "Oslo"}}}}}}});
  same_points();
  same("POST", "/points/delete", {{"points", {2, 3, id_of(11), 77'777}}});
  same("POST", "/points/delete", {{"filter", {{"must", {{{"key", "year"}, {"match", {{"value", 1995}}}}}}}}});
  same_points();
  same("POST", "/points/payload", {{"payload", {{"seen", true}}}, {"points", {4, 5, id_of(15)}}});
  same("POST", "/points/payload", {{"payload", {{"near", 1}}}, {"filter", berlin}});
  same("PUT", "/points/payload", {{"payload", {{"only", "this"}}}, {"points", {6, 8}}});
  same("POST", "/points/payload/delete", {{"keys", {"year"}}, {"points", {9, 10}}});
  same("POST", "/points/payload/clear", {{"points", {12, id_of(19)}}});
  same_points();
  same("PUT", "/points/vectors",
       {{"points", {{{"id", 4}, {"vector", vector_of(61)}}, {{"id", id_of(7)}, {"vector", vector_of(62)}}}}});
  same("PUT", "/points/vectors",
       {{"points", {{{"id", 4}, {"vector", vector_of(63)}}, {{"id", 88'888}, {"vector", vector_of(64)}}}}},
       404);
  same("POST", "/points/batch",
       {{"operations",
         {{{"upsert", {{"points", {point_of(500), point_of(501)}}}}},
          {{"delete", {{"points", {500}}}}},
          {{"set_payload", {{"payload", {{"x", 1}}}, {"filter", berlin}}}}}}});
  same("POST", "/points/payload", {{"payload", {{"x", 2}}}, {"points", Json::array()}});
  same_points();
}

// Rows are checked before any shard takes one: nothing is half-applied, and places are those of the whole
// request.
TEST_P(Shards, refuse_in_the_words_of_one_collection) {
  fill(60);
  Json bad = Json::array();
  for (uint32_t i = 100; i < 120; ++i) bad.push_back(point_of(i));
  bad[13]["vector"] = {1, 2};
  same("PUT", "/points", {{"points", bad}}, 422);
  bad[13] = bad[4];
  same("PUT", "/points", {{"points", bad}}, 422);
  bad[13]["id"] = "x";
  same("PUT", "/points", {{"points", bad}}, 422);
  same("PUT", "/points", {{"pionts", bad}}, 422);
  same("PUT", "/points/vectors", {{"points", {{{"id", 4}, {"vector", {1}}}}}}, 422);
  same("POST", "/points/delete", {{"points", {1, -1}}}, 422);
  same("POST", "/points/delete", Json::object(), 422);
  same("POST", "/points/payload", {{"payload", 7}, {"points", {1, 2}}}, 422);
  same("POST", "/points/batch", {{"operations", {{{"drop", {{"points", {1}}}}}}}}, 422);
  same("POST", "/points/batch",
       {{"operations", {{{"upsert", {{"points", {point_of(100)}}}}}, {{"delete", {{"points", {-1}}}}}}}}, 422);
  const Json vector = vector_of(1);
  same("POST", "/points/search", {{"vector", {1, 2}}}, 422);
  same("POST", "/points/search", {{"vecter", vector}}, 422);
  same("POST", "/points/search", {{"vector", vector}, {"limit", 0}}, 422);
  same("POST", "/points/search", {{"vector", vector}, {"filter", {{"must", {{{"key", "year"}}}}}}}, 422);
  same("POST", "/points/search", {{"vector", vector}, {"using", "x"}}, 422);
  same("POST", "/points/query", {{"query", {{"fusion", "rrf"}}}}, 501);
  same("POST", "/points/query", {{"query", 1}, {"prefetch", Json::array({Json::object()})}}, 501);
  same("POST", "/points/recommend", {{"positive", {1, 99'999}}}, 404);
  same("POST", "/points/recommend", {{"positive", {1}}, {"filter", {{"must_not", {{{"key", "year"}}}}}}},
       422);
  same("POST", "/points/recommend", {{"positive", Json::array()}}, 422);
  same("POST", "/points/search/batch", {{"searches", {{{"vector", vector}}, {{"vector", {1}}}}}}, 422);
  same("POST", "/points", {{"ids", {1, -4}}}, 422);
  same("POST", "/points/scroll", {{"limit", 0}}, 422);
  same("POST", "/facet", {{"kye", "year"}}, 422);
  same_points();
  EXPECT_EQ(ask(whole_, "POST", "/collections/films/points/count", Json::object()).result["count"], 60);
}

TEST_P(Shards, answer_wholly_or_name_the_shard_that_does_not) {
  fill(90);
  down_[1] = true;
  const Json search = {{"vector", vector_of(1)}};
  for (const auto& [path, body] : {std::pair<const char*, Json>{"/points/search", search},
                                   {"/points/count", Json::object()},
                                   {"/points/scroll", Json::object()}}) {
    const Outcome outcome = ask(*front_, "POST", std::string("/collections/films") + path, body);
    EXPECT_EQ(outcome.status, 503) << path;
    EXPECT_THAT(outcome.error, AllOf(HasSubstr("a:2: connection refused"), testing::Not(HasSubstr("a:1"))));
  }
  Json points = Json::array();
  for (uint32_t i = 200; i < 230; ++i) points.push_back(point_of(i));
  const Outcome written = ask(*front_, "PUT", "/collections/films/points", {{"points", points}});
  EXPECT_EQ(written.status, 503);
  EXPECT_THAT(written.error, AllOf(HasSubstr("a:2"), HasSubstr("send the whole request again")));
  const Outcome info = ask(*front_, "GET", "/collections/films");
  EXPECT_EQ(info.status, 200);
  EXPECT_EQ(info.result["status"], "red");
  EXPECT_THAT(info.result["troubles"].dump(), HasSubstr("a:2: connection refused"));
  down_[1] = false;
  same("PUT", "/points", {{"points", points}});
  same_points();
  const Json whole = ask(*front_, "GET", "/collections/films").result;
  EXPECT_EQ(whole["status"], "green");
  EXPECT_EQ(whole["points_count"], 120);
  EXPECT_EQ(whole["config"]["params"]["shard_number"], 3);
  EXPECT_EQ(whole["shards"].size(), 3u);
}

TEST_P(Shards, are_known_after_a_restart_and_go_with_the_collection) {
  fill(30);
  const auto mode = std::filesystem::status(folder_ / "front/collections/films/shards.json").permissions();
  EXPECT_EQ(mode & std::filesystem::perms::others_read, std::filesystem::perms::none) << "it holds tokens";
  EXPECT_EQ(ask(*front_, "POST", "/collections/aliases",
                {{"actions", {{{"create_alias", {{"collection_name", "films"}, {"alias_name", "live"}}}}}}})
                .status,
            200);
  start_front();
  same_points();
  EXPECT_EQ(ask(*front_, "POST", "/collections/live/points/count", Json::object()).result["count"], 30);
  EXPECT_EQ(ask(*front_, "GET", "/collections/live/aliases").result["aliases"].size(), 1u);
  EXPECT_EQ(ask(*front_, "GET", "/collections").result["collections"].size(), 1u);
  EXPECT_EQ(ask(*front_, "GET", "/collections/films/exists").result["exists"], true);
  EXPECT_EQ(create().status, 409);
  const Outcome snapshot = ask(*front_, "POST", "/collections/films/snapshots");
  EXPECT_EQ(snapshot.status, 501);
  EXPECT_THAT(snapshot.error, HasSubstr("on shards"));
  EXPECT_EQ(ask(*front_, "POST", "/collections/films/points/search/groups", Json::object()).status, 501);
  EXPECT_EQ(ask(*front_, "POST", "/collections/films/points/search",
                {{"vector", vector_of(1)}, {"limit", 9000}, {"offset", 9000}})
                .status,
            422);
  EXPECT_EQ(ask(*front_, "DELETE", "/collections/films").result, true);
  for (auto& shard : shards_) EXPECT_EQ(ask(*shard, "GET", "/collections/films").status, 404);
  EXPECT_EQ(ask(*front_, "GET", "/collections/films").status, 404);
}

TEST_P(Shards, are_made_with_the_collection_or_taken_while_empty) {
  EXPECT_EQ(ask(*front_, "DELETE", "/collections/films").result, true);
  down_[2] = true;
  const Outcome failed = create();
  EXPECT_EQ(failed.status, 409);
  EXPECT_THAT(failed.error, HasSubstr("a:3"));
  EXPECT_EQ(ask(*front_, "GET", "/collections/films").status, 404);
  down_[2] = false;
  EXPECT_EQ(create().status, 200) << "two were made before";
  fill(20);
  const Json other = {{"vectors", vectors()}, {"shards", {{{"address", "b:1"}}}}};
  EXPECT_EQ(ask(*front_, "PUT", "/collections/more", other).status, 200);
  VectorService second(folder_ / "second", patient());
  second.reach_shards_by([this](const Shard&) { return std::make_unique<LocalLink>(*shards_[0], down_[0]); });
  const Outcome taken = ask(second, "PUT", "/collections/films", other);
  EXPECT_EQ(taken.status, 409) << "another server's points lie there";
  EXPECT_THAT(taken.error, AllOf(HasSubstr("b:1"), HasSubstr("points")));
  const auto refused = [&](const Json& shards, const std::string& words) {
    const Outcome outcome =
        ask(second, "PUT", "/collections/x", {{"vectors", vectors()}, {"shards", shards}});
    EXPECT_EQ(outcome.status, 422) << shards.dump();
    EXPECT_THAT(outcome.error, HasSubstr(words));
  };
  refused(Json::array(), "/shards");
  refused({{{"address", "http://a:1"}}}, "/shards/0/address");
  refused({{{"address", "a:1"}}, {{"address", "a"}}}, "/shards/1/address");
  refused({{{"address", "a:1"}}, {{"address", "a:1"}}}, "each server once");
  VectorService alone(folder_ / "alone", patient());
  EXPECT_EQ(ask(alone, "PUT", "/collections/x", other).status, 501);
}

INSTANTIATE_TEST_SUITE_P(Distances, Shards, testing::Values("Cosine", "Dot", "Euclid"));

// Points would be looked for where they are not if this changed.
TEST(ShardOf, never_changes) {
  const ShardedCollection collection{"films", 3, Metric::cosine, {{"a:1", ""}, {"a:2", ""}, {"a:3", ""}}};
  std::string places;
  for (uint64_t id = 0; id < 20; ++id) places += std::to_string(collection.shard_of(PointId(id)));
  places += std::to_string(collection.shard_of(parse_point_id(Json("550e8400-e29b-41d4-a716-446655440000"), "")));
  EXPECT_EQ(places, "020221012210000222020");
}

}  // namespace
}  // namespace cowatch

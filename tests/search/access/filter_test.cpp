// Filters: what they say of a payload, that an index over payloads says the same, and what is refused.
#include "search/access/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "base/random.h"
#include "search/io/segment.h"
#include "search/io/memory_table.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

using testing::HasSubstr;

bool holds(const char* filter, const char* payload) {
  return matches(parse_filter(Json::parse(filter), "/filter"), PointId(7), Json::parse(payload));
}

std::string refusal(const std::string& filter) {
  try {
    parse_filter(Json::parse(filter), "/filter");
  } catch (const Error& error) {
    return error.what();
  }
  return "it was accepted";
}

TEST(Filter, reaches_into_objects_and_arrays) {
  const char* payload = R"({"a": {"b": 1, "list": [1, 2]}, "c.d": "x", "visits": [{"city": "Rome"}, {"city": "Oslo"}]})";
  EXPECT_TRUE(holds(R"({"must": {"key": "a.b", "match": {"value": 1}}})", payload));
  EXPECT_TRUE(holds(R"({"must": {"key": "a.list", "match": {"value": 2}}})", payload));
  EXPECT_TRUE(holds(R"({"must": {"key": "a.list[]", "match": {"value": 2}}})", payload));
  EXPECT_TRUE(holds(R"({"must": {"key": "c.d", "match": {"value": "x"}}})", payload));
  EXPECT_TRUE(holds(R"({"must": {"key": "visits[].city", "match": {"value": "Oslo"}}})", payload));
  EXPECT_FALSE(holds(R"({"must": {"key": "visits.city", "match": {"value": "Oslo"}}})", payload));
  EXPECT_FALSE(holds(R"({"must": {"key": "a", "match": {"value": 1}}})", payload));
}

TEST(Filter, ranges_are_open_or_closed_as_they_say) {
  for (const auto& [bounds, expected] : std::initializer_list<std::pair<const char*, bool>>{
           {R"({"gt": 5})", false}, {R"({"gte": 5})", true}, {R"({"lt": 5})", false}, {R"({"lte": 5})", true}}) {
    EXPECT_EQ(holds((R"({"must": {"key": "n", "range": )" + std::string(bounds) + "}}").c_str(), R"({"n": 5})"), expected)
        << bounds;
  }
}

TEST(Filter, the_narrower_of_two_bounds_holds) {
  for (const char* bounds : {R"({"gt": 5, "gte": 1})", R"({"gt": 1, "gte": 6})", R"({"gt": 5, "gte": 5})",
                             R"({"lt": 5, "lte": 9})", R"({"lt": 9, "lte": 4})", R"({"lt": 5, "lte": 5})"}) {
    EXPECT_FALSE(holds((R"({"must": {"key": "n", "range": )" + std::string(bounds) + "}}").c_str(), R"({"n": 5})")) << bounds;
  }
}

// Doubles hold every second whole number there.
TEST(Filter, whole_numbers_beyond_2_to_the_53_are_not_rounded) {
  const char* above = R"({"must": {"key": "n", "range": {"gt": 1764170000123456788}}})";
  EXPECT_TRUE(holds(above, R"({"n": 1764170000123456789})"));
  EXPECT_FALSE(holds(above, R"({"n": 1764170000123456788})"));
  EXPECT_FALSE(holds(above, R"({"n": 1764170000123456787})"));
  EXPECT_TRUE(holds(R"({"must": {"key": "n", "range": {"lt": -9007199254740992}}})", R"({"n": -9007199254740993})"));
  EXPECT_TRUE(holds(R"({"must": {"key": "n", "range": {"gt": 0.5}}})", R"({"n": 1764170000123456789})"));
}

// As in Qdrant: whatever is a value and not listed.
TEST(Filter, except_holds_for_values_of_other_kinds) {
  const char* except = R"({"must": [{"key": "a", "match": {"except": ["x", 7]}}]})";
  for (const char* held : {R"({"a": "y"})", R"({"a": 8})", R"({"a": true})", R"({"a": 0.5})", R"({"a": {"b": 1}})",
                           R"({"a": [["x"]]})", R"({"a": ["x", {}]})", R"({"a": 18446744073709551615})"})
    EXPECT_TRUE(holds(except, held)) << held;
  for (const char* other : {R"({"a": "x"})", R"({"a": ["x", 7, "x"]})", R"({"a": null})", R"({"a": [null]})", R"({"a": []})", "{}"})
    EXPECT_FALSE(holds(except, other)) << other;
}

TEST(Filter, is_null_of_a_key_looks_into_arrays_and_of_a_condition_at_the_value) {
  const char *of_key = R"({"must": [{"key": "a", "is_null": true}]})", *alone = R"({"must": [{"is_null": {"key": "a"}}]})";
  EXPECT_TRUE(holds(of_key, R"({"a": null})") && holds(alone, R"({"a": null})"));
  EXPECT_TRUE(holds(of_key, R"({"a": [1, null]})"));
  EXPECT_FALSE(holds(alone, R"({"a": [1, null]})"));
  EXPECT_FALSE(holds(of_key, R"({"a": [1]})") || holds(of_key, "{}") || holds(of_key, R"({"a": []})"));
}

TEST(Payload, keys_name_what_is_kept_and_what_is_dropped) {
  const Json payload = Json::parse(R"({"a": {"b": {"c": 1, "d": 2}, "e": 3}, "l": [{"x": 1, "y": 2}, 5, {"y": 3}], "p.q": 4, "s": 6})");
  const auto only = [&](const std::vector<std::string>& keys) { return only_keys(payload, keys); };
  EXPECT_EQ(only({"a.b.c", "a.b.d"}), Json::parse(R"({"a": {"b": {"c": 1, "d": 2}}})"));
  EXPECT_EQ(only({"l[].x"}), Json::parse(R"({"l": [{"x": 1}, 5, {}]})"));
  EXPECT_EQ(only({"l[].x", "l[].y"}), only({"l"}));
  EXPECT_EQ(only({"l[]", "s"}), only({"l", "s"}));
  EXPECT_EQ(only({"p.q", "s.t", "l.x", "a[].e", "none", "a.e"}), Json::parse(R"({"p.q": 4, "a": {"e": 3}})"));
  const auto without = [&](const std::vector<std::string>& keys) {
    Json left = payload;
    drop_keys(left, keys);
    return left;
  };
  EXPECT_EQ(without({"l[].y", "a.b"}), Json::parse(R"({"a": {"e": 3}, "l": [{"x": 1}, 5, {}], "p.q": 4, "s": 6})"));
  EXPECT_EQ(without({"p.q", "a", "l", "s.t"}), Json::parse(R"({"s": 6})"));
  EXPECT_EQ(without({"none", "s[]", "a.e.f"}), payload);
}

TEST(Filter, an_empty_filter_lets_everything_through) {
  EXPECT_TRUE(holds("{}", "{}"));
  EXPECT_TRUE(holds(R"({"must": [], "should": []})", "{}"));
}

// It would let everything through, and a deletion by it would leave nothing.
TEST(Filter, a_condition_that_says_nothing_is_refused) {
  for (const char* filter : {R"({"must": [{"key": "a", "is_null": true}, {}]})", R"({"must_not": [{"has_id": [1]}, {"must": null}]})",
                             R"({"should": [{"has_id": []}, {"must": [{}]}]})"})
    EXPECT_THAT(refusal(filter), testing::AllOf(HasSubstr("a condition says nothing"), HasSubstr("/1"))) << filter;
  EXPECT_THAT(refusal(R"({"must": {}})"), HasSubstr("/filter/must: a condition says nothing"));
  EXPECT_THAT(refusal(R"({"min_should": {"conditions": [{}], "min_count": 1}})"), HasSubstr("/conditions/0"));
  EXPECT_FALSE(holds(R"({"must": [{"has_id": []}]})", "{}"));
  EXPECT_TRUE(holds(R"({"must": [{"must": []}]})", "{}")) << "that is said";
}

std::string many_conditions(size_t count) {
  Json list = Json::array();
  for (size_t i = 0; i < count; ++i) list.push_back({{"key", "a"}, {"match", {{"value", i}}}});
  return Json{{"should", list}}.dump();
}

TEST(Filter, has_so_many_conditions_at_most) {
  EXPECT_TRUE(holds(many_conditions(most_conditions).c_str(), R"({"a": 7})"));
  EXPECT_THAT(refusal(many_conditions(most_conditions + 1)),
              testing::AllOf(HasSubstr("/filter/should/4096"), HasSubstr("too many conditions"), HasSubstr("at most 4096"), HasSubstr("match with any")));
  EXPECT_THAT(refusal(R"({"must": [)" + many_conditions(most_conditions) + "]}"), HasSubstr("/filter/must/0/should/4095")) << "groups count";
}

// Nobody waits any longer, which is noticed at every 64th condition.
TEST(Filter, looks_at_no_more_conditions_than_it_must) {
  const std::atomic<bool> gone = true;
  for (const char* group : {"must", "should", "must_not"}) {
    Json filter = Json::parse(many_conditions(100));
    if (std::string(group) != "should") filter = {{group, filter["should"]}};
    const Condition condition = parse_filter(filter, "/filter");
    const auto held = [&](int value) { return matches(condition, PointId(7), {{"a", value}}, {&gone}); };
    EXPECT_EQ(held(3), std::string(group) == "should") << "the fourth decides, or the first";
    if (std::string(group) != "must") {
      EXPECT_THROW(held(70), Error) << group;
    }
  }
  const Condition half = parse_filter({{"min_should", {{"conditions", Json::parse(many_conditions(100))["should"]}, {"min_count", 60u}}}}, "/filter");
  EXPECT_FALSE(matches(half, PointId(7), Json::object(), {&gone})) << "40 that do not hold are too many";
}

TEST(Filter, names_the_place_of_what_it_refuses) {
  EXPECT_THAT(refusal(R"({"must": [{"key": "a", "match": {"valu": 1}}]})"), HasSubstr("/filter/must/0/match"));
  EXPECT_THAT(refusal(R"({"must": [{"key": "a", "match": {"valu": 1}}]})"), HasSubstr("Did you mean 'value'"));
  EXPECT_THAT(refusal(R"({"mustt": []})"), HasSubstr("Did you mean 'must'"));
  EXPECT_THAT(refusal(R"({"must": [{"key": "a", "range": {"lt": "soon"}}]})"), HasSubstr("/filter/must/0/range/lt"));
  EXPECT_THAT(refusal(R"({"must": [{"has_id": ["x"]}]})"), HasSubstr("/filter/must/0/has_id/0"));
  EXPECT_THAT(refusal(R"({"must": [7]})"), HasSubstr("/filter/must/0"));
  EXPECT_THAT(refusal(R"({"must": [{"key": "a"}]})"), HasSubstr("one test"));
  EXPECT_THAT(refusal(R"({"must": [{"key": "a", "geo_radius": {}}]})"), HasSubstr("geo_radius"));
  for (const char* key : {"a[0]", "q.r[0].s", "\"a.b\"", "a[][].b", "a]", "a["}) {
    const Json condition = {{"key", key}, {"match", {{"value", 1}}}};
    EXPECT_THAT(refusal(Json{{"must", {condition}}}.dump()), HasSubstr("/filter/must/0/key")) << key;
    EXPECT_THAT(refusal(Json{{"must", {{{"is_null", {{"key", key}}}}}}}.dump()), HasSubstr("/is_null/key")) << key;
  }
  std::string deep = R"({"key": "a", "match": {"value": 1}})";
  for (int i = 0; i < 40; ++i) deep = R"({"must": [)" + deep + "]}";
  EXPECT_THAT(refusal(deep), HasSubstr("nested too deeply"));
}

// Random payloads and filters over few keys and values, so that conditions often hold.
class Draw {
 public:
  explicit Draw(uint64_t seed) : random_(seed, 3) {}
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(random_.uniform(0, next_++) * n); }

  Json value() {
    switch (below(9)) {
      case 0: return nullptr;
      case 7: return other();
      case 1: return below(2) == 0;
      case 2: return static_cast<int>(below(5)) - 2;
      case 3: return below(5) * 0.5;
      case 4: return "2024-0" + std::to_string(1 + below(5)) + "-01";
      case 5: return Json::array({below(3), "t" + std::to_string(below(3)), other()});
      case 6: return large();
      default: return "t" + std::to_string(below(4));
    }
  }
  Json other() {
    switch (below(6)) {
      case 0: return nullptr;
      case 1: return {{"x", 1}};
      case 2: return Json::array({"t1"});
      case 3: return 18446744073709551615u;
      default: return "t1";
    }
  }
  Json large() { return (int64_t{1} << 53) + below(4); }
  Json payload() {
    Json payload = Json::object();
    for (const char* key : {"a", "b"})
      if (below(3) > 0) payload[key] = value();
    if (below(2) == 0) payload["o"]["x"] = value();
    if (below(3) == 0)
      for (uint32_t i = below(3); i-- > 0;) payload["l"].push_back({{"x", value()}});
    return payload;
  }
  std::string key() {
    static const char* keys[] = {"a", "b", "o.x", "l[].x", "l", "missing"};
    return keys[below(6)];
  }
  Json scalar() {
    switch (below(3)) {
      case 0: return static_cast<int>(below(5)) - 2;
      case 1: return below(2) == 0;
      default: return "t" + std::to_string(below(4));
    }
  }
  Json condition(int depth) {
    switch (below(depth > 0 ? 12 : 10)) {
      case 0: return {{"key", key()}, {"match", {{"value", scalar()}}}};
      case 1: return {{"key", key()}, {"match", {{"any", {scalar(), scalar()}}}}};
      case 2: return {{"key", key()}, {"match", {{"except", {scalar(), scalar()}}}}};
      case 3: return {{"key", key()}, {"match", {{"text", "t"}}}};
      case 4: return {{"key", key()}, {"range", {{below(2) ? "gt" : "gte", below(3) * 0.5}, {below(2) ? "lt" : "lte", below(4)}}}};
      case 5: return {{"key", key()}, {"range", {{"gte", "2024-02-01"}, {"lt", "2024-04-01"}}}};
      case 6: return {{"key", key()}, {"values_count", {{below(2) ? "gte" : "lt", below(3)}}}};
      case 7:
        if (below(2)) return {{below(2) ? "is_empty" : "is_null", {{"key", key()}}}};
        return {{"key", key()}, {below(2) ? "is_empty" : "is_null", below(2) == 0}};
      case 9: return {{"key", key()}, {"range", {{"gt", large()}, {"gte", large()}, {"lt", large()}}}};
      case 8: return {{"has_id", {below(60), below(60), below(60)}}};
      default: {
        const Json group = filter(depth - 1);
        return group.empty() ? condition(0) : group;
      }
    }
  }
  Json filter(int depth) {
    Json filter = Json::object();
    for (const char* group : {"must", "should", "must_not"}) {
      if (below(2) == 0) continue;
      for (uint32_t i = 1 + below(2); i-- > 0;) filter[group].push_back(condition(depth));
    }
    if (below(4) == 0) filter["min_should"] = {{"conditions", {condition(0), condition(0)}}, {"min_count", 1 + below(2)}};
    return filter;
  }

 private:
  Random random_;
  uint32_t next_ = 0;
};

void compare_index_with_payloads(bool many_keys) {
  Draw draw(many_keys ? 2 : 1);
  constexpr uint32_t count = 60;
  auto table = std::make_shared<MemoryTable>(count, 2);
  const std::vector<float> vector = {1, 0};
  for (uint32_t i = 0; i < count; ++i) {
    Json payload = draw.payload();
    if (many_keys)
      for (int k = 0; k < 10; ++k) payload["0" + std::to_string(i * 10 + static_cast<uint32_t>(k))] = k;
    table->append(PointId(i), 1, vector, payload.dump());
  }
  const Allowed all(count, true);
  const test::TemporaryFolder folder;
  const std::vector<Segment::Source> sources = {{table, all}};
  Segment::write(folder / "s", 2, sources);
  const Segment segment(folder / "s", 2, true);
  size_t selected = 0;
  for (int round = 0; round < 400; ++round) {
    const Json json = draw.filter(2);
    const Condition condition = parse_filter(json, "/filter");
    const Allowed by_index = segment.select(condition, all, {}), by_payload = table->select(condition, all, {});
    for (uint32_t slot = 0; slot < count; ++slot) {
      ASSERT_EQ(by_index.has(slot), by_payload.has(slot))
          << json.dump() << " of " << table->payload_text(slot);
    }
    selected += by_index.count();
  }
  EXPECT_GT(selected, 1000u);
  Allowed some = all;
  some.remove(3);
  for (const char* key : {"a", "b", "o.x", "l[].x", "l", "missing", "0590"})
    EXPECT_THAT(segment.facet(key, some, {}), testing::UnorderedElementsAreArray(table->facet(key, some, {}))) << key;
}

TEST(PayloadIndex, ends_when_nobody_waits) {
  constexpr uint32_t count = 100;
  auto table = std::make_shared<MemoryTable>(count, 2);
  for (uint32_t i = 0; i < count; ++i) {
    Json payload = {{"a", i % 7}};
    for (uint32_t k = 0; k < 3; ++k) payload["0" + std::to_string(i * 3 + k)] = k;
    table->append(PointId(i), 1, std::vector<float>{1, 0}, payload.dump());
  }
  const Allowed all(count, true);
  const test::TemporaryFolder folder;
  Segment::write(folder / "s", 2, std::vector<Segment::Source>{{table, all}});
  const Segment segment(folder / "s", 2, true);
  const std::atomic<bool> gone = true;
  const Patience none{&gone};
  for (const PointTable* points : {static_cast<const PointTable*>(&segment), static_cast<const PointTable*>(table.get())}) {
    for (const char* filter : {R"({"must": [{"key": "a", "match": {"value": 1}}]})", R"({"must_not": [{"key": "0297", "match": {"value": 0}}]})"}) {
      const Condition condition = parse_filter(Json::parse(filter), "/filter");
      EXPECT_GT(points->select(condition, all, {}).count(), 0u);
      EXPECT_THROW(points->select(condition, all, none), Error) << filter;
    }
    EXPECT_THROW(points->facet("0297", all, none), Error);
  }
}

TEST(PayloadIndex, selects_what_the_payloads_say) {
  compare_index_with_payloads(false);
}

TEST(PayloadIndex, keys_past_its_limit_are_answered_from_the_payloads) {
  compare_index_with_payloads(true);
}

}  // namespace
}  // namespace cowatch

// JSON of requests is read as the library reads it, by whichever of two readers.
#include "base/json_text.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/json.h"
#include "base/random.h"

namespace cowatch {
namespace {

TEST(JsonText, is_read_as_the_library_reads_it) {
  for (const std::string text :
       {R"({"vector":[0.1,-2.5e-3,3,1E5,0,-0,-0.0,1e-400,5e-324],"limit":10,"params":{"exact":true}})",
        R"( [ ] )", R"({ })", "[[],{},[[1]],null,false,true]", R"("text")", R"({"a":1,"b":2,"a":3})",
        R"(["a\nb","\u00e4","ä",""])", "18446744073709551615", "18446744073709551616", "-9223372036854775808",
        "-9223372036854775809", "123456789012345678901234567890", "0.30000000000000004", "\t1\r\n"}) {
    const Json read = parse_json(text, "here"), expected = Json::parse(text);
    EXPECT_EQ(read.dump(), expected.dump()) << text;
    EXPECT_TRUE(read.type() == expected.type()) << text;
  }
  const Random random(1, 1);
  for (uint32_t i = 0; i < 2000; ++i) {
    const std::string text = Json(random.normal(0, i) * std::pow(10.0, random.uniform(1, i) * 600 - 300)).dump();
    EXPECT_EQ(parse_json(text, "here").get<double>(), Json::parse(text).get<double>()) << text;
  }
}

// A second for each would not do: a hundred thousand keys that are looked for one by one take ten.
TEST(JsonText, of_objects_of_many_keys_is_read_and_the_last_of_equal_keys_counts) {
  for (const size_t count : {31u, 32u, 33u, 100'000u}) {
    std::string text = "{";
    for (size_t i = 0; i < count; ++i) text += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
    text += "\"k7\":-1}";
    const Json read = parse_json(text, "here");
    ASSERT_EQ(read.size(), count);
    EXPECT_EQ(read.items().begin().key(), "k0");
    const Json::object_t::Container& members = read.get_ref<const Json::object_t&>();
    EXPECT_EQ(members[7].first, "k7");
    EXPECT_EQ(members[7].second, -1);
    EXPECT_EQ(members[count - 1].second, count - 1);
    for (const std::string& bad : {text + "]", text.substr(0, text.size() - 1) + ",\"wide\":123456789012345678901234567890}"}) {
      try {
        const Json wide = parse_json(bad, "here");
        EXPECT_EQ(wide.size(), count + 1);
        EXPECT_LT(count, 1000u);
      } catch (const Error& error) {
        EXPECT_EQ(std::string(error.message()).find("too many keys") != std::string::npos, count > 1000) << error.what();
      }
    }
  }
}

TEST(JsonText, that_is_none_is_refused) {
  for (const std::string text : {"", " ", "{", "[1,]", "[1 2]", R"({"a"})", R"({"a":})", R"({"a":1,})", "{1:2}", "01", "1.", ".5",
                                 "+1", "-", "1e", "1e+", "tru", "nulls", "[1]]", "\"a", "\"a\tb\n\"", "\"\xff\"", "NaN", "1e999", "]]]{", "]{\"a\":1}"})
    EXPECT_THROW(parse_json(text, "here"), Error) << text;
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(parse_json(nested(64), "here").dump(), nested(64));
  EXPECT_THROW(parse_json(nested(65), "here"), Error);
}

std::vector<float> held(const Json& json) {
  return packed_vector(json).value_or(std::vector<float>{-1});
}

TEST(JsonText, of_a_body_holds_its_vectors_packed) {
  const std::vector<float> vector = {0.1f, -2.5e-3f, 3, 18446744073709551615.0f, -9, -0.0f, 0, 3.4028235e38f};
  const std::string list = "[0.1,-2.5e-3,3,18446744073709551615,-9,-0.0,1e-60,3.4028235e38]";
  EXPECT_EQ(held(parse_vectors(R"({"limit":10,"vector":)" + list + "}", "here")["vector"]), vector);
  EXPECT_EQ(held(parse_vectors(R"({"query":)" + list + "}", "here")["query"]), vector);
  EXPECT_EQ(held(parse_vectors(R"({"searches":[{"vector":[1]},{"vector":)" + list + "}]}",
                               "here")["searches"][1]["vector"]),
            vector);
  EXPECT_EQ(held(parse_vectors(R"({"batch":{"vectors":[[],)" + list + "]}}", "here")["batch"]["vectors"][1]),
            vector);
  const Json body = parse_vectors(
      R"({"points":[{"id":7,"vector":[1,2],"payload":{"a":[1]},"vector":)" + list + "}]}", "here");
  EXPECT_EQ(held(body["points"][0]["vector"]), vector) << "the later of two";
  EXPECT_EQ(body["points"][0]["payload"].dump(), R"({"a":[1]})");
  EXPECT_EQ(held(parse_vectors(R"({"vector":[]})", "here")["vector"]), std::vector<float>());
}

TEST(JsonText, packs_nothing_else) {
  for (
      const std::string text :
      {R"({"points":[{"id":{"vector":[1.5]},"payload":{"vector":[1.5],"query":[1.5],"points":[{"vector":[1.5]}]}}]})",
       R"({"points":{"vector":[1.5]},"vectors":[1.5],"searches":[[1.5]],"filter":{"vector":[1.5]}})",
       R"({"points":[[{"vector":[1.5]}]],"ids":[1.5],"batch":[{"vector":[1.5]}],"positive":[[1.5]]})",
       R"({"vector":[1,"2"],"query":[null]})", R"({"vector":[[1,2]],"query":[1e39]})",
       R"({"vector":[true],"query":[{}]})", R"({"vector":{"vector":[1.5]},"query":{"nearest":[1.5]}})",
       R"({"vector":1.5,"query":"x"})", R"([{"vector":[1.5]}])"})
    EXPECT_EQ(parse_vectors(text, "here").dump(), Json::parse(text).dump()) << text;
  for (const std::string text :
       {R"({"vector":[1e400]})", R"({"vector":[NaN]})", R"({"vector":[1,]})", R"({"vector":[1)"})
    EXPECT_THROW(parse_vectors(text, "here"), Error) << text;
  EXPECT_FALSE(packed_vector(Json::parse("[1.5]")));
}

TEST(JsonText, is_as_deep_as_may_be_and_no_deeper) {
  const auto nested = [](int lists, const std::string& inner) {
    return std::string(static_cast<size_t>(lists), '[') + inner +
           std::string(static_cast<size_t>(lists), ']');
  };
  for (const std::string inner : {"1", R"({"a":1})", "{}", ""}) {
    const int most = inner.starts_with("{") ? 63 : 64;
    EXPECT_EQ(parse_json(nested(most, inner), "here").dump(), nested(most, inner));
    EXPECT_THROW(parse_json(nested(most + 1, inner), "here"), Error) << inner;
  }
  EXPECT_THROW(parse_vectors(R"({"vector":)" + nested(100'000, "") + "}", "here"), Error);
  const std::string large = "[" + std::string(2u << 20, ' ');  // more than a thread keeps the memory for
  EXPECT_EQ(parse_json(large + nested(63, "1") + "]", "here").dump(), nested(64, "1"));
  EXPECT_THROW(parse_json(large + nested(64, "1") + "]", "here"), Error);
}

}  // namespace
}  // namespace cowatch

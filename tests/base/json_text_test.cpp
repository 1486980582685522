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

TEST(JsonText, that_is_none_is_refused) {
  for (const std::string text : {"", " ", "{", "[1,]", "[1 2]", R"({"a"})", R"({"a":})", R"({"a":1,})", "{1:2}", "01", "1.", ".5",
                                 "+1", "-", "1e", "1e+", "tru", "nulls", "[1]]", "\"a", "\"a\tb\n\"", "\"\xff\"", "NaN", "1e999"})
    EXPECT_THROW(parse_json(text, "here"), Error) << text;
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(parse_json(nested(64), "here").dump(), nested(64));
  EXPECT_THROW(parse_json(nested(65), "here"), Error);
}

}  // namespace
}  // namespace cowatch

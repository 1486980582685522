// Bodies with packed vectors are taken and refused, word for word, as those that hold every number as a
// value.
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/json.h"
#include "base/json_text.h"
#include "serve/vectors/vector_routes.h"

namespace cowatch {
namespace {

constexpr serve::VectorKind kind = {Metric::cosine, 3};

// What is made of a body, or why nothing is.
std::string read(const Json& body, bool upsert) {
  try {
    std::string all;
    for (const PointChange& change :
         upsert ? serve::read_upsert(body, "", kind) : serve::read_vector_rows(body, "", kind)) {
      all += to_text(change.id) + " " + change.payload + Json(change.vector).dump() + "\n";
    }
    return all;
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(VectorBodies, are_read_alike_with_packed_vectors) {
  for (const std::string vector : {"[0.1,0.2,-0.3]",
                                   "[1,2,3]",
                                   "[1,0.5,-7]",
                                   "[]",
                                   "[1]",
                                   "[0,0,0]",
                                   "[1e39,0,0]",
                                   "[3e38,3e38,0]",
                                   "[-1e308,1,1]",
                                   "[1,2,[3]]",
                                   "[[1,2,3]]",
                                   "[\"1\",2,3]",
                                   "[1,null,3]",
                                   "[1,2,true]",
                                   "[1,2,{}]",
                                   "[1,2,18446744073709551616]",
                                   "null",
                                   "7",
                                   "\"x\"",
                                   "{\"image\":[1,2,3]}",
                                   "{\"vector\":[1,2,3]}",
                                   "[1e-400,1,0]"}) {
    const std::string rows =
        R"({"id":1,"vector":[1,0,0]},{"id":2,"payload":{"a":1,"vector":[1.5]},"vector":)" + vector +
        R"(},{"id":{"vector":[0.5]},"vector":[1,1,1]},{"vector":)" + vector + "}";
    for (const std::string& body :
         {R"({"points":[)" + rows.substr(0, rows.find("},{\"id\":{")) + "}]}", R"({"points":[)" + rows + "]}",
          R"({"points":[{"id":1,"vector":[4,5],"vector":)" + vector + "}]}",
          R"({"points":{"vector":)" + vector + "}}", R"({"points":[)" + vector + "]}",
          R"({"vector":)" + vector + "}",
          R"({"batch":{"ids":[1,2],"vectors":[)" + vector +
              R"(,[1,0,0]],"payloads":[{"vector":[1.5]},null]}})",
          R"({"batch":)" + vector + "}", R"({"batch":{"ids":[[1.5]],"vectors":)" + vector + "}}"})
      for (const bool upsert : {true, false})
        EXPECT_EQ(read(parse_vectors(body, "the body"), upsert), read(Json::parse(body), upsert)) << body;
  }
}

}  // namespace
}  // namespace cowatch

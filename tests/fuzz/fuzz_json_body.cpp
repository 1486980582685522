// Requests as they come over HTTP: the address, then a body of JSON held against every schema. What is
// refused must make a problem that is JSON itself.
#include "base/json.h"
#include "base/json_text.h"
#include "fuzz/fuzz.h"
#include "serve/message.h"
#include "serve/schemas.h"

using namespace cowatch;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(fuzz::text_of(data, size));
  const auto refusal_is_json = [](const Error& error) {
    fuzz::expect(Json::accept(serve::problem(error).body), "a problem in JSON");
  };
  try {
    serve::Request request;
    serve::parse_target(text, request);
  } catch (const Error& error) {
    refusal_is_json(error);
  }
  try {
    const Json body = parse_json(text, "the body");
    for (const auto& [name, schema] : serve::schemas().items()) {
      try {
        serve::check_schema(body, name);
      } catch (const Error& error) {
        refusal_is_json(error);
      }
    }
    fuzz::expect(Json::accept(serve::json_response(body).body), "what was read can be written");
  } catch (const Error& error) {
    refusal_is_json(error);
  }
  return 0;
}

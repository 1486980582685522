// Requests to collections, one after another, against a service without sockets: each is answered by a
// success or by a refusal that is no fault of the server's, in JSON, and the collections can be read
// afterwards, also when they are opened again.
//
// An input is lines METHOD TARGET BODY. The line "reopen" closes the collections and opens them again.
#include <algorithm>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>

#include "base/json.h"
#include "base/settings.h"
#include "base/threads.h"
#include "fuzz/fuzz.h"
#include "serve/message.h"
#include "serve/vectors/vector_service.h"

using namespace cowatch;
using serve::Request;
using serve::Response;
using serve::VectorService;

namespace {

constexpr size_t most_requests = 12;
constexpr uint64_t largest_number =
    5000;  // of the body of a new collection: what it takes is memory of its own

// The first part of the text up to a character, which is taken off with it.
std::string_view take_until(char end, std::string_view& text) {
  const size_t length = std::min(text.find(end), text.size());
  const std::string_view part = text.substr(0, length);
  text.remove_prefix(std::min(length + 1, text.size()));
  return part;
}

bool asks_for_much(const Json& json) {
  if (json.is_number()) return !(json.get<double>() <= static_cast<double>(largest_number));
  return json.is_structured() && std::any_of(json.begin(), json.end(), asks_for_much);
}

// Null for what never reaches the service.
std::shared_ptr<Request> read_request(std::string_view line) {
  auto request = std::make_shared<Request>();
  request->method = take_until(' ', line);
  const std::string_view target = take_until(' ', line);
  request->body = line;
  try {
    serve::parse_target(target, *request);
  } catch (const Error&) {
    return nullptr;
  }
  if (!VectorService::owns(*request)) return nullptr;
  const bool creates = request->method == "PUT" && !request->path.ends_with("/points");
  if (creates && asks_for_much(Json::parse(request->body, nullptr, false))) return nullptr;
  return request;
}

Response answer(VectorService& service, std::shared_ptr<const Request> request) {
  std::promise<Response> promise;
  service.answer(std::move(request), nullptr,
                 [&](Response response) { promise.set_value(std::move(response)); });
  return promise.get_future().get();
}

// 501: Qdrant's operations that are not there; 503 and 507: too little time or space.
bool may_be_answered(int status) {
  return (status >= 200 && status < 300) || (status >= 400 && status < 500) || status == 501 ||
         status == 503 || status == 507;
}

Json checked_answer(VectorService& service, std::shared_ptr<const Request> request) {
  const std::string asked = request->method + " " + request->path;
  const Response response = answer(service, std::move(request));
  if (!may_be_answered(response.status))
    std::fprintf(stderr, "%s: %d %s\n", asked.c_str(), response.status, response.body.c_str());
  fuzz::expect(may_be_answered(response.status), "a success, or a refusal that is no fault of the server's");
  if (response.content_type != "application/json" || !response.file.empty()) return {};
  Json json = Json::parse(response.body, nullptr, false);
  fuzz::expect(!json.is_discarded(), "an answer in JSON");
  return response.status == 200 ? json : Json();
}

void need(VectorService& service, const std::string& line) {
  const auto request = read_request(line);
  fuzz::expect(request && answer(service, request).status == 200, line.c_str());
}

// Every collection shows as many points as it counts.
void read_all(VectorService& service) {
  fuzz::expect(service.collections().failed().empty(), "collections that can be opened");
  for (const std::string& name : service.collections().names()) {
    const std::string path = " /collections/" + name;
    const Json count = checked_answer(service, read_request("POST" + path + "/points/count {}"));
    const Json points = checked_answer(
        service, read_request("POST" + path + R"(/points/scroll {"limit":10000,"with_vector":true})"));
    if (!count.is_object() || !points.is_object()) continue;  // busy
    fuzz::expect(count["result"]["count"] == points["result"]["points"].size(), "all points");
  }
}

// A folder in memory with a collection "c", also called "d".
class Example {
 public:
  Example() {
    std::filesystem::remove_all(folder());
    reopen();
    need(*service_, R"(PUT /collections/c {"vectors":{"size":2,"distance":"Euclid"},"table_points":16})");
    need(*service_, "PUT /collections/c/points " + points);
    need(
        *service_,
        R"(POST /collections/aliases {"actions":[{"create_alias":{"collection_name":"c","alias_name":"d"}}]})");
  }
  ~Example() {
    service_.reset();
    std::filesystem::remove_all(folder());
  }
  VectorService& service() { return *service_; }
  void reopen() {
    service_.reset();
    service_.emplace(folder(), Settings());
  }

 private:
  static Path folder() { return "/dev/shm/cowatch-fuzz-service-" + std::to_string(::getpid()); }
  inline static const std::string points =
      R"({"points":[{"id":1,"vector":[1,0],"payload":{"a":1,"b":["x",true]}},{"id":2,"vector":[0,1],"payload":{"a":"x"}},)"
      R"({"id":"00000000-0000-4000-8000-000000000010","vector":[0.5,-2],"payload":{"c":{"d":[{"e":2.5}]}}}]})";
  std::optional<VectorService> service_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  set_threads(1);
  Example example;
  std::string_view text = fuzz::text_of(data, size);
  for (size_t i = 0; i < most_requests && !text.empty(); ++i) {
    const std::string_view line = take_until('\n', text);
    if (line == "reopen") {
      example.reopen();
      read_all(example.service());
    } else if (const auto request = read_request(line)) {
      checked_answer(example.service(), request);
    }
  }
  read_all(example.service());
  return 0;
}

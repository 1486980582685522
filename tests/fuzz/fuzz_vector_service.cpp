// Requests to a server of collections: whatever their method, address and body, they are answered or refused,
// in words and with nobody's fault but the sender's, and the server goes on.
//
// An input is one request or several, with a line of two signs between them: a line with the method and the
// address, and the body.
#include <future>

#include "base/json.h"
#include "base/log.h"
#include "fuzz/fuzz.h"
#include "serve/vectors/vector_service.h"

using namespace cowatch;

namespace {

class Server {
 public:
  Server() {
    set_log_level(LogLevel::error);
    begin();
  }
  ~Server() {
    service_.reset();
    std::filesystem::remove_all(folder_);
  }

  void ask(std::string_view text) {
    auto request = std::make_shared<serve::Request>();
    const size_t line = text.find('\n'), space = text.substr(0, line).find(' ');
    request->method = text.substr(0, space);
    try {
      serve::parse_target(std::string(space == text.npos ? "" : text.substr(0, line).substr(space + 1)),
                          *request);
    } catch (const Error& error) {
      return fuzz::expect(!error.message().empty(), "a message");
    }
    if (line != text.npos) request->body = text.substr(line + 1);
    std::promise<serve::Outcome> promise;
    service_->ask(request, nullptr, std::nullopt,
                  [&](serve::Outcome outcome) { promise.set_value(std::move(outcome)); });
    const serve::Outcome outcome = promise.get_future().get();
    fuzz::expect(outcome.status != 500, outcome.error.c_str());
    fuzz::expect((outcome.status >= 400) == !outcome.error.empty(), "words with a refusal alone");
    (void)outcome.result.dump();
  }

  // A small collection with points of many kinds, and nothing else.
  void begin_if_grown() {
    auto& collections = service_->collections();
    const auto names = collections.names();
    const bool alone = names == std::vector<std::string>{"c"} && collections.aliases().empty() &&
                       collections.sharded_names().empty();
    if (!alone || collections.find("c")->view()->count() > 100 || ++asked_ % 1000 == 0) begin();
  }

 private:
  void begin() {
    service_.reset();
    std::filesystem::remove_all(folder_);
    service_ = std::make_unique<serve::VectorService>(folder_, Settings());
    ask("PUT /collections/c\n"
        R"({"vectors":{"size":2,"distance":"Dot"},"table_points":16})");
    ask("PUT /collections/c/points\n"
        R"({"points":[{"id":1,"vector":[1,0],"payload":{"a":[1,"x"],"b":{"c":7}}},{"id":2,"vector":[0,1],"payload":{"a":"x","d":null}},
            {"id":3,"vector":[1,1]},{"id":"550e8400-e29b-41d4-a716-446655440000","vector":[2,2],"payload":{"b":[{"c":1}]}}]})");
  }

  const Path folder_ = "/dev/shm/cowatch-fuzz-service-" + std::to_string(::getpid());
  std::unique_ptr<serve::VectorService> service_;
  size_t asked_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static Server server;
  constexpr std::string_view between = "\n--\n";
  server.begin_if_grown();
  std::string_view rest = fuzz::text_of(data, size);
  for (int requests = 0; requests < 8 && !rest.empty(); ++requests) {
    const size_t end = rest.find(between);
    server.ask(rest.substr(0, end));
    rest = end == rest.npos ? "" : rest.substr(end + between.size());
  }
  return 0;
}

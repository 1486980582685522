// Bodies of requests to collections: whatever comes, the answer is JSON, never a fault of ours, and a batch
// that is refused changes nothing. The first byte chooses the operation.
#include <condition_variable>
#include <mutex>
#include <optional>

#include "base/json.h"
#include "fuzz/fuzz.h"
#include "serve/vectors/vector_service.h"

using namespace cowatch;

namespace {

struct Operation {
  const char *method, *path;
  bool writes = false;
};
constexpr Operation operations[] = {
    {"POST", "/collections/c/points/search"},
    {"POST", "/collections/c/points/query"},
    {"POST", "/collections/c/points/recommend"},
    {"POST", "/collections/c/points/search/batch"},
    {"POST", "/collections/c/points/scroll"},
    {"POST", "/collections/c/points/count"},
    {"POST", "/collections/c/facet"},
    {"POST", "/collections/c/points/query/groups"},
    {"POST", "/collections/c/points"},
    {"PUT", "/collections/c/points", true},
    {"POST", "/collections/c/points/delete", true},
    {"POST", "/collections/c/points/payload", true},
    {"POST", "/collections/c/points/batch"},
    {"PUT", "/collections/c/points/vectors", true},
};

class Collections {
 public:
  Collections() {
    char name[] = "/dev/shm/cowatch-fuzz-XXXXXX";
    folder_ = ::mkdtemp(name);
    service_.emplace(folder_ / "vectors", Settings());
    ask("PUT", "/collections/c", R"({"vectors":{"size":2,"distance":"Cosine"}})");
    ask("PUT", "/collections/c/points",
        R"({"points":[{"id":1,"vector":[1,0],"payload":{"a":[1,2.5,"x"],"b":{"c":true}}},{"id":2,"vector":[0,1]}]})");
  }
  ~Collections() {
    service_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  serve::Response ask(std::string method, std::string path, std::string body) {
    auto request = std::make_shared<serve::Request>();
    request->method = std::move(method);
    request->path = std::move(path);
    request->body = std::move(body);
    request->query["timeout"] = "60";
    std::mutex mutex;
    std::condition_variable answered;
    std::optional<serve::Response> answer;
    service_->answer(request, nullptr, [&](serve::Response response) {
      const std::lock_guard lock(mutex);
      answer = std::move(response);
      answered.notify_one();
    });
    std::unique_lock lock(mutex);
    answered.wait(lock, [&] { return answer.has_value(); });
    return *answer;
  }
  uint64_t sequence() { return service_->collections().find("c")->view()->sequence; }

 private:
  Path folder_;
  std::optional<serve::VectorService> service_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  static Collections collections;
  const Operation& operation = operations[data[0] % std::size(operations)];
  const uint64_t before = collections.sequence();
  const auto response =
      collections.ask(operation.method, operation.path, std::string(fuzz::text_of(data + 1, size - 1)));
  fuzz::expect(response.status < 500 || response.status == 501, "no fault of ours");
  fuzz::expect(Json::accept(response.body), "an answer in JSON");
  if (operation.writes && response.status != 200)
    fuzz::expect(collections.sequence() == before, "what is refused changes nothing");
  return 0;
}

// Bodies of requests to collections: fields, vectors, ids and filters are read or refused with their place;
// and what a filter selects through the index of a segment is what it says of each payload.
#include "base/json.h"
#include "base/json_text.h"
#include "fuzz/fuzz.h"
#include "search/access/filter.h"
#include "search/access/payload_index.h"
#include "serve/message.h"
#include "serve/vectors/fields.h"

using namespace cowatch;

namespace {

const char* const payloads[] = {R"({"a":[1,2.5,"x",true],"b":{"c":7},"d":null})",
                                R"({"a":"x","b":[{"c":1},{"c":2}]})",
                                R"({"a":"2024-05-01T10:00:00Z","d":[]})", "{}"};

// The payloads as points 0 to 3 of a segment.
class Indexed : public PayloadIndex::Points {
 public:
  Indexed() {
    PayloadIndexBuilder builder;
    for (uint32_t slot = 0; slot < std::size(payloads); ++slot)
      builder.add(slot, Json::parse(payloads[slot]));
    TensorFileWriter writer("payloads", 1);
    builder.finish(writer);
    const Path path = "/dev/shm/cowatch-fuzz-index-" + std::to_string(::getpid());
    writer.write(path);
    file_.emplace(path, "payloads", 1);
    std::filesystem::remove(path);
    index_ = PayloadIndex(*file_, std::size(payloads));
  }
  std::optional<uint32_t> slot_of(const PointId& id) const override {
    return id.uuid == 0 && id.low < std::size(payloads) ? std::optional(static_cast<uint32_t>(id.low))
                                                        : std::nullopt;
  }
  PointId id_of(uint32_t slot) const override { return PointId(slot); }
  Json payload_of(uint32_t slot) const override { return Json::parse(payloads[slot]); }
  void compare(const Condition& condition) const {
    const Allowed selected = index_.select(condition, *this, {});
    for (uint32_t slot = 0; slot < std::size(payloads); ++slot)
      fuzz::expect(selected.has(slot) == matches(condition, id_of(slot), payload_of(slot)),
                   "the index agrees");
  }

 private:
  std::optional<TensorFile> file_;
  PayloadIndex index_;
};

void read(const Json& body, const Indexed& indexed) {
  const serve::Fields fields(body, "",
                             {"vector", "filter", "limit", "ids", "exact", "key", "score_threshold"});
  const auto attempt = [](const auto& work) {
    try {
      work();
    } catch (const Error& error) {
      fuzz::expect(!error.details().where.empty(), "a place");
    }
  };
  attempt([&] { fuzz::expect(fields.whole("limit", 1, 1, 100) <= 100, "within its bounds"); });
  attempt([&] { (void)fields.flag("exact", false); });
  attempt([&] { (void)fields.text("key"); });
  attempt([&] { (void)fields.ids("ids", 100); });
  attempt([&] {
    for (const float number : serve::read_vector(fields.need("vector", "numbers"), "/vector"))
      fuzz::expect(number - number == 0, "finite numbers");
  });
  attempt([&] {
    if (const Json* filter = fields.find("filter")) indexed.compare(parse_filter(*filter, "/filter"));
  });
}

// A body whose vectors are packed has the same numbers as one that lists them.
void compare_packed(const Json& listed, const Json& packed) {
  if (!listed.is_object() || !listed.contains("vector")) return;
  const auto vector = packed_vector(packed.at("vector"));
  fuzz::expect(vector ? serve::read_vector(listed.at("vector"), "/vector") == *vector
                      : packed.at("vector") == listed.at("vector"),
               "the same vector");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Indexed indexed;
  try {
    const std::string_view text = fuzz::text_of(data, size);
    const Json body = parse_json(text, "the body");
    read(body, indexed);
    compare_packed(body, parse_vectors(text, "the body"));
  } catch (const Error& error) {
    fuzz::expect(Json::accept(serve::problem(error).body), "a problem in JSON");
  }
  return 0;
}

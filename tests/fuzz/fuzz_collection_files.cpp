// Files of a collection: whatever their bytes, they are read or refused. Segments and manifests are tried as
// they come and with their checksums put right, so that what lies behind those is reached too. The first byte
// chooses.
#include "base/json.h"
#include "fuzz/fuzz.h"
#include "search/io/manifest.h"
#include "search/io/record_store.h"
#include "search/io/segment.h"

using namespace cowatch;

namespace {

constexpr size_t dimension = 2;

void read_segment(const Path& path) {
  const Segment segment(path, dimension, false);
  const Allowed all(segment.size(), true);
  for (uint32_t slot = 0; slot < segment.size(); ++slot) {
    (void)segment.id_of(slot);
    (void)segment.vector_of(slot)[dimension - 1];
    (void)Json::accept(segment.payload_text(slot));
  }
  for (const char* filter :
       {R"({"must":[{"key":"a","match":{"value":1}}]})", R"({"must":[{"key":"a","match":{"value":"x"}}]})",
        R"({"must_not":[{"key":"a","range":{"lt":2}},{"is_empty":{"key":"b"}}]})"})
    (void)segment.select(parse_filter(Json::parse(filter), ""), all, {});
  (void)segment.facet("a", all, {});
}

void read_records(const uint8_t* data, size_t size) {
  static const Path folder = [] {
    char name[] = "/dev/shm/cowatch-fuzz-XXXXXX";
    return Path(::mkdtemp(name));
  }();
  const Path path = folder / "records.sqlite";
  for (const char* suffix : {"", "-wal", "-shm"}) std::filesystem::remove(path.string() + suffix);
  write_atomically(path, fuzz::text_of(data, size));
  const RecordStore records(path, dimension);
  records.replay(0, [](const PointRecord& record) {
    fuzz::expect(record.erased || record.vector.size() == dimension, "a vector");
  });
}

// Tensors of a segment from slices of the input, with checksums that hold: of format 1, or of 2, which has some for each block.
void write_segment(const Path& path, const uint8_t* data, size_t size) {
  const size_t count = size > 0 ? data[0] % 8 : 0;
  auto next = [&, at = size_t{1}](size_t n) mutable {
    std::vector<uint64_t> values(n);
    for (auto& value : values) value = at < size ? data[at++] : 0;
    return values;
  };
  const auto ids = next(count * 3), sequences = next(count), ends = next(count);
  std::vector<uint8_t> payloads(data + std::min(size, 1 + count * 5), data + size);
  std::vector<float> vectors(count * dimension, 1);
  const bool by_block = size > 0 && data[0] >= 128;
  TensorFileWriter writer("vector_segment", by_block ? 2 : 1);
  const auto vector_checks = BlockChecks::of(std::as_bytes(std::span(vectors)));
  const auto payload_checks = BlockChecks::of(std::as_bytes(std::span(payloads)));
  if (by_block) {
    writer.add<uint64_t>("vector_checks", {vector_checks.size()}, vector_checks);
    writer.add<uint64_t>("payload_checks", {payload_checks.size()}, payload_checks);
  }
  writer.add<uint64_t>("ids", {count, 3}, ids);
  writer.add<uint64_t>("sequences", {count}, sequences);
  writer.add<float>("vectors", {count, dimension}, vectors);
  writer.add<uint64_t>("payload_ends", {count}, ends);
  writer.add<uint8_t>("payloads", {payloads.size()}, payloads);
  const auto text_ends = next(2), posting_ends = next(2), slots = next(3);
  std::vector<uint32_t> postings(slots.begin(), slots.end());
  std::vector<uint8_t> texts(text_ends.begin(), text_ends.end());
  writer.set("payload_keys", R"(["a","b"])");
  writer.set("payload_complete", "1");
  writer.add<uint8_t>("payload.0.texts", {texts.size()}, texts);
  writer.add<uint64_t>("payload.0.text_ends", {2}, text_ends);
  writer.add<uint64_t>("payload.0.posting_ends", {2}, posting_ends);
  writer.add<uint32_t>("payload.0.postings", {3}, postings);
  writer.write(path);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  try {
    const fuzz::MemoryFile file(fuzz::text_of(data + 1, size - 1));
    switch (data[0] % 4) {
      case 0:
        read_segment(file.path());
        break;
      case 1:
        (void)Manifest::read(file.path());
        break;
      case 2:
        read_records(data + 1, size - 1);
        break;
      default: {
        static const Path path = "/dev/shm/cowatch-fuzz-segment-" + std::to_string(::getpid());
        write_segment(path, data + 1, size - 1);
        try {
          read_segment(path);
        } catch (...) {
          std::filesystem::remove(path);
          throw;
        }
        std::filesystem::remove(path);
      }
    }
  } catch (const Error& error) {
    fuzz::expect(!error.message().empty(), "a message");
  }
  return 0;
}

// Files of indexes and of codebooks, with sizes and checksums put right so that what lies behind those is
// reached: they are refused, or searched, changed and written again.
//
// An input is a line of JSON, {"metadata": {…}, "tensors": [[name, type, shape], …]}, and the tensors' bytes
// one after another; what is missing of them is zero. "codebook": bits makes it a file of codebooks.
#include <cmath>
#include <cstring>
#include <map>
#include <vector>

#include "base/json.h"
#include "base/tensor_file.h"
#include "base/threads.h"
#include "fuzz/fuzz.h"
#include "search/compute/codes/codebook_file.h"
#include "search/compute/vector_index.h"

using namespace cowatch;

namespace {

constexpr size_t vectors = 130, dimension = 16;  // a few more than the seeds index
constexpr size_t most_bytes = 1u << 20, most_answers = 12;

// Under cosine the last one cannot be indexed.
std::vector<float> example_vectors() {
  std::vector<float> values(vectors * dimension);
  for (size_t i = 0; i < values.size() - dimension; ++i)
    values[i] = static_cast<float>(std::sin(0.7 * static_cast<double>(i * i % 1009)));
  return values;
}

std::vector<float> query_of(size_t number) {
  std::vector<float> query(dimension);
  for (size_t i = 0; i < dimension; ++i)
    query[i] = static_cast<float>(std::cos(static_cast<double>(number + 3 * i)));
  return query;
}

struct Tensor {
  std::string name, type;
  std::vector<size_t> shape;
  std::vector<uint64_t> words;  // its bytes, aligned for all types

  template <typename T>
  void add_to(TensorFileWriter& writer) const {
    size_t count = 1;
    for (const size_t side : shape) count *= side;
    writer.add<T>(name, shape, {reinterpret_cast<const T*>(words.data()), count});
  }
  void add_as_typed(TensorFileWriter& writer) const {
    if (type == "F32") return add_to<float>(writer);
    if (type == "U32") return add_to<uint32_t>(writer);
    if (type == "U64") return add_to<uint64_t>(writer);
    add_to<uint8_t>(writer);
  }
};

// How many bytes a shape takes, or more than are tried.
size_t bytes_of(const Tensor& tensor) {
  size_t bytes = tensor.type == "U64" ? 8 : tensor.type == "F32" || tensor.type == "U32" ? 4 : 1;
  for (const size_t side : tensor.shape) {
    if (side > most_bytes) return most_bytes + 1;
    bytes = std::min(bytes * side, most_bytes + 1);
  }
  return bytes;
}

// The tensors that the header names, filled from the data; none where the header is no such header.
std::vector<Tensor> read_tensors(const Json& header, std::string_view data) {
  std::vector<Tensor> tensors;
  size_t total = 0;
  for (const Json& each : header.at("tensors")) {
    Tensor tensor = {each.at(0), each.at(1), each.at(2).get<std::vector<size_t>>(), {}};
    const size_t bytes = bytes_of(tensor), there = std::min(bytes, data.size());
    if ((total += bytes) > most_bytes) return {};
    tensor.words.resize(bytes / 8 + 1);
    if (there > 0) std::memcpy(tensor.words.data(), data.data(), there);
    data.remove_prefix(there);
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

bool write_file(const Json& header, std::string_view data, const Path& path) {
  try {
    const auto tensors = read_tensors(header, data);
    TensorFileWriter writer("vector_index", 1);
    std::map<std::string, const Tensor*> named;  // a name twice is the matter of the header's own target
    for (const Tensor& tensor : tensors) named[tensor.name] = &tensor;
    for (const auto& [key, value] : header.at("metadata").get<Metadata>()) writer.set(key, value);
    for (const auto& [name, tensor] : named) tensor->add_as_typed(writer);
    writer.write(path);
    return true;
  } catch (const nlohmann::json::exception&) {
    return false;
  }
}

template <typename Work>
void attempt(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    fuzz::expect(!error.message().empty(), "a message");
  }
}

void search(const VectorIndex& index, const SearchOptions& options, size_t k) {
  const auto found = index.search(query_of(k), k, options);
  fuzz::expect(found.size() <= k, "no more answers than were asked for");
  for (const Scored& each : found) {
    fuzz::expect(each.index < index.slots() && each.index < vectors, "a slot that is there");
    fuzz::expect(!options.filter || options.filter->has(each.index), "a slot that is allowed");
  }
}

void search_all_ways(const VectorIndex& index) {
  Allowed half(vectors), few(vectors);
  for (uint32_t slot = 0; slot < vectors; slot += 2) half.add(slot);
  for (uint32_t slot = 0; slot < vectors; slot += 33) few.add(slot);
  for (const Allowed* filter : std::initializer_list<const Allowed*>{nullptr, &half, &few}) {
    search(index, {.filter = filter}, most_answers);
    search(index, {.effort = 5, .probes = 1, .rerank = 0, .filter = filter}, 3);
    search(index, {.effort = 200, .probes = 100, .full_vectors = true, .filter = filter}, 2 * vectors);
  }
  const auto queries = query_of(1);
  index.search_batch(ConstMatrix(queries.data(), 1, dimension), most_answers);
}

void change(VectorIndex& index) {
  const auto next = static_cast<uint32_t>(index.slots());
  for (const uint32_t slot : {7u, next, 40u, next + 1, 0u, uint32_t{vectors - 1}}) {
    attempt([&] { index.erase(slot); });
    attempt([&] { index.insert(slot); });
    attempt([&] { index.insert(slot); });
  }
  attempt([&] { index.erase(next); });
}

void use_index(const Path& path, const VectorSource& source) {
  const auto index = open_index(path, source);
  attempt([&] { search_all_ways(*index); });
  attempt([&] { index->save(path.string() + ".saved"); });
  change(*index);
  attempt([&] { search_all_ways(*index); });
  attempt([&] {
    index->save(path.string() + ".saved");
    search_all_ways(*open_index(path.string() + ".saved", source));
  });
}

void use_codebook(const Path& path, unsigned bits) {
  const Codebook book = read_codebook(path, dimension, bits);
  std::vector<float> row(book.projection.outputs());
  book.projection.apply(query_of(0), row);
  std::vector<uint8_t> code(book.code->code_bytes()), block(book.code->block_bytes());
  const ConstMatrix rows(row.data(), 1, row.size());
  book.code->encode(rows, rows, code.data());
  book.code->pack(code.data(), block.data(), 31);
  book.code->decode(code.data(), row);
  CodeTables tables;
  std::vector<CodeHit> hits(block_codes);
  book.code->prepare(row, 2, 1, tables);
  fuzz::expect(book.code->scan(tables, block.data(), 1, -INFINITY, hits.data()) <= block_codes,
               "hits of a block");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::vector<float> values = example_vectors();
  static const VectorRows source(ConstMatrix(values.data(), vectors, dimension));
  static const Path path = "/dev/shm/cowatch-fuzz-vector-index-" + std::to_string(::getpid());
  set_threads(1);
  const std::string_view text = fuzz::text_of(data, size);
  const size_t line = text.find('\n');
  if (line == text.npos) return 0;
  const Json header = Json::parse(text.substr(0, line), nullptr, false);
  if (!header.is_object()) return 0;
  attempt([&] {
    if (!write_file(header, text.substr(line + 1), path)) return;
    header.contains("codebook") ? use_codebook(path, header["codebook"] == 8 ? 8 : 4)
                                : use_index(path, source);
  });
  for (const char* suffix : {"", ".saved"}) std::filesystem::remove(path.string() + suffix);
  return 0;
}

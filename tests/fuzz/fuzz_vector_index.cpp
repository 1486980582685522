// Index files and codebooks: whatever their bytes, they are opened and answer with slots that there are, or are refused.
// The first byte chooses: an index of some kind, or a codebook, with the bytes altered that the rest names (two bytes of
// place, one of value) and its checksums put right; or the rest as a file.
#include <cmath>

#include "base/tensor_file.h"
#include "fuzz/fuzz.h"
#include "fuzz/tensor_checksums.h"
#include "search/compute/codes/codebook_file.h"
#include "search/compute/vector_index.h"

using namespace cowatch;

namespace {

constexpr size_t dimension = 8, vectors = 40;

struct Rows {
  std::vector<float> values = std::vector<float>(vectors * dimension);
  VectorRows source{ConstMatrix(values.data(), vectors, dimension)};
  Rows() {
    for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(std::sin(1.0 + static_cast<double>(i * i)));
  }
};
const Rows& rows() {
  static const Rows made;
  return made;
}

std::string bytes_of_file(const std::function<void(const Path&)>& write) {
  const Path path = "/dev/shm/cowatch-fuzz-index-" + std::to_string(::getpid());
  write(path);
  std::string bytes = read_text(path);
  std::filesystem::remove(path);
  return bytes;
}

// One of each kind whose file differs from the others'.
const std::vector<std::string>& index_files() {
  static const std::vector<std::string> files = [] {
    const auto ivf = [](CodeKind codes, size_t kept = 0) {
      return IndexOptions{.kind = IndexKind::ivf, .metric = Metric::l2, .codes = codes, .lists = 3, .kept_dimensions = kept};
    };
    std::vector<std::string> made;
    for (const IndexOptions& options :
         {IndexOptions{.kind = IndexKind::exact, .metric = Metric::l2}, IndexOptions{.codes = CodeKind::scalar4x8, .degree = 4},
          IndexOptions{.metric = Metric::inner_product, .codes = CodeKind::scalar8, .degree = 4},
          IndexOptions{.metric = Metric::l2, .codes = CodeKind::scalar4, .degree = 4}, ivf(CodeKind::scalar8), ivf(CodeKind::scalar4, 5),
          ivf(CodeKind::product4), ivf(CodeKind::optimised4), ivf(CodeKind::rabitq1), ivf(CodeKind::rabitq4)}) {
      const auto index = build_index(options, rows().source);
      index->erase(5);
      made.push_back(bytes_of_file([&](const Path& path) { index->save(path); }));
    }
    return made;
  }();
  return files;
}

const std::string& codebook_file() {
  static const std::string file = bytes_of_file([](const Path& path) {
    const std::vector<float> books(2 * 16 * 3, 0.5f), mean(dimension, 0.1f);
    std::vector<float> rotation(6 * dimension);
    for (size_t r = 0; r < 6; ++r) rotation[r * dimension + r] = 1;
    TensorFileWriter writer("codebooks", 1);
    writer.add<float>("codebooks", {2, 16, 3}, books);
    writer.add<float>("rotation", {6, dimension}, rotation);
    writer.add<float>("mean", {dimension}, mean);
    writer.write(path);
  });
  return file;
}

std::string altered(std::string bytes, const uint8_t* data, size_t size) {
  for (size_t i = 0; i + 3 <= size; i += 3) bytes[(data[i] | data[i + 1] << 8) % bytes.size()] = static_cast<char>(data[i + 2]);
  return fuzz::with_right_checksums(bytes);
}

void use_index(std::string_view bytes) {
  const fuzz::MemoryFile file(bytes);
  const auto index = open_index(file.path(), rows().source);
  fuzz::expect(index->slots() <= vectors && index->size() <= vectors, "no more slots than vectors");
  Allowed few(vectors);
  for (const uint32_t slot : {1u, 5u, 30u}) few.add(slot);
  const auto ask = [&] {
    for (const size_t slot : {0, 17}) {
      const auto query = std::span(rows().values).subspan(slot * dimension, dimension);
      for (const SearchOptions& options : {SearchOptions{}, SearchOptions{.effort = 4, .probes = 1, .rerank = 0}, SearchOptions{.filter = &few}})
        for (const Scored& found : index->search(query, 5, options)) fuzz::expect(found.index < vectors, "a slot");
    }
  };
  ask();
  index->insert(5);
  index->erase(6);
  ask();
}

void use_codebook(std::string_view bytes) {
  const fuzz::MemoryFile file(bytes);
  (void)read_codebook(file.path(), dimension, 4);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  constexpr uint8_t whole_file = 255, whole_codebook = 253, codebook = 254;
  try {
    if (data[0] == whole_file) {
      use_index(fuzz::text_of(data + 1, size - 1));
    } else if (data[0] == whole_codebook) {
      use_codebook(fuzz::text_of(data + 1, size - 1));
    } else if (data[0] == codebook) {
      use_codebook(altered(codebook_file(), data + 1, size - 1));
    } else {
      use_index(altered(index_files()[data[0] % index_files().size()], data + 1, size - 1));
    }
  } catch (const Error& error) {
    fuzz::expect(!error.message().empty(), "a message");
  }
  return 0;
}

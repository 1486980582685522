// Index files that former versions wrote (tests/data/indexes/FORMAT) are read: they answer what they answered
// when they were written, and can be changed. The collections of tests/data/collections hold an older graph
// still.
#include <gtest/gtest.h>

#include <bit>
#include <fstream>

#include "base/json.h"
#include "search/compute_examples.h"
#include "base/tensor_file.h"
#include "search/io/vector_files.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

constexpr size_t vectors = 120, golden_width = 16, asked = 6, k = 5;

struct Golden {
  const char* name;
  IndexOptions options;
  bool codebook = false;  // that of the file codebook.safetensors
};

const std::vector<Golden>& goldens() {
  static const std::vector<Golden> all = {
      {"exact_l2", {.kind = IndexKind::exact, .metric = Metric::l2}},
      {"graph_scalar4x8_cosine", {.codes = CodeKind::scalar4x8, .degree = 8}},
      {"graph_scalar8_inner_product",
       {.metric = Metric::inner_product, .codes = CodeKind::scalar8, .degree = 8}},
      {"ivf_scalar4_cosine",
       {.kind = IndexKind::ivf, .codes = CodeKind::scalar4, .lists = 4, .kept_dimensions = 12}},
      {"ivf_optimised4_l2",
       {.kind = IndexKind::ivf,
        .metric = Metric::l2,
        .codes = CodeKind::optimised4,
        .lists = 3,
        .code_bytes = 4}},
      {"ivf_rabitq2_inner_product",
       {.kind = IndexKind::ivf, .metric = Metric::inner_product, .codes = CodeKind::rabitq2, .lists = 4}},
      {"graph_scalar4_l2", {.metric = Metric::l2, .codes = CodeKind::scalar4, .degree = 8}},
      {"ivf_scalar8_l2", {.kind = IndexKind::ivf, .metric = Metric::l2, .codes = CodeKind::scalar8, .lists = 4}},
      {"ivf_product8_inner_product",
       {.kind = IndexKind::ivf,
        .metric = Metric::inner_product,
        .codes = CodeKind::product8,
        .lists = 3,
        .code_bytes = 4}},
      {"ivf_optimised8_cosine",
       {.kind = IndexKind::ivf, .codes = CodeKind::optimised8, .lists = 3, .code_bytes = 4, .kept_dimensions = 8}},
      {"ivf_rabitq4_l2", {.kind = IndexKind::ivf, .metric = Metric::l2, .codes = CodeKind::rabitq4, .lists = 4}},
      {"ivf_codebook_l2",
       {.kind = IndexKind::ivf, .metric = Metric::l2, .codes = CodeKind::product4, .lists = 3},
       true}};
  return all;
}

class IndexGolden : public testing::TestWithParam<std::tuple<const char*, size_t>> {
 protected:
  static Path home() { return Path(COWATCH_TEST_DATA) / "indexes" / std::get<0>(GetParam()); }
  static const Golden& golden() { return goldens()[std::get<1>(GetParam())]; }
  static std::vector<float> rows() {
    std::vector<float> values;
    read_vectors(VectorFormat::fvecs, home() / "vectors.fvecs", "", [&](size_t, ConstMatrix found) {
      values.insert(values.end(), found.data, found.data + found.rows * found.columns);
    });
    return values;
  }
  static Path codebook() { return home() / "codebook.safetensors"; }
  static IndexOptions options() {
    IndexOptions options = golden().options;
    if (golden().codebook) options.codebook = codebook();
    return options;
  }
  // Of three parts of four numbers, after a rotation to twelve.
  static void write_codebook(std::span<const float> values) {
    constexpr size_t coded = 12, parts = 3, centres = 16;
    std::vector<float> rotation, mean(golden_width), books;
    for (uint32_t r = 0; r < coded; ++r)  // rows of Hadamard's matrix
      for (uint32_t c = 0; c < golden_width; ++c) rotation.push_back(std::popcount(r & c) % 2 ? -0.25f : 0.25f);
    for (size_t i = 0; i < values.size(); ++i) mean[i % golden_width] += values[i] / vectors;
    for (size_t part = 0; part < parts; ++part) {
      for (size_t centre = 0; centre < centres; ++centre) {
        for (size_t n = part * coded / parts; n < (part + 1) * coded / parts; ++n) {
          float number = 0;
          for (size_t c = 0; c < golden_width; ++c)
            number += rotation[n * golden_width + c] * (values[centre * golden_width + c] - mean[c]);
          books.push_back(number);
        }
      }
    }
    TensorFileWriter writer("codebooks", 1);
    writer.add<float>("codebooks", {parts, centres, coded / parts}, books);
    writer.add<float>("rotation", {coded, golden_width}, rotation);
    writer.add<float>("mean", {golden_width}, mean);
    writer.write(codebook());
  }
  // What codes alone find near the vectors 10, 20, …, and what they find with the best scored again.
  static Json answers(const VectorIndex& index, const VectorSource& source) {
    Json all = Json::array();
    std::vector<float> buffer(golden_width);
    for (const size_t rerank : {size_t{0}, SIZE_MAX}) {
      for (uint32_t q = 1; q <= asked; ++q) {
        Json found = Json::array();
        const SearchOptions options = {.effort = 40, .probes = 2, .rerank = rerank};
        for (const Scored& each : index.search(float_row(source, 10 * q, buffer), k, options))
          found.push_back({each.index, each.score});
        all.push_back(found);
      }
    }
    return all;
  }
  static void expect_answers(const VectorIndex& index, const VectorSource& source) {
    const Json expected = Json::parse(read_text(home() / (std::string(golden().name) + ".json")));
    const Json found = answers(index, source);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t q = 0; q < found.size(); ++q) {
      ASSERT_EQ(found[q].size(), expected[q].size()) << "query " << q;
      for (size_t i = 0; i < found[q].size(); ++i) {
        EXPECT_EQ(found[q][i][0], expected[q][i][0]) << "query " << q << ", place " << i;
        EXPECT_NEAR(found[q][i][1].get<double>(), expected[q][i][1].get<double>(), 1e-3);
      }
    }
  }
};

TEST_P(IndexGolden, AnswersAsItDidWhenItWasWritten) {
  const auto values = rows();
  ASSERT_EQ(values.size(), vectors * golden_width);
  const VectorRows source(ConstMatrix(values.data(), vectors, golden_width));
  const auto index = open_index(home() / (std::string(golden().name) + ".index"), source);
  EXPECT_EQ(index->kind(), golden().options.kind);
  EXPECT_EQ(index->metric(), golden().options.metric);
  EXPECT_EQ(index->size(), vectors - 1);
  expect_answers(*index, source);
}

// Of people's files, which nothing derives anew.
TEST_P(IndexGolden, ACodebookCodesAsItDid) {
  if (!golden().codebook) GTEST_SKIP() << "it has none";
  const auto values = rows();
  const VectorRows source(ConstMatrix(values.data(), vectors, golden_width));
  const auto index = build_index(options(), source);
  index->erase(7);
  expect_answers(*index, source);
}

TEST_P(IndexGolden, CanBeChangedAndSaved) {
  const auto values = rows();
  const VectorRows source(ConstMatrix(values.data(), vectors, golden_width));
  const auto index = open_index(home() / (std::string(golden().name) + ".index"), source);
  const auto has = [&](const VectorIndex& asked_index, uint32_t slot) {
    Allowed only(vectors);
    only.add(slot);
    return !asked_index.search(std::span(values).subspan(slot * golden_width, golden_width), 1, {.filter = &only}).empty();
  };
  EXPECT_FALSE(has(*index, 7)) << "erased before it was saved";
  index->insert(7);
  index->erase(8);
  const test::TemporaryFolder folder;
  index->save(folder / "again");
  const auto again = open_index(folder / "again", source);
  EXPECT_EQ(again->size(), vectors - 1);
  EXPECT_TRUE(has(*again, 7));
  EXPECT_FALSE(has(*again, 8));
}

// Makes the files of a new format: run once, by
// test_search --gtest_also_run_disabled_tests --gtest_filter='*IndexGolden.DISABLED_*format_N*'.
TEST_P(IndexGolden, DISABLED_IsWritten) {
  const auto values = test::random_values(vectors * golden_width, 21);
  write_vectors(home() / "vectors.fvecs", vectors, golden_width, [&](size_t r, std::span<float> row) {
    std::copy_n(values.begin() + static_cast<ptrdiff_t>(r * golden_width), golden_width, row.begin());
  });
  const VectorRows source(ConstMatrix(values.data(), vectors, golden_width));
  if (golden().codebook) write_codebook(values);
  const auto index = build_index(options(), source);
  index->erase(7);
  index->save(home() / (std::string(golden().name) + ".index"));
  write_atomically(home() / (std::string(golden().name) + ".json"), answers(*index, source).dump());
}

INSTANTIATE_TEST_SUITE_P(Formats, IndexGolden,
                         testing::Combine(testing::Values("format_1"),
                                          testing::Range(size_t{0}, goldens().size())),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)) + "_" +
                                  goldens()[std::get<1>(info.param)].name;
                         });

}  // namespace
}  // namespace cowatch

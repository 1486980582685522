#include "search/compute/inverted/inverted_index.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "search/compute_examples.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

using test::clustered;
using test::metrics;
using test::near_query;
using test::recall;

constexpr size_t width = 20;

IndexOptions options_of(Metric metric, CodeKind codes) {
  return {.kind = IndexKind::ivf, .metric = metric, .codes = codes, .lists = 30};
}

// Without scoring again, longer codes find more, and 8 bits a number nearly all.
TEST(InvertedIndexTest, LongerCodesFindMoreByThemselves) {
  const auto values = clustered(3000, width);
  const VectorRows source(ConstMatrix(values.data(), 3000, width));
  for (const Metric metric : metrics) {
    std::vector<double> found;
    for (const CodeKind codes : {CodeKind::rabitq1, CodeKind::rabitq4, CodeKind::scalar8}) {
      const auto index = build_index(options_of(metric, codes), source);
      found.push_back(recall(*index, source, {.probes = 30, .rerank = 0}, 40));
    }
    EXPECT_LT(found[0], found[1]);
    EXPECT_LT(found[1], found[2] + 0.01);
    EXPECT_GE(found[2], 0.96) << metric_name(metric);
  }
}

TEST(InvertedIndexTest, FewerDimensionsAndTheAnisotropicLossAreChoices) {
  const auto values = clustered(3000, width);
  const VectorRows source(ConstMatrix(values.data(), 3000, width));
  IndexOptions options = options_of(Metric::inner_product, CodeKind::product4);
  options.code_bytes = 5, options.anisotropic = 0.3f;
  const SearchOptions all = {.effort = 200, .probes = 30};
  EXPECT_GE(recall(*build_index(options, source), source, all, 40), 0.95);
  for (const Metric metric : metrics) {
    options = options_of(metric, CodeKind::scalar4);
    options.kept_dimensions = 14;
    const auto index = build_index(options, source);
    EXPECT_GE(recall(*index, source, all, 40), 0.95) << metric_name(metric);
    EXPECT_LT(index->bytes(), build_index(options_of(metric, CodeKind::scalar8), source)->bytes());
  }
}

TEST(InvertedIndexTest, CodebooksFromAFileAreUsed) {
  const auto values = clustered(2000, width);
  const VectorRows source(ConstMatrix(values.data(), 2000, width));
  const test::TemporaryFolder folder;
  // Of each of five parts, sixteen of its own rows.
  std::vector<float> centres;
  for (size_t p = 0; p < 5; ++p) {
    for (size_t e = 0; e < 16; ++e)
      centres.insert(centres.end(), values.begin() + static_cast<ptrdiff_t>(e * 119 * width + p * 4),
                     values.begin() + static_cast<ptrdiff_t>(e * 119 * width + p * 4 + 4));
  }
  TensorFileWriter writer("", 1);
  writer.add<float>("codebooks", {5, 16, 4}, centres);
  writer.write(folder / "book.safetensors");
  for (const Metric metric : metrics) {
    IndexOptions options = options_of(metric, CodeKind::product4);
    options.codebook = folder / "book.safetensors";
    const auto index = build_index(options, source);
    EXPECT_GE(recall(*index, source, {.effort = 400, .probes = 30}, 30), 0.9) << metric_name(metric);
    index->save(folder / "index");
    const auto opened = open_index(folder / "index", source);
    const auto query = near_query(source, 1);
    EXPECT_EQ(opened->search(query, 5)[4].index, index->search(query, 5)[4].index);
    options.codes = CodeKind::product8;
    EXPECT_THROW(build_index(options, source), Error);
  }
}

TEST(InvertedIndexTest, RefusesWhatDoesNotGoTogether) {
  const auto values = clustered(300, width);
  const VectorRows source(ConstMatrix(values.data(), 300, width)), none(ConstMatrix(values.data(), 0, width));
  const auto refused = [&](const IndexOptions& options) {
    try {
      build_index(options, source);
    } catch (const Error& error) {
      return error.code() == ErrorCode::bad_argument && !error.details().expected.empty();
    }
    return false;
  };
  const auto with = [](auto change) {
    IndexOptions options = options_of(Metric::l2, CodeKind::product4);
    change(options);
    return options;
  };
  EXPECT_FALSE(refused(with([](auto&) {})));
  EXPECT_TRUE(refused(with([](auto& o) { o.codes = CodeKind::scalar4x8; })));
  EXPECT_TRUE(refused(with([](auto& o) { o.kind = IndexKind::graph; })));
  EXPECT_TRUE(refused(with([](auto& o) { o.code_bytes = 11; })));
  EXPECT_TRUE(refused(with([](auto& o) { o.kept_dimensions = 21; })));
  EXPECT_TRUE(refused(with([](auto& o) { o.anisotropic = 0.2f; })));
  EXPECT_TRUE(refused(with([](auto& o) { o.metric = Metric::inner_product, o.anisotropic = 1; })));
  EXPECT_TRUE(refused(with([](auto& o) { o.codes = CodeKind::rabitq2, o.code_bytes = 4; })));
  EXPECT_THROW(build_index(options_of(Metric::l2, CodeKind::scalar8), none), Error);
  std::atomic<bool> cancel = true;
  const auto index = build_index(options_of(Metric::l2, CodeKind::scalar8), source);
  EXPECT_THROW(index->search(std::vector<float>(width, 1.0f), 1, {.patience = {.gone = &cancel}}), Error);
  EXPECT_TRUE(index->search(std::vector<float>(width, 1.0f), 0).empty());
}

}  // namespace
}  // namespace cowatch

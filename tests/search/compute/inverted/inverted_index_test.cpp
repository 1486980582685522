#include "search/compute/inverted/inverted_index.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <cmath>
#include <set>
#include <thread>

#include "base/error.h"
#include "base/threads.h"
#include "math/float16.h"
#include "search/compute_examples.h"
#include "support/temporary_folder.h"
#include "support/text_files.h"

namespace cowatch {
namespace {

using test::random_values;
using test::slow_search;

constexpr Metric metrics[] = {Metric::inner_product, Metric::cosine, Metric::l2};
constexpr CodeKind kinds[] = {
    CodeKind::scalar8,    CodeKind::scalar4, CodeKind::product8, CodeKind::product4, CodeKind::optimised8,
    CodeKind::optimised4, CodeKind::rabitq1, CodeKind::rabitq3,  CodeKind::rabitq4,  CodeKind::rabitq8};
constexpr size_t width = 20;

// Clusters of 40 around normal centres.
std::vector<float> clustered(size_t count) {
  auto values = random_values(count * width, 1);
  const auto centres = random_values((count / 40 + 1) * width, 2);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = 0.5f * values[i] + centres[i / width / 40 * width + i % width];
  return values;
}

IndexOptions options_of(Metric metric, CodeKind codes) {
  return {.kind = IndexKind::ivf, .metric = metric, .codes = codes, .lists = 30};
}

std::vector<float> near_query(const VectorSource& source, size_t q) {
  auto query = random_values(width, static_cast<uint32_t>(100 + q));
  std::vector<float> buffer(width);
  const auto near = float_row(source, static_cast<uint32_t>(q * 37 % source.size()), buffer);
  for (size_t i = 0; i < width; ++i) query[i] = near[i] + 0.3f * query[i];
  return query;
}

double recall(const VectorIndex& index, const VectorSource& source, const SearchOptions& options,
              size_t queries, const Allowed* present = nullptr) {
  size_t right = 0, wanted = 0;
  for (size_t q = 0; q < queries; ++q) {
    const auto query = near_query(source, q);
    const auto expected =
        slow_search(source, index.metric(), query, 10, options.filter ? options.filter : present);
    std::set<uint32_t> best;
    for (const auto& scored : expected) best.insert(scored.index);
    for (const auto& scored : index.search(query, 10, options)) right += best.contains(scored.index);
    wanted += expected.size();
  }
  return static_cast<double>(right) / static_cast<double>(wanted);
}

TEST(InvertedIndexTest, FindsNearlyAllByEveryMetricAndCodeWhenScoredAgain) {
  const auto values = clustered(3000);
  const VectorRows source(ConstMatrix(values.data(), 3000, width));
  for (const Metric metric : metrics) {
    for (const CodeKind codes : kinds) {
      const auto index = build_index(options_of(metric, codes), source);
      EXPECT_EQ(index->size(), 3000u);
      EXPECT_GE(recall(*index, source, {.effort = 300, .probes = 30}, 40), 0.97)
          << metric_name(metric) << " " << code_kind_name(codes);
    }
  }
}

// Without scoring again, longer codes find more, and 8 bits a number nearly all.
TEST(InvertedIndexTest, LongerCodesFindMoreByThemselves) {
  const auto values = clustered(3000);
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

TEST(InvertedIndexTest, ScoresAreTheMetricsOwnAndEstimatesAreNear) {
  const auto values = clustered(1000);
  std::vector<uint16_t> halves(values.size());
  halves_from_floats(values, halves);
  const VectorRows floats(ConstMatrix(values.data(), 1000, width)),
      words(ElementType::f16, halves.data(), 1000, width, width);
  for (const Metric metric : metrics) {
    for (const VectorSource* source :
         {static_cast<const VectorSource*>(&floats), static_cast<const VectorSource*>(&words)}) {
      const auto index = build_index(options_of(metric, CodeKind::scalar8), *source);
      const auto query = near_query(*source, 3);
      std::vector<float> buffer(width);
      for (const size_t rerank : {size_t{0}, SIZE_MAX}) {
        for (const auto& scored : index->search(query, 10, {.rerank = rerank})) {
          const double exact = test::slow_score(metric, query, float_row(*source, scored.index, buffer));
          EXPECT_NEAR(scored.score, exact, (rerank ? 1e-5 : 0.02) * (1 + std::abs(exact)));
        }
      }
    }
  }
}

TEST(InvertedIndexTest, FewerDimensionsAndTheAnisotropicLossAreChoices) {
  const auto values = clustered(3000);
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
  const auto values = clustered(2000);
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

TEST(InvertedIndexTest, TheSameBytesForAnyNumberOfThreads) {
  const auto values = clustered(2000);
  const VectorRows source(ConstMatrix(values.data(), 2000, width));
  const test::TemporaryFolder folder;
  for (const CodeKind codes : {CodeKind::optimised4, CodeKind::rabitq2}) {
    std::string first;
    for (const size_t count : {1u, 2u, 5u}) {
      set_threads(count);
      build_index(options_of(Metric::cosine, codes), source)->save(folder / "index");
      const std::string bytes = read_text(folder / "index");
      if (first.empty()) first = bytes;
      EXPECT_EQ(bytes, first) << count << " threads";
    }
  }
  set_threads(0);
}

TEST(InvertedIndexTest, ASavedIndexAnswersTheSameAndCanBeChanged) {
  const auto values = clustered(1000);
  const VectorRows source(ConstMatrix(values.data(), 1000, width));
  const auto query = random_values(width, 3);
  const test::TemporaryFolder folder;
  for (const CodeKind codes : kinds) {
    const auto index = build_index(options_of(Metric::l2, codes), source);
    index->erase(5);
    index->save(folder / "index");
    const auto opened = open_index(folder / "index", source);
    EXPECT_EQ(opened->kind(), IndexKind::ivf);
    const auto found = opened->search(query, 20, {.rerank = 0}),
               expected = index->search(query, 20, {.rerank = 0});
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].index, expected[i].index);
      EXPECT_EQ(found[i].score, expected[i].score);
    }
    EXPECT_EQ(opened->size(), 999u);
    opened->insert(5);
    EXPECT_EQ(opened->search(std::span(values).subspan(5 * width, width), 1)[0].index, 5u);
    opened->save(folder / "again");
    EXPECT_EQ(open_index(folder / "again", source)->size(), 1000u);
  }
}

TEST(InvertedIndexTest, ADamagedFileIsNamed) {
  const auto values = clustered(600);
  const VectorRows source(ConstMatrix(values.data(), 600, width)),
      fewer(ConstMatrix(values.data(), 200, width));
  const test::TemporaryFolder folder;
  build_index(options_of(Metric::l2, CodeKind::product4), source)->save(folder / "index");
  EXPECT_THROW(open_index(folder / "index", fewer), Error);
  const std::string bytes = read_text(folder / "index");
  for (size_t at = bytes.size() / 2; at < bytes.size(); at += bytes.size() / 9) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ 64);
    write_atomically(folder / "flipped", flipped);
    try {
      open_index(folder / "flipped", source);
      FAIL() << "byte " << at;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::damaged);
    }
  }
}

TEST(InvertedIndexTest, FiltersKeepTheRecallAtEverySelectivityAndWhenTheyCorrelate) {
  const size_t count = 6000;
  const auto values = clustered(count);
  const VectorRows source(ConstMatrix(values.data(), count, width));
  IndexOptions options = options_of(Metric::l2, CodeKind::scalar4);
  options.lists = 100;
  const auto index = build_index(options, source);
  for (const size_t step : {1u, 2u, 10u, 100u, 1000u}) {
    Allowed spread(count), together(count);
    for (uint32_t slot = 0; slot < count; slot += static_cast<uint32_t>(step)) spread.add(slot);
    for (uint32_t slot = 0; slot < count / step; ++slot) together.add(slot);  // whole clusters
    for (const Allowed* filter : {&spread, &together}) {
      const SearchOptions asked = {.probes = 25, .filter = filter};
      EXPECT_GE(recall(*index, source, asked, 30), 0.95) << "1 in " << step << (filter == &together);
      for (const auto& scored : index->search(random_values(width, 8), 50, asked))
        EXPECT_TRUE(filter->has(scored.index));
    }
  }
  const Allowed none(count);
  EXPECT_TRUE(index->search(random_values(width, 8), 5, {.filter = &none}).empty());
}

TEST(InvertedIndexTest, AfterHalfIsReplacedItFindsAsMuchInAsManyBytes) {
  const size_t count = 3000;
  auto values = clustered(2 * count);
  const VectorRows source(ConstMatrix(values.data(), count, width));
  for (const CodeKind codes : {CodeKind::product4, CodeKind::rabitq3}) {
    const auto index = build_index(options_of(Metric::l2, codes), source);
    const size_t bytes = index->bytes();
    for (uint32_t slot = 0; slot < count; slot += 2) {
      index->erase(slot);
      std::copy_n(values.begin() + static_cast<ptrdiff_t>((count + slot) * width), width,
                  values.begin() + static_cast<ptrdiff_t>(slot * width));
      index->insert(slot);
    }
    EXPECT_EQ(index->size(), count);
    EXPECT_LE(static_cast<double>(index->bytes()), 1.25 * static_cast<double>(bytes));
    const auto fresh = build_index(options_of(Metric::l2, codes), source);
    EXPECT_GE(recall(*index, source, {.probes = 15}, 60), recall(*fresh, source, {.probes = 15}, 60) - 0.02);
  }
}

TEST(InvertedIndexTest, GrowsAndUpdatesInPlace) {
  auto values = clustered(800);
  VectorRows source(ElementType::f32, values.data(), 100, width, width);
  const auto index = build_index({.kind = IndexKind::ivf, .codes = CodeKind::scalar4, .lists = 4}, source);
  EXPECT_THROW(index->insert(100), Error);
  source.grow(values.data(), 800);
  EXPECT_THROW(index->insert(101), Error);
  for (uint32_t slot = 100; slot < 800; ++slot) index->insert(slot);
  EXPECT_GE(recall(*index, source, {.probes = 4}, 40), 0.97);
  // A live slot that is inserted again is found by its new vector only.
  const std::vector<float> old(values.begin() + 200, values.begin() + 220);
  for (size_t i = 0; i < width; ++i) values[200 + i] = -old[i];
  index->insert(10);
  EXPECT_EQ(index->size(), 800u);
  EXPECT_NE(index->search(old, 1)[0].index, 10u);
  EXPECT_EQ(index->search(std::span(values).subspan(200, width), 1)[0].index, 10u);
  for (uint32_t slot = 0; slot < 900; ++slot) index->erase(slot);
  EXPECT_EQ(index->size(), 0u);
  EXPECT_TRUE(index->search(old, 5).empty());
  index->insert(3);
  EXPECT_EQ(index->search(old, 5, {.probes = 4}).size(), 1u);
}

TEST(InvertedIndexTest, ReadersGoOnWhileOneThreadWrites) {
  const auto values = clustered(1500);
  const VectorRows source(ConstMatrix(values.data(), 1500, width));
  const auto index = build_index(options_of(Metric::l2, CodeKind::product4), source);
  std::atomic<bool> stop = false;
  std::atomic<size_t> wrong = 0;
  std::vector<std::thread> readers;
  for (uint32_t t = 0; t < 2; ++t) {
    readers.emplace_back([&, t] {
      for (uint32_t i = 0; !stop; ++i) {
        const auto found = index->search(random_values(width, t * 1000 + i), 5);
        wrong += found.size() != 5;
        for (const auto& scored : found) wrong += scored.index >= 1500;
      }
    });
  }
  for (uint32_t slot = 0; slot < 300; ++slot) index->erase(slot);
  for (uint32_t slot = 0; slot < 300; ++slot) index->insert(slot);
  stop = true;
  for (auto& reader : readers) reader.join();
  EXPECT_EQ(wrong, 0u);
}

// Sanitizers bring an allocator of their own, which does not say what it handed out.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool allocator_counts = false;
#else
constexpr bool allocator_counts = true;
#endif

size_t held() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST(InvertedIndexTest, ItsBytesAreForeseenAndACapRefuses) {
  const size_t count = 20'000;
  const auto values = clustered(count);
  const VectorRows source(ConstMatrix(values.data(), count, width));
  for (const CodeKind codes : kinds) {
    SCOPED_TRACE(std::string(code_kind_name(codes)));
    IndexOptions options = {.kind = IndexKind::ivf, .metric = Metric::l2, .codes = codes};
    if (codes == CodeKind::scalar8) options.kept_dimensions = 12;
    const auto predicted = predict_bytes(options, count, width);
    build_index(options,
                VectorRows(ConstMatrix(values.data(), 1000, width)));  // what libraries keep from then on
    const size_t before = held();
    const auto index = build_index(options, source);
    const auto bytes = static_cast<double>(index->bytes()), allocated = static_cast<double>(held() - before);
    EXPECT_NEAR(static_cast<double>(predicted.index), bytes, 0.1 * bytes);
    if (allocator_counts) {
      EXPECT_NEAR(static_cast<double>(predicted.index), allocated, 0.1 * allocated);
    }
    EXPECT_GE(predicted.building, predicted.index);
    options.memory_cap = predicted.building - 1;
    try {
      build_index(options, source);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::no_space);
    }
  }
}

TEST(InvertedIndexTest, RefusesWhatDoesNotGoTogether) {
  const auto values = clustered(300);
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
  EXPECT_THROW(index->search(std::vector<float>(width, 1.0f), 1, {.cancel = &cancel}), Error);
  EXPECT_TRUE(index->search(std::vector<float>(width, 1.0f), 0).empty());
}

TEST(InvertedIndexTest, SkipsWhatIsNotPresentAndNamesWhatIsBad) {
  auto values = clustered(600);
  values[width * 7] = NAN;
  const VectorRows source(ConstMatrix(values.data(), 600, width));
  const IndexOptions options = options_of(Metric::cosine, CodeKind::scalar8);
  EXPECT_THROW(build_index(options, source), Error);
  Allowed present(600, true);
  present.remove(7);
  const auto index = build_index(options, source, &present);
  EXPECT_EQ(index->size(), 599u);
  EXPECT_EQ(index->search(random_values(width, 2), 600, {.probes = 30}).size(), 599u);
}

}  // namespace
}  // namespace cowatch

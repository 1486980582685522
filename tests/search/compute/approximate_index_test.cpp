// What the graph and the inverted lists promise alike: to find nearly all, by every metric and code, whatever
// was filtered, replaced, saved and opened meanwhile, in the bytes that were foreseen.
#include <gtest/gtest.h>
#include <malloc.h>

#include <thread>

#include "base/error.h"
#include "base/threads.h"
#include "math/float16.h"
#include "search/compute_examples.h"
#include "support/temporary_folder.h"
#include "support/text_files.h"

namespace cowatch {
namespace {

using test::clustered;
using test::metrics;
using test::random_values;
using test::recall;

constexpr size_t width = 20;

struct Kind {
  const char* name;
  IndexOptions options;  // for some thousand vectors
  std::vector<CodeKind> codes;
  SearchOptions thorough, quick;
  size_t least;   // vectors that it can be built of
  double growth;  // of its bytes while half of its vectors are replaced
};

const Kind graph = {
    "graph", {}, {CodeKind::scalar8, CodeKind::scalar4, CodeKind::scalar4x8}, {.effort = 100}, {.effort = 40},
    0,       1.1};
const Kind ivf = {
    "ivf",
    {.kind = IndexKind::ivf, .codes = CodeKind::product4, .lists = 30},
    {CodeKind::scalar8, CodeKind::scalar4, CodeKind::product8, CodeKind::product4, CodeKind::optimised8,
     CodeKind::optimised4, CodeKind::rabitq1, CodeKind::rabitq3, CodeKind::rabitq4, CodeKind::rabitq8},
    {.effort = 300, .probes = 30},
    {.probes = 15},
    100,
    1.25};

struct ApproximateIndex : testing::TestWithParam<const Kind*> {
  static IndexOptions options(Metric metric = Metric::l2) {
    IndexOptions options = GetParam()->options;
    options.metric = metric;
    return options;
  }
  static IndexOptions options(Metric metric, CodeKind codes) {
    IndexOptions chosen = options(metric);
    chosen.codes = codes;
    return chosen;
  }
  static SearchOptions thorough() { return GetParam()->thorough; }
  static SearchOptions quick() { return GetParam()->quick; }
};

TEST_P(ApproximateIndex, FindsNearlyAllByEveryMetricAndCode) {
  const auto values = clustered(3000, width);
  const VectorRows source(ConstMatrix(values.data(), 3000, width));
  for (const Metric metric : metrics) {
    for (const CodeKind codes : GetParam()->codes) {
      const auto index = build_index(options(metric, codes), source);
      EXPECT_EQ(index->size(), 3000u);
      EXPECT_GE(recall(*index, source, thorough(), 50), 0.97)
          << metric_name(metric) << " " << code_kind_name(codes);
    }
  }
}

TEST_P(ApproximateIndex, ScoresAreTheMetricsOwnAndEstimatesAreNear) {
  const auto values = clustered(1000, width);
  std::vector<uint16_t> halves(values.size());
  halves_from_floats(values, halves);
  const VectorRows floats(ConstMatrix(values.data(), 1000, width)),
      words(ElementType::f16, halves.data(), 1000, width, width);
  std::vector<float> buffer(width);
  for (const Metric metric : metrics) {
    for (const VectorRows* source : {&floats, &words}) {
      const auto index = build_index(options(metric, CodeKind::scalar8), *source);
      const auto query = test::near_query(*source, 3);
      for (const size_t rerank : {size_t{0}, SIZE_MAX}) {
        SearchOptions search = thorough();
        search.rerank = rerank, search.full_vectors = true;
        const auto found = index->search(query, 10, search);
        ASSERT_EQ(found.size(), 10u);
        for (const auto& scored : found) {
          const double exact = test::slow_score(metric, query, float_row(*source, scored.index, buffer));
          EXPECT_NEAR(scored.score, exact, (rerank ? 1e-5 : 0.02) * (1 + std::abs(exact)));
        }
      }
    }
  }
}

TEST_P(ApproximateIndex, HasTheSameBytesForAnyNumberOfThreads) {
  const auto values = clustered(2000, width);
  const VectorRows source(ConstMatrix(values.data(), 2000, width));
  const test::TemporaryFolder folder;
  for (const CodeKind codes : GetParam()->codes) {
    std::string first;
    for (const size_t count : {1u, 2u, 5u}) {
      set_threads(count);
      build_index(options(Metric::cosine, codes), source)->save(folder / "index");
      const std::string bytes = read_text(folder / "index");
      if (first.empty()) first = bytes;
      EXPECT_EQ(bytes, first) << count << " threads, " << code_kind_name(codes);
    }
  }
  set_threads(0);
}

TEST_P(ApproximateIndex, AnswersTheSameWhenSavedAndCanBeChanged) {
  const auto values = clustered(1000, width);
  const VectorRows source(ConstMatrix(values.data(), 1000, width));
  const auto query = random_values(width, 3);
  const test::TemporaryFolder folder;
  for (const CodeKind codes : GetParam()->codes) {
    const auto index = build_index(options(Metric::l2, codes), source);
    index->erase(5);
    index->save(folder / "index");
    const auto opened = open_index(folder / "index", source);
    EXPECT_EQ(opened->kind(), index->kind());
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

TEST_P(ApproximateIndex, NamesADamagedFile) {
  const auto values = clustered(600, width);
  const VectorRows source(ConstMatrix(values.data(), 600, width)),
      fewer(ConstMatrix(values.data(), 200, width));
  const test::TemporaryFolder folder;
  build_index(options(), source)->save(folder / "index");
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

TEST_P(ApproximateIndex, FiltersKeepTheRecallAtEverySelectivityAndWhenTheyCorrelate) {
  const size_t count = 6000;
  const auto values = clustered(count, width);
  const VectorRows source(ConstMatrix(values.data(), count, width));
  IndexOptions chosen = options();
  if (chosen.kind == IndexKind::ivf) chosen.lists = 100, chosen.codes = CodeKind::scalar4;
  const auto index = build_index(chosen, source);
  for (const size_t step : {1u, 2u, 10u, 100u, 1000u}) {
    Allowed spread(count), together(count);
    for (uint32_t slot = 0; slot < count; slot += static_cast<uint32_t>(step)) spread.add(slot);
    for (uint32_t slot = 0; slot < count / step; ++slot) together.add(slot);  // whole clusters
    for (const Allowed* filter : {&spread, &together}) {
      const SearchOptions search = {.effort = 64, .probes = 25, .filter = filter};
      EXPECT_GE(recall(*index, source, search, 30), 0.95) << "1 in " << step << (filter == &together);
      for (const auto& scored : index->search(random_values(width, 8), 50, search))
        EXPECT_TRUE(filter->has(scored.index));
    }
  }
  const Allowed none(count);
  EXPECT_TRUE(index->search(random_values(width, 8), 5, {.filter = &none}).empty());
}

TEST_P(ApproximateIndex, AfterHalfIsReplacedItFindsAsMuchAsAFreshOneInAsManyBytes) {
  const size_t count = 3000;
  auto values = clustered(2 * count, width);
  const VectorRows source(ConstMatrix(values.data(), count, width));
  const auto index = build_index(options(), source);
  const size_t bytes = index->bytes();
  for (uint32_t slot = 0; slot < count; slot += 2) {
    index->erase(slot);
    std::copy_n(values.begin() + static_cast<ptrdiff_t>((count + slot) * width), width,
                values.begin() + static_cast<ptrdiff_t>(slot * width));
    index->insert(slot);
  }
  EXPECT_EQ(index->size(), count);
  EXPECT_LE(static_cast<double>(index->bytes()), GetParam()->growth * static_cast<double>(bytes));
  const auto fresh = build_index(options(), source);
  EXPECT_GE(recall(*index, source, quick(), 60), recall(*fresh, source, quick(), 60) - 0.02);
}

TEST_P(ApproximateIndex, GrowsAndUpdatesInPlace) {
  auto values = clustered(800, width);
  const size_t least = GetParam()->least;
  VectorRows source(ElementType::f32, values.data(), least, width, width);
  IndexOptions chosen = options(Metric::cosine);
  if (chosen.kind == IndexKind::ivf) chosen.lists = 4, chosen.codes = CodeKind::scalar4;
  const auto index = build_index(chosen, source);
  EXPECT_EQ(index->search(random_values(width, 1), 5).size(), least > 0 ? 5u : 0u);
  EXPECT_THROW(index->insert(static_cast<uint32_t>(least)), Error) << "the source has no such vector yet";
  source.grow(values.data(), 800);
  EXPECT_THROW(index->insert(static_cast<uint32_t>(least + 1)), Error) << "a gap";
  for (auto slot = static_cast<uint32_t>(least); slot < 800; ++slot) index->insert(slot);
  EXPECT_GE(recall(*index, source, {.effort = 80, .probes = 4}, 40), 0.97);
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

TEST_P(ApproximateIndex, ReadersGoOnWhileOneThreadWrites) {
  const auto values = clustered(1500, width);
  const VectorRows source(ConstMatrix(values.data(), 1500, width));
  const auto index = build_index(options(), source);
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

TEST_P(ApproximateIndex, ItsBytesAreForeseenAndACapRefuses) {
  const size_t count = 20'000;
  const auto values = clustered(count, width);
  const VectorRows source(ConstMatrix(values.data(), count, width));
  for (const CodeKind codes : GetParam()->codes) {
    SCOPED_TRACE(std::string(code_kind_name(codes)));
    IndexOptions chosen = options(Metric::l2, codes);
    chosen.lists = 0;
    if (codes == CodeKind::scalar8 && chosen.kind == IndexKind::ivf) chosen.kept_dimensions = 12;
    const auto predicted = predict_bytes(chosen, count, width);
    build_index(chosen,
                VectorRows(ConstMatrix(values.data(), 1000, width)));  // what libraries keep from then on
    const size_t before = held();
    const auto index = build_index(chosen, source);
    const auto bytes = static_cast<double>(index->bytes()), allocated = static_cast<double>(held() - before);
    EXPECT_NEAR(static_cast<double>(predicted.index), bytes, 0.1 * bytes);
    if (allocator_counts && chosen.kind == IndexKind::ivf) {  // a graph maps huge pages itself
      EXPECT_NEAR(static_cast<double>(predicted.index), allocated, 0.1 * allocated);
    }
    EXPECT_GE(predicted.building, predicted.index);
    chosen.memory_cap = predicted.building - 1;
    try {
      build_index(chosen, source);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::no_space);
    }
  }
}

TEST_P(ApproximateIndex, SkipsWhatIsNotPresentAndNamesWhatIsBad) {
  auto values = clustered(600, width);
  values[width * 7] = NAN;
  const VectorRows source(ConstMatrix(values.data(), 600, width));
  EXPECT_THROW(build_index(options(Metric::cosine), source), Error);
  Allowed present(600, true);
  present.remove(7);
  const auto index = build_index(options(Metric::cosine), source, &present);
  EXPECT_EQ(index->size(), 599u);
  EXPECT_EQ(index->search(random_values(width, 2), 600, {.probes = 30}).size(), 599u);
}

INSTANTIATE_TEST_SUITE_P(Kinds, ApproximateIndex, testing::Values(&graph, &ivf),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace cowatch

// Index files whose checksums hold and whose contents do not: they are refused as damaged, or answer what
// they can.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "base/tensor_file.h"
#include "search/compute_examples.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

constexpr size_t damaged_rows = 200, damaged_width = 16;

template <typename T>
void copy_tensor(const TensorFile& file, const std::string& name, TensorFileWriter& writer) {
  writer.add<T>(name, file.shape(name), file.tensor<T>(name));
}

class DamagedIndex : public testing::Test {
 protected:
  // Saves an index and writes it once more with other metadata, and one tensor replaced. All checksums are
  // right.
  Path changed(const IndexOptions& options, const Metadata& metadata, const std::string& replaced = "",
               const std::function<void(TensorFileWriter&)>& replace = {}) {
    const Path good = folder_ / "good.index", bad = folder_ / "bad.index";
    build_index(options, source_)->save(good);
    const TensorFile file(good, "vector_index", 1);
    TensorFileWriter writer("vector_index", 1);
    for (const auto& [key, value] : file.metadata())
      if (key.find("xxh3") == key.npos) writer.set(key, value);
    for (const auto& [key, value] : metadata) writer.set(key, value);
    for (const std::string& name : file.names()) {
      if (name == replaced) continue;
      if (file.type(name) == ElementType::u8) copy_tensor<uint8_t>(file, name, writer);
      if (file.type(name) == ElementType::u32) copy_tensor<uint32_t>(file, name, writer);
      if (file.type(name) == ElementType::u64) copy_tensor<uint64_t>(file, name, writer);
      if (file.type(name) == ElementType::f32) copy_tensor<float>(file, name, writer);
    }
    if (replace) replace(writer);
    writer.write(bad);
    return bad;
  }
  void expect_refused(const Path& path, ErrorCode code) {
    try {
      open_index(path, source_);
      ADD_FAILURE() << "it was opened";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
    }
  }

  test::TemporaryFolder folder_;
  std::vector<float> values_ = test::random_values(damaged_rows * damaged_width, 1);
  VectorRows source_{ConstMatrix(values_.data(), damaged_rows, damaged_width)};
};

TEST_F(DamagedIndex, IsRefusedWhenItsNumbersAreNone) {
  const IndexOptions exact = {.kind = IndexKind::exact}, graph;
  expect_refused(changed(exact, {{"slots", "many"}}), ErrorCode::damaged);
  expect_refused(changed(exact, {{"slots", "99999999999999999999"}}), ErrorCode::damaged);
  expect_refused(changed(graph, {{"alpha", "x"}}), ErrorCode::damaged);
  expect_refused(changed(graph, {{"alpha", "1e99"}}), ErrorCode::damaged);
  expect_refused(changed(graph, {{"seed", "-1"}}), ErrorCode::damaged);
}

TEST_F(DamagedIndex, IsRefusedWhenItsProjectionIsNoMatrix) {
  const float number = 1;
  const auto path =
      changed({.kind = IndexKind::ivf, .codes = CodeKind::scalar8, .kept_dimensions = 8}, {}, "projection",
              [&](TensorFileWriter& writer) { writer.add<float>("projection", {}, std::span(&number, 1)); });
  expect_refused(path, ErrorCode::bad_input);
}

// A search that began at one slot twice took what lay in memory for a third.
TEST_F(DamagedIndex, IsRefusedWhenSearchesBeginTwiceAtOneSlot) {
  const std::vector<uint32_t> entries(64, 7);
  expect_refused(changed({}, {}, "entries",
                         [&](TensorFileWriter& writer) { writer.add<uint32_t>("entries", {64}, entries); }),
                 ErrorCode::damaged);
}

// However many candidates a file asks for: there are no more than slots.
TEST_F(DamagedIndex, TakesNoMemoryForCandidatesThatAreNotThere) {
  const auto index = open_index(changed({}, {{"build_effort", "2147483648"}}), source_);
  index->insert(7);
  EXPECT_EQ(index->search(std::span(values_).subspan(7 * damaged_width, damaged_width), 1).at(0).index, 7u);
}

// Codes whose constants are NaN score NaN.
TEST_F(DamagedIndex, IsChangedThoughItsCodesSayNothing) {
  const IndexOptions options = {.codes = CodeKind::scalar8, .degree = 64};
  const std::vector<uint8_t> records(damaged_rows * 48, 0xff);
  const auto index = open_index(changed(options, {}, "records",
                                        [&](TensorFileWriter& writer) {
                                          writer.add<uint8_t>("records", {damaged_rows, 48}, records);
                                        }),
                                source_);
  for (uint32_t slot = 0; slot < 50; ++slot) index->erase(slot), index->insert(slot);
  EXPECT_EQ(index->size(), damaged_rows);
  EXPECT_LE(index->search(std::span(values_).first(damaged_width), 10).size(), 10u);
}

// An index that names vectors which have no cosine: their scores are NaN and in no order.
TEST_F(DamagedIndex, AnswersOnlyWhatHasAScore) {
  const auto path = changed({.kind = IndexKind::ivf, .codes = CodeKind::scalar8, .lists = 2}, {});
  auto others = values_;
  for (size_t slot = 0; slot < damaged_rows; slot += 2)
    std::fill_n(others.begin() + static_cast<ptrdiff_t>(slot * damaged_width), damaged_width, 0.0f);
  const VectorRows zeros(ConstMatrix(others.data(), damaged_rows, damaged_width));
  const auto found =
      open_index(path, zeros)->search(std::span(values_).first(damaged_width), damaged_rows, {.probes = 2});
  EXPECT_EQ(found.size(), damaged_rows / 2);
  for (const Scored& each : found) EXPECT_EQ(each.index % 2, 1u);
}

}  // namespace
}  // namespace cowatch

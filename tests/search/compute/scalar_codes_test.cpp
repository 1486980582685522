#include "search/compute/codes/scalar_codes.h"

#include <cmath>
#include <cstring>

#include "math/target_test.h"
#include "search/compute_examples.h"

namespace cowatch {
namespace {

using test::random_values;

constexpr size_t count = 19;

struct Coded {
  Coded(size_t dimension, unsigned bits)
      : layout(dimension, bits), values(random_values(count * dimension, 1)) {
    records.resize(count * layout.record_bytes);
    finer.resize(count * layout.finer_bytes);
    for (size_t i = 0; i < count; ++i) {
      encode(layout, row(i), records.data() + i * layout.record_bytes, finer.data() + i * layout.finer_bytes);
      slots.push_back(static_cast<uint32_t>(count - 1 - i));
    }
  }
  std::span<const float> row(size_t i) const {
    return std::span(values).subspan(i * layout.dimension, layout.dimension);
  }
  const uint8_t* record(size_t i) const { return records.data() + i * layout.record_bytes; }
  const uint8_t* fine(size_t i) const { return finer.data() + i * layout.finer_bytes; }

  ScalarLayout layout;
  std::vector<float> values;
  std::vector<uint8_t> records, finer;
  std::vector<uint32_t> slots;
};

class ScalarCodes : public cowatch::testing::EachTarget {};

constexpr size_t dimensions[] = {1, 2, 31, 32, 33, 63, 64, 65, 100, 128, 200, 257, 768};

TEST_F(ScalarCodes, DecodeToWithinHalfAStepAndFinerToWithinA510th) {
  for (const unsigned bits : {4u, 8u}) {
    for (const size_t dimension : dimensions) {
      const Coded coded(dimension, bits);
      std::vector<float> decoded(dimension), both(dimension);
      for (size_t i = 0; i < count; ++i) {
        decode(coded.layout, coded.record(i), decoded);
        decode(coded.layout, coded.record(i), coded.fine(i), both);
        const float step = constants_of(coded.layout, coded.record(i)).step;
        double square = 0;
        for (size_t d = 0; d < dimension; ++d) {
          ASSERT_NEAR(decoded[d], coded.row(i)[d], step * 0.501f + 1e-6f);
          ASSERT_NEAR(both[d], coded.row(i)[d], step / 500 + 2e-6f);
          square += double{decoded[d]} * decoded[d];
        }
        EXPECT_NEAR(constants_of(coded.layout, coded.record(i)).square, square, 1e-5 * square + 1e-6);
      }
    }
  }
}

TEST_F(ScalarCodes, ScoresAreThoseOfThePlainLoopAtRaggedSizes) {
  for (const unsigned bits : {4u, 8u}) {
    for (const size_t dimension : dimensions) {
      const Coded coded(dimension, bits);
      const auto query = random_values(dimension, 2);
      CodeQuery prepared;
      prepare_query(coded.layout, query, 2, 1, prepared);
      // By the rounded query and the decoded vectors, in double; the kernels round only in the last steps.
      std::vector<double> expected(count), expected_finer(count);
      std::vector<float> decoded(dimension), both(dimension);
      for (size_t i = 0; i < count; ++i) {
        decode(coded.layout, coded.record(coded.slots[i]), decoded);
        decode(coded.layout, coded.record(coded.slots[i]), coded.fine(coded.slots[i]), both);
        for (size_t d = 0; d < dimension; ++d) {
          expected[i] +=
              2 * double{prepared.step} * prepared.codes[d] * decoded[d] - double{decoded[d]} * decoded[d];
          expected_finer[i] += 2 * double{query[d]} * both[d] - double{both[d]} * both[d];
        }
      }
      for_each_target([&] {
        std::vector<float> scores(count), finer(count);
        score_codes(coded.layout, prepared, coded.records.data(), coded.slots, scores.data());
        score_finer(coded.layout, prepared, coded.records.data(), coded.finer.data(), coded.slots,
                    finer.data());
        const double tolerance = 2e-5 * static_cast<double>(dimension) + 1e-5;
        for (size_t i = 0; i < count; ++i) {
          ASSERT_NEAR(scores[i], expected[i], tolerance) << bits << " bits, dimension " << dimension;
          ASSERT_NEAR(finer[i], expected_finer[i], tolerance) << bits << " bits, dimension " << dimension;
        }
      });
    }
  }
}

// The integer sums are exact, so even the last bit is the same everywhere, with the largest codes too.
TEST_F(ScalarCodes, ScoresAgreeBetweenInstructionSetsAtTheLargestCodes) {
  for (const unsigned bits : {4u, 8u}) {
    const ScalarLayout layout(300, bits);
    std::vector<uint8_t> record(layout.record_bytes, 255);
    const CodeConstants constants = {0, 1, 0};
    std::memcpy(record.data() + layout.code_bytes, &constants, sizeof constants);
    CodeQuery query;
    prepare_query(layout, std::vector<float>(300, 127.0f), 1, 0, query);
    const uint32_t slot = 0;
    for_each_target([&] {
      float score = 0;
      score_codes(layout, query, record.data(), {&slot, 1}, &score);
      EXPECT_EQ(score, 300.0f * 127 * (bits == 8 ? 255 : 15));
    });
  }
}

TEST_F(ScalarCodes, AConstantVectorHasAStepOfZero) {
  const ScalarLayout layout(10, 4);
  std::vector<uint8_t> record(layout.record_bytes), finer(layout.finer_bytes);
  std::vector<float> decoded(10);
  encode(layout, std::vector<float>(10, 2.5f), record.data(), finer.data());
  decode(layout, record.data(), finer.data(), decoded);
  for (const float value : decoded) EXPECT_EQ(value, 2.5f);
}

}  // namespace
}  // namespace cowatch

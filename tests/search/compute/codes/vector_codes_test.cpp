#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "base/threads.h"
#include "math/target_test.h"
#include "math/vectors.h"
#include "search/compute/codes/codebook_file.h"
#include "search/compute/codes/k_means.h"
#include "search/compute/codes/product_code.h"
#include "search/compute/codes/stepped_code.h"
#include "search/compute_examples.h"
#include "support/temporary_folder.h"

namespace cowatch {
namespace {

using test::random_values;

// Rows with correlated numbers: normal ones through a fixed mixing, of falling spread.
std::vector<float> correlated(size_t count, size_t width, uint32_t stream = 1) {
  const auto noise = random_values(count * width, stream), mixing = random_values(width * width, 90);
  std::vector<float> rows(count * width);
  for (size_t r = 0; r < count; ++r) {
    for (size_t i = 0; i < width; ++i) {
      const float value = noise[r * width + i] / static_cast<float>(1 + i);
      for (size_t d = 0; d < width; ++d) rows[r * width + d] += value * mixing[i * width + d];
    }
  }
  return rows;
}

std::vector<uint8_t> encoded(const VectorCode& code, ConstMatrix rows) {
  std::vector<uint8_t> codes(rows.rows * code.code_bytes());
  code.encode(rows, rows, codes.data());
  return codes;
}

double mean_error(const VectorCode& code, ConstMatrix rows) {
  const auto codes = encoded(code, rows);
  std::vector<float> decoded(rows.columns);
  double total = 0;
  for (size_t r = 0; r < rows.rows; ++r) {
    code.decode(codes.data() + r * code.code_bytes(), decoded);
    total += squared_distance(rows.row(r), decoded);
  }
  return total / static_cast<double>(rows.rows);
}

class VectorCodes : public cowatch::testing::EachTarget {
 protected:
  // Scores of packed codes against the decoded vectors, in double; and packing back and forth.
  void check_scan(const VectorCode& code, ConstMatrix rows, bool true_squares) {
    const auto codes = encoded(code, rows);
    const size_t blocks = (rows.rows + block_codes - 1) / block_codes;
    std::vector<uint64_t> memory(blocks * code.block_bytes() / 8);
    auto* packed = reinterpret_cast<uint8_t*>(memory.data());
    for (size_t r = 0; r < rows.rows; ++r)
      code.pack(codes.data() + r * code.code_bytes(), packed + r / block_codes * code.block_bytes(),
                r % block_codes);
    std::vector<float> decoded(rows.columns), back(rows.columns);
    std::vector<uint8_t> unpacked(code.code_bytes());
    for (size_t r = 0; r < rows.rows; ++r) {
      code.decode(codes.data() + r * code.code_bytes(), decoded);
      code.unpack(packed + r / block_codes * code.block_bytes(), r % block_codes, unpacked.data());
      code.decode(unpacked.data(), back);
      for (size_t i = 0; i < rows.columns; ++i) ASSERT_NEAR(back[i], decoded[i], 1e-5 * std::abs(decoded[i]));
    }
    const auto query = random_values(rows.columns, 77);
    const float length = std::sqrt(dot(query, query));
    for (const auto& [factor, square_factor] : {std::pair(1.0f, 0.0f), std::pair(2.0f, 1.0f)}) {
      for_each_target([&, factor = factor, square_factor = square_factor] {
        CodeTables tables;
        code.prepare(query, factor, square_factor, tables);
        std::vector<CodeHit> hits(blocks * block_codes), some(blocks * block_codes);
        ASSERT_EQ(code.scan(tables, packed, blocks, -INFINITY, hits.data()), hits.size());
        std::vector<float> scores;
        for (size_t r = 0; r < rows.rows; ++r) {
          code.decode(codes.data() + r * code.code_bytes(), decoded);
          const double square = true_squares ? dot(rows.row(r), rows.row(r)) : dot(decoded, decoded);
          const double expected = factor * double{dot(query, decoded)} - square_factor * square;
          // The query, or its tables, are rounded: by at most a half step for each number or part.
          const double rounding = 0.02 * length * std::sqrt(dot(decoded, decoded)) + 1e-3;
          EXPECT_EQ(hits[r].place, r);
          EXPECT_NEAR(hits[r].score, expected, factor * rounding * 4) << r;
          scores.push_back(hits[r].score);
        }
        const auto rounding_of = [&](size_t r) {
          if (code.held_bytes() == 0) return 0.0f;  // stepped codes have no tables
          code.decode(codes.data() + r * code.code_bytes(), decoded);
          return factor * 4 * (0.02f * length * std::sqrt(dot(decoded, decoded)) + 1e-3f);
        };
        std::sort(scores.begin(), scores.end());
        const float least = scores[scores.size() / 2];
        const size_t found = code.scan(tables, packed, blocks, least, some.data());
        size_t wanted = 0, at = 0;
        for (size_t r = 0; r < rows.rows; ++r) {
          if (hits[r].score < least + rounding_of(r)) continue;
          ++wanted;
          while (at < found && some[at].place < r) ++at;
          ASSERT_LT(at, found);
          EXPECT_EQ(some[at].place, r);
          // Tables may have become finer since.
          EXPECT_NEAR(some[at].score, hits[r].score, rounding_of(r));
        }
        EXPECT_LE(wanted, found);
      });
    }
  }
};

TEST_F(VectorCodes, SteppedCodesScoreWhatTheyDecodeTo) {
  for (const size_t width : {1u, 7u, 33u, 64u, 100u, 130u}) {
    const auto values = random_values(45 * width, 1);
    const ConstMatrix rows(values.data(), 45, width);
    for (const unsigned bits : {4u, 8u}) {
      SCOPED_TRACE(std::to_string(bits) + " bits, dimension " + std::to_string(width));
      check_scan(SteppedCode(SteppedCode::Kind::scalar, width, bits), rows, false);
    }
  }
  const auto values = random_values(45 * 100, 1);
  for (unsigned bits = 2; bits <= 8; ++bits) {
    SCOPED_TRACE(bits);
    check_scan(SteppedCode(SteppedCode::Kind::rabitq, 100, bits), ConstMatrix(values.data(), 45, 100), true);
  }
}

TEST_F(VectorCodes, ScalarCodesDecodeToWithinHalfAStep) {
  for (const unsigned bits : {4u, 8u}) {
    for (const size_t width : {1u, 8u, 50u, 128u}) {
      const auto values = random_values(60 * width, 3);
      const ConstMatrix rows(values.data(), 60, width);
      const SteppedCode code(SteppedCode::Kind::scalar, width, bits);
      const auto codes = encoded(code, rows);
      std::vector<float> decoded(width);
      for (size_t r = 0; r < 60; ++r) {
        code.decode(codes.data() + r * code.code_bytes(), decoded);
        const auto [low, high] = std::minmax_element(rows.row(r).begin(), rows.row(r).end());
        // The step and the offset were rounded to bfloat16, outwards.
        const float levels = bits == 8 ? 255 : 15, slack = (std::abs(*low) / 128 + (*high - *low)) / levels;
        for (size_t i = 0; i < width; ++i)
          EXPECT_LE(std::abs(decoded[i] - rows.row(r)[i]), slack * 1.02f / 2 + 1e-6f);
      }
    }
  }
}

// Over random rotations the estimate of an inner product has no bias, and it misses its bound seldom; without
// the correction it would be short by a fifth at one bit.
TEST_F(VectorCodes, RaBitQEstimatesWithoutBiasAndWithinItsBound) {
  const size_t width = 96, draws = 300;
  auto x = random_values(width, 5), noise = random_values(width, 6);
  std::vector<float> q(width);
  for (size_t i = 0; i < width; ++i) {
    x[i] = i < 10 ? 5 * x[i] : 0.2f * x[i];  // far from normal before it is turned
    q[i] = 0.6f * x[i] + 0.8f * noise[i];
  }
  const double truth = dot(q, x), lengths = std::sqrt(dot(q, q) * dot(x, x));
  constexpr unsigned tried[] = {1, 2, 4, 7};
  struct Errors {
    double sum = 0, squares = 0;
    size_t outside = 0;
  } errors[4];
  std::vector<float> turned(width), turned_query(width), decoded(width);
  for (size_t draw = 0; draw < draws; ++draw) {
    const Projection rotation = random_rotation(width, 100 + draw);
    rotation.apply(x, turned);
    rotation.apply(q, turned_query);
    for (size_t i = 0; i < std::size(tried); ++i) {
      const SteppedCode code(SteppedCode::Kind::rabitq, width, tried[i]);
      const auto codes = encoded(code, ConstMatrix(turned.data(), 1, width));
      code.decode(codes.data(), decoded);
      const double error = dot(turned_query, decoded) - truth;
      const double cosine =
          dot(turned, decoded) / std::sqrt(double{dot(turned, turned)} * dot(decoded, decoded));
      const double bound = 1.9 * lengths * std::sqrt((1 - cosine * cosine) / (cosine * cosine) / (width - 1));
      errors[i].outside += std::abs(error) > bound;
      errors[i].sum += error, errors[i].squares += error * error;
    }
  }
  double former_spread = INFINITY;
  for (size_t i = 0; i < std::size(tried); ++i) {
    const double spread = std::sqrt(errors[i].squares / draws);
    EXPECT_LT(std::abs(errors[i].sum / draws), 4 * spread / std::sqrt(draws)) << tried[i] << " bits";
    EXPECT_LT(static_cast<double>(errors[i].outside) / draws, 0.1) << tried[i] << " bits";
    EXPECT_LT(spread, former_spread / 1.5) << tried[i] << " bits";
    former_spread = spread;
  }
}

TEST_F(VectorCodes, ProductCodesScoreWhatTheyDecodeTo) {
  for (const unsigned bits : {4u, 8u}) {
    for (const size_t parts : {1u, 3u, 5u, 16u}) {
      SCOPED_TRACE(std::to_string(bits) + " bits, parts " + std::to_string(parts));
      const auto values = correlated(600, 18);
      const auto code =
          train_product(ConstMatrix(values.data(), 600, 18), ConstMatrix(values.data(), 600, 18),
                        {.parts = parts, .bits = bits, .iterations = 3});
      check_scan(*code, ConstMatrix(values.data(), 70, 18), false);
    }
  }
}

TEST_F(VectorCodes, ProductCodesNameTheNearestCentreOfEachPart) {
  const auto values = correlated(800, 10);
  const ConstMatrix rows(values.data(), 800, 10);
  const auto code = train_product(rows, rows, {.parts = 4, .bits = 4});
  const size_t begins[] = {0, 3, 6, 8, 10};
  for (size_t p = 0; p < 5; ++p) EXPECT_EQ(code->begin(p), begins[p]);
  const auto codes = encoded(*code, rows);
  for (size_t r = 0; r < 800; ++r) {
    for (size_t p = 0; p < 4; ++p) {
      const auto part = rows.row(r).subspan(code->begin(p), code->begin(p + 1) - code->begin(p));
      double least = INFINITY;
      for (size_t e = 0; e < 16; ++e)
        least = std::min(least, double{squared_distance(part, code->centres(p).row(e))});
      EXPECT_NEAR(squared_distance(part, code->centres(p).row(codes[r * 4 + p])), least, 1e-5);
    }
  }
  EXPECT_LT(mean_error(*train_product(rows, rows, {.parts = 4, .bits = 8}), rows),
            mean_error(*code, rows) / 3);
}

TEST_F(VectorCodes, TheSameCodesForAnyNumberOfThreads) {
  const auto values = correlated(3000, 16);
  const ConstMatrix rows(values.data(), 3000, 16);
  std::vector<float> first, first_rotation;
  for (const size_t count : {1u, 2u, 5u}) {
    set_threads(count);
    const auto centres = train_product(rows, rows, {.parts = 4, .bits = 4, .threshold = 0.4f})->all_centres();
    auto turned_rows = values, turned_wholes = values;
    Projection rotation;
    train_optimised(Matrix(turned_rows.data(), 3000, 16), Matrix(turned_wholes.data(), 3000, 16),
                    {.parts = 4, .bits = 4}, 3, rotation);
    const std::vector<float> turned(rotation.rows().data, rotation.rows().data + 256);
    if (first.empty()) first = centres, first_rotation = turned;
    EXPECT_EQ(centres, first) << count << " threads";
    EXPECT_EQ(turned, first_rotation) << count << " threads";
  }
  set_threads(0);
}

// The start is the best rotation for normal numbers; turning on from there pays for others.
TEST_F(VectorCodes, AnOptimisedRotationErrsLess) {
  auto values = correlated(3000, 16);
  const auto centres = correlated(60, 16, 8);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = 0.2f * values[i] + centres[i / 16 % 60 * 16 + i % 16];
  const ConstMatrix rows(values.data(), 3000, 16);
  const ProductOptions options = {.parts = 4, .bits = 4};
  double before = mean_error(*train_product(rows, rows, options), rows);
  for (const size_t rounds : {0u, 10u}) {
    auto turned = values, wholes = values;
    const Matrix all(turned.data(), 3000, 16);
    Projection rotation;
    const auto code = train_optimised(all, Matrix(wholes.data(), 3000, 16), options, rounds, rotation);
    const double error = mean_error(*code, all);
    EXPECT_LT(error, 0.95 * before) << rounds;
    before = error;
    std::vector<float> expected(16);
    rotation.apply(rows.row(7), expected);
    for (size_t i = 0; i < 16; ++i) EXPECT_NEAR(all.row(7)[i], expected[i], 1e-4);
  }
}

TEST_F(VectorCodes, TheAnisotropicLossFallsAndErrorsLieAcross) {
  const auto values = correlated(1500, 12);
  const ConstMatrix rows(values.data(), 1500, 12);
  const auto plain = train_product(rows, rows, {.parts = 4, .bits = 4});
  const float eta = anisotropic_eta(0.6f, 12);
  EXPECT_NEAR(eta, 11 * 0.36 / 0.64, 1e-4);
  const ProductCode plain_centres(12, 4, 4, plain->all_centres(), eta);  // plain centres, codes by the loss
  const auto trained = train_anisotropic(*plain, rows, rows, eta);
  const double assigned = product_loss(plain_centres, rows, rows),
               learned = product_loss(*trained, rows, rows);
  EXPECT_LT(learned, assigned);
  // What plain codes lose by the same measure: evaluated with their own codes.
  double along_plain = 0, along_trained = 0, plain_loss = 0;
  const auto plain_codes = encoded(*plain, rows), codes = encoded(*trained, rows);
  std::vector<float> decoded(12);
  for (size_t r = 0; r < 1500; ++r) {
    const double square = dot(rows.row(r), rows.row(r));
    plain->decode(plain_codes.data() + r * 4, decoded);
    const double missed = square - dot(decoded, rows.row(r));
    plain_loss += squared_distance(rows.row(r), decoded) + (eta - 1) * missed * missed / square;
    along_plain += missed * missed / square;
    trained->decode(codes.data() + r * 4, decoded);
    const double now = square - dot(decoded, rows.row(r));
    along_trained += now * now / square;
  }
  EXPECT_LT(assigned, plain_loss);
  EXPECT_LT(along_trained, along_plain / 2);
}

// The best code of all by enumeration, of few parts and rows.
TEST_F(VectorCodes, AnisotropicCodesAreNearlyTheBestOfAll) {
  const auto values = correlated(300, 6);
  const ConstMatrix rows(values.data(), 300, 6);
  const auto plain = train_product(rows, rows, {.parts = 2, .bits = 4});
  const ProductCode code(6, 2, 4, plain->all_centres(), 4.0f);
  double best_total = 0;
  std::vector<float> decoded(6);
  for (size_t r = 0; r < 300; ++r) {
    double best = INFINITY;
    for (unsigned both = 0; both < 256; ++both) {
      const uint8_t parts[2] = {static_cast<uint8_t>(both & 15u), static_cast<uint8_t>(both >> 4)};
      code.decode(parts, decoded);
      const double square = dot(rows.row(r), rows.row(r)), missed = square - dot(decoded, rows.row(r));
      best = std::min(best, squared_distance(rows.row(r), decoded) + 3 * missed * missed / square);
    }
    best_total += best;
  }
  EXPECT_GE(product_loss(code, rows, rows), best_total * (1 - 1e-5));
  EXPECT_LE(product_loss(code, rows, rows), best_total * 1.05);
}

class Codebooks : public ::testing::Test {
 protected:
  Path write(std::vector<size_t> shape, const std::vector<float>& values,
             const std::vector<float>& rotation = {}, std::vector<size_t> rotation_shape = {},
             const std::vector<float>& mean = {}) {
    TensorFileWriter writer("codebooks", 1);
    writer.add<float>("codebooks", std::move(shape), values);
    if (!rotation.empty()) writer.add<float>("rotation", std::move(rotation_shape), rotation);
    if (!mean.empty()) writer.add<float>("mean", {mean.size()}, mean);
    writer.write(folder_ / "book.safetensors");
    return folder_ / "book.safetensors";
  }
  // Where the refusal is said to be.
  std::string refusal(const Path& path, size_t dimension, unsigned bits = 4) {
    try {
      read_codebook(path, dimension, bits);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::bad_input);
      return error.details().where.substr(path.string().size());
    }
    return "accepted";
  }
  test::TemporaryFolder folder_;
};

TEST_F(Codebooks, FromAFileDecodeByItsCentresAndRotation) {
  const auto centres = random_values(2 * 16 * 3, 1), mean = random_values(8, 2);
  const Projection rotation = random_rotation(8, 3);
  const std::vector<float> six(rotation.rows().data, rotation.rows().data + 6 * 8);
  const Codebook book = read_codebook(write({2, 16, 3}, centres, six, {6, 8}, mean), 8, 4);
  EXPECT_EQ(book.projection.outputs(), 6u);
  const uint8_t code[2] = {5, 11};
  std::vector<float> decoded(6);
  book.code->decode(code, decoded);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(decoded[i], centres[5 * 3 + i]);
    EXPECT_EQ(decoded[3 + i], centres[16 * 3 + 11 * 3 + i]);
  }
}

TEST_F(Codebooks, OfWrongShapesAreRefusedWithTheirPlace) {
  const auto centres = random_values(2 * 16 * 3, 1);
  const std::vector<float> not_orthonormal(6 * 8, 0.5f);
  EXPECT_EQ(refusal(write({2, 16, 3}, centres), 7), ", tensor codebooks");
  EXPECT_EQ(refusal(write({2, 16, 3}, centres), 6, 8), ", tensor codebooks");
  EXPECT_EQ(refusal(write({96}, centres), 6), ", tensor codebooks");
  EXPECT_EQ(refusal(write({2, 16, 3}, centres, not_orthonormal, {6, 8}), 8), ", tensor rotation");
  EXPECT_EQ(refusal(write({2, 16, 3}, centres, not_orthonormal, {8, 6}), 8), ", tensor rotation");
  EXPECT_EQ(refusal(write({2, 16, 3}, centres, {}, {}, {1, 2}), 6), ", tensor mean");
  auto infinite = centres;
  infinite[17] = INFINITY;
  EXPECT_EQ(refusal(write({2, 16, 3}, infinite), 6), ", tensor codebooks");
  TensorFileWriter other("codebooks", 1);
  other.add<float>("centres", {96}, centres);
  other.write(folder_ / "other.safetensors");
  EXPECT_EQ(refusal(folder_ / "other.safetensors", 6), ", tensor codebooks");
  EXPECT_EQ(refusal(write({2, 16, 3}, centres), 6), "accepted");
}

}  // namespace
}  // namespace cowatch

// The kernels over blocks of 32 codes against plain loops, on every instruction set, at ragged sizes.
#include <algorithm>
#include <cmath>
#include <vector>

#include "math/target_test.h"
#include "search/compute/kernels/bit_planes.h"
#include "search/compute/kernels/packed_products.h"
#include "search/compute/kernels/table_scan.h"
#include "search/compute_examples.h"

namespace cowatch {
namespace {

using test::random_values;

constexpr size_t packed_dimensions[] = {1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 63, 64, 65, 100, 128, 200, 257, 768};

// count codes below 2^bits, one after another.
std::vector<uint8_t> random_codes(size_t count, unsigned bits, uint32_t stream) {
  std::vector<uint8_t> codes(count);
  const Random random(5, stream);
  for (size_t i = 0; i < count; ++i)
    codes[i] = static_cast<uint8_t>(random.below(uint64_t{1} << bits, 1, static_cast<uint32_t>(i)));
  return codes;
}

std::span<const uint8_t> code_of(const std::vector<uint8_t>& codes, size_t i, size_t width) {
  return std::span(codes).subspan(i * width, width);
}

class PackedCodes : public cowatch::testing::EachTarget {};

TEST_F(PackedCodes, TablesSumToThePlainLoop) {
  constexpr size_t blocks = 3;
  for (const unsigned bits : {4u, 8u}) {
    const size_t entries = size_t{1} << bits;
    for (const size_t parts : {1, 2, 3, 4, 5, 8, 16, 17, 31, 64, 128, 300}) {
      const auto codes = random_codes(blocks * block_codes * parts, bits, 2);
      std::vector<uint8_t> packed(blocks * table_block_bytes(bits, parts) + 1, 0xa5);
      uint8_t* first = packed.data() + 1;
      for (size_t i = 0; i < blocks * block_codes; ++i)
        pack_parts(bits, code_of(codes, i, parts), first + i / block_codes * table_block_bytes(bits, parts),
                   i % block_codes);
      const auto values = random_values(parts * entries, 3);
      ByteTables tables;
      round_tables(bits, parts, values, INFINITY, tables);
      std::vector<unsigned> sums(blocks * block_codes);
      for (size_t i = 0; i < sums.size(); ++i) {
        double exact = 0;
        for (size_t p = 0; p < parts; ++p) {
          sums[i] += tables.values[p * entries + codes[i * parts + p]];
          exact += values[p * entries + codes[i * parts + p]];
        }
        ASSERT_LT(sums[i], 65536u);
        EXPECT_NEAR(tables.offset + tables.step * static_cast<float>(sums[i]), exact,
                    0.51 * tables.step * static_cast<double>(parts) + 1e-3);
        std::vector<uint8_t> back(parts);
        unpack_parts(bits, first + i / block_codes * table_block_bytes(bits, parts), i % block_codes, back);
        ASSERT_TRUE(std::ranges::equal(back, code_of(codes, i, parts)));
      }
      auto sorted = sums;
      std::sort(sorted.begin(), sorted.end());
      for_each_target([&] {
        for (const unsigned least : {0u, sorted[10], sorted[sorted.size() / 2], sorted.back(), 65535u}) {
          std::vector<TableHit> hits(sums.size());
          const size_t found = scan_tables(tables, first, blocks, static_cast<uint16_t>(least), hits.data());
          size_t next = 0;
          for (uint32_t i = 0; i < sums.size(); ++i) {
            if (sums[i] < least) continue;
            ASSERT_LT(next, found) << bits << " bits, " << parts << " parts";
            EXPECT_EQ(hits[next].place, i);
            EXPECT_EQ(hits[next++].sum, sums[i]);
          }
          EXPECT_EQ(next, found) << bits << " bits, " << parts << " parts";
        }
      });
    }
  }
}

// Scores above the limit are those of the whole tables, by finer steps; no other comes above it.
TEST_F(PackedCodes, TablesOfALossScoreWhatMattersFinelyAndNothingElseAboveIt) {
  for (const unsigned bits : {4u, 8u}) {
    const size_t parts = 12, entries = size_t{1} << bits;
    auto values = random_values(parts * entries, 3);
    values[5] = -1000;  // one entry far from all that matters
    const auto codes = random_codes(3000 * parts, bits, 9);
    std::vector<double> exact(3000);
    for (size_t i = 0; i < 3000; ++i) {
      for (size_t p = 0; p < parts; ++p) exact[i] += values[p * entries + codes[i * parts + p]];
    }
    auto sorted = exact;
    std::sort(sorted.begin(), sorted.end());
    const double least = sorted[2900];
    ByteTables whole, fine;
    round_tables(bits, parts, values, INFINITY, whole);
    round_tables(bits, parts, values, whole.best - static_cast<float>(least), fine);
    EXPECT_LT(fine.step, whole.step / 20);
    for (size_t i = 0; i < 3000; ++i) {
      unsigned sum = 0;
      for (size_t p = 0; p < parts; ++p) sum += fine.values[p * entries + codes[i * parts + p]];
      const double score = fine.offset + double{fine.step} * sum, rounding = 0.51 * fine.step * parts + 1e-4;
      if (exact[i] >= least) {
        EXPECT_NEAR(score, exact[i], rounding);
      }
      EXPECT_LE(score, std::max(exact[i], least) + rounding);
    }
  }
}

TEST_F(PackedCodes, BitPlanesMultiplyLikeThePlainLoop) {
  for (const unsigned bits : {1u, 2u, 3u, 5u, 8u}) {
    for (const size_t width : packed_dimensions) {
      const auto codes = random_codes(32 * width, bits, 4);
      std::vector<uint64_t> packed(plane_block_bytes(width, bits) / 8, ~uint64_t{0});
      auto* block = reinterpret_cast<uint8_t*>(packed.data());
      for (size_t i = 0; i < 32; ++i) pack_planes(bits, code_of(codes, i, width), block, i);
      const auto query = random_values(width, 8);
      for (const unsigned query_bits : {2u, 5u, 8u}) {
        QueryPlanes planes;
        round_query(query_bits, query, planes);
        std::vector<int> rounded(width);
        float sum = 0;
        for (size_t i = 0; i < width; ++i) {
          // Back from the planes: two's complement.
          for (unsigned p = 0; p < query_bits; ++p) {
            const int bit = static_cast<int>(planes.words[i / 64 * query_bits + p] >> i % 64 & 1);
            rounded[i] += (p + 1 == query_bits ? -bit : bit) << p;
          }
          EXPECT_NEAR(planes.step * static_cast<float>(rounded[i]), query[i], 0.501f * planes.step);
          sum += planes.step * static_cast<float>(rounded[i]);
        }
        EXPECT_NEAR(planes.sum, sum, 1e-4f * static_cast<float>(width));
        for_each_target([&] {
          int32_t products[32];
          plane_products(planes, bits, block, products);
          for (size_t i = 0; i < 32; ++i) {
            int expected = 0;
            for (size_t d = 0; d < width; ++d) expected += codes[i * width + d] * rounded[d];
            ASSERT_EQ(products[i], expected) << bits << " bits, dimension " << width;
          }
        });
      }
      std::vector<uint8_t> back(width);
      unpack_planes(bits, block, 17, back);
      EXPECT_TRUE(std::ranges::equal(back, code_of(codes, 17, width)));
    }
  }
}

TEST_F(PackedCodes, BytesMultiplyLikeThePlainLoopUpToTheLargest) {
  for (const unsigned bits : {4u, 8u}) {
    for (const size_t width : packed_dimensions) {
      auto codes = random_codes(32 * width, bits, 4);
      auto query = random_values(width, 8);
      std::fill_n(codes.begin(), width, static_cast<uint8_t>((1u << bits) - 1));
      std::vector<uint8_t> packed(packed_block_bytes(bits, width) + 1, 0xff);
      uint8_t* block = packed.data() + 1;
      for (size_t i = 0; i < 32; ++i) pack_bytes(bits, code_of(codes, i, width), block, i);
      for (const bool largest : {false, true}) {
        if (largest) std::fill(query.begin(), query.end(), -2.0f);
        QueryBytes rounded;
        round_query(bits, query, rounded);
        for (size_t d = 0; d < width; ++d)
          ASSERT_NEAR(rounded.step * static_cast<float>(rounded.codes[d]), query[d], 0.501f * rounded.step);
        for_each_target([&] {
          int32_t products[32];
          packed_products(rounded, bits, block, products);
          for (size_t i = 0; i < 32; ++i) {
            int expected = 0;
            for (size_t d = 0; d < width; ++d) expected += codes[i * width + d] * rounded.codes[d];
            ASSERT_EQ(products[i], expected) << bits << " bits, dimension " << width;
          }
        });
      }
      std::vector<uint8_t> back(width);
      unpack_bytes(bits, block, 17, back);
      EXPECT_TRUE(std::ranges::equal(back, code_of(codes, 17, width)));
    }
  }
}

}  // namespace
}  // namespace cowatch

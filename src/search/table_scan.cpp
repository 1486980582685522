#include "search/table_scan.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/error.h"
#include "search/compute/scan.h"
#include "search/distance.h"

namespace cowatch {
namespace {

// A block of rows stays in the second-level cache from one query to the next.
constexpr size_t block_bytes = 128u << 10, most_block_rows = 1024;
// Below one survivor in so many, each is visited for itself.
constexpr size_t sparse_share = 8;

// One past the last survivor: what lies behind it in a table in memory is still being written.
size_t end_of(const Allowed& allowed) {
  size_t words = allowed.words().size();
  while (words > 0 && allowed.words()[words - 1] == 0) --words;
  return words == 0 ? 0 : words * 64 - static_cast<size_t>(std::countl_zero(allowed.words()[words - 1]));
}

bool is_sparse(const Allowed& allowed) {
  return allowed.count() < allowed.size() / sparse_share;
}

void scan_survivors(const PointTable& table, Metric metric, size_t begin, size_t end, Scan& scan) {
  size_t seen = 0;
  scan.allowed->for_each_in(begin, end, [&](uint32_t slot) {
    if (++seen % most_block_rows == 0) scan.query->patience.check();
    scan.best.offer({slot, score_of(metric, scan.query->vector, table.vector_of(slot))});
  });
}

void offer(size_t slot, float score, Scan& scan) {
  if (scan.allowed->has(static_cast<uint32_t>(slot))) scan.best.offer({static_cast<uint32_t>(slot), score});
}

void scan_numbers(const PointTable& table, size_t begin, size_t count, Metric metric, Scan& scan) {
  const ConstMatrix rows = table.rows(begin, count);
  std::array<float, most_block_rows> scores;
  const std::span<float> block(scores.data(), rows.rows);
  if (metric == Metric::l2) {
    for (size_t i = 0; i < block.size(); ++i) block[i] = score_of(metric, scan.query->vector, rows.row(i));
  } else {
    score_rows(scan.query->vector, rows, block);
  }
  for (size_t i = 0; (i = next_at_least(block, i, scan.threshold())) < count; ++i) offer(begin + i, block[i], scan);
}

// Only rows whose bound reaches what is looked for are compared by their own numbers.
void scan_codes(const PointTable& table, size_t begin, size_t count, Metric metric, Scan& scan) {
  std::array<float, most_block_rows> scores;
  const std::span<float> bounds(scores.data(), count);
  table.codes().bound_scores(*scan.coded, begin, bounds);
  for (size_t i = 0; (i = next_at_least(bounds, i, scan.threshold())) < count; ++i) {
    const float score = score_of(metric, scan.query->vector, table.vector_of(static_cast<uint32_t>(begin + i)));
    if (score >= scan.threshold()) offer(begin + i, score, scan);
  }
}

bool any_in(const Allowed& allowed, size_t begin, size_t count) {
  const size_t first = begin / 64, last = std::min(allowed.words().size(), (begin + count + 63) / 64);
  if (first >= last) return false;
  return std::ranges::any_of(allowed.words().subspan(first, last - first),
                             [](uint64_t word) { return word != 0; });
}

}  // namespace

size_t rows_compared(const Allowed& allowed) {
  return is_sparse(allowed) ? allowed.count() : allowed.size();
}

void scan_rows(const PointTable& table, Metric metric, size_t begin, size_t end, std::span<Scan> scans) {
  std::vector<Scan*> wide;
  size_t last = 0, dimension = 1;
  for (Scan& scan : scans) {
    if (is_sparse(*scan.allowed)) {
      scan_survivors(table, metric, begin, end, scan);
      continue;
    }
    wide.push_back(&scan);
    if (!table.codes().empty()) scan.coded.emplace(scan.query->vector);
    last = std::max(last, end_of(*scan.allowed));
    dimension = scan.query->vector.size();
  }
  end = std::min(end, last);
  const size_t fitting = block_bytes / (dimension * sizeof(float)) / 64 * 64;
  const size_t block_rows = std::clamp<size_t>(fitting, 64, most_block_rows);
  for (; begin < end; begin += block_rows) {
    const size_t count = std::min(block_rows, end - begin);
    for (Scan* scan : wide) {
      scan->query->patience.check();
      if (!any_in(*scan->allowed, begin, count)) continue;
      scan->coded ? scan_codes(table, begin, count, metric, *scan) : scan_numbers(table, begin, count, metric, *scan);
      scan->raise_floor();
    }
  }
}

}  // namespace cowatch

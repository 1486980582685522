#include "search/compute/codes/k_means.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "base/threads.h"
#include "math/vectors.h"

namespace cowatch {
namespace {

constexpr size_t block_rows = 4096;
constexpr size_t tile_scores = 65536;  // of a tile of products: 256 KiB
constexpr size_t seeding_rows = 12;    // rows of the first draw for each centre

size_t tile_rows(size_t centres) {
  return std::clamp<size_t>(tile_scores / std::max<size_t>(1, centres), 16, 1024);
}

// Rows drawn with a chance in proportion to the squared distance from the nearest centre so far.
std::vector<float> plus_plus(ConstMatrix all, const KMeansOptions& options) {
  const Random random(options.seed, options.stream);
  const size_t sample = std::min(all.rows, options.count * seeding_rows);
  const auto row = [&](size_t i) { return all.row(i * all.rows / sample); };
  std::vector<double> distances(sample, INFINITY), sums((sample + block_rows - 1) / block_rows);
  std::vector<float> centres;
  size_t chosen = random.below(sample, 0, 0);
  for (uint32_t c = 0; c < options.count; ++c) {
    const auto centre = row(chosen);
    centres.insert(centres.end(), centre.begin(), centre.end());
    parallel_for(sample, block_rows, [&](size_t begin, size_t end) {
      double sum = 0;
      for (size_t i = begin; i < end; ++i) {
        distances[i] = std::min(distances[i], double{squared_distance(row(i), centre)});
        sum += distances[i];
      }
      sums[begin / block_rows] = sum;
    });
    double left = random.uniform(1, c) * std::accumulate(sums.begin(), sums.end(), 0.0);
    size_t block = 0;
    while (block + 1 < sums.size() && left >= sums[block]) left -= sums[block++];
    chosen = block * block_rows;
    const size_t last = std::min(sample, chosen + block_rows) - 1;
    while (chosen < last && left >= distances[chosen]) left -= distances[chosen++];
  }
  return centres;
}

// Rows in the order of their centres: those of centre c are order[begins[c]] … order[begins[c + 1] − 1].
struct Grouped {
  Grouped(std::span<const uint32_t> nearest, size_t centres) : begins(centres + 1), order(nearest.size()) {
    for (const uint32_t c : nearest) ++begins[c + 1];
    std::partial_sum(begins.begin(), begins.end(), begins.begin());
    std::vector<size_t> next(begins.begin(), begins.end() - 1);
    for (uint32_t i = 0; i < nearest.size(); ++i) order[next[nearest[i]]++] = i;
  }
  std::vector<size_t> begins;
  std::vector<uint32_t> order;
};

void fill_empty(ConstMatrix rows, const Grouped& grouped, std::span<const float> scores, Matrix centres) {
  std::vector<size_t> empty;
  for (size_t c = 0; c < centres.rows; ++c) {
    if (grouped.begins[c] == grouped.begins[c + 1]) empty.push_back(c);
  }
  if (empty.empty()) return;
  // ‖x − c‖² / 2 is ‖x‖² / 2 less the score.
  std::vector<std::pair<float, uint32_t>> far(rows.rows);
  for (uint32_t i = 0; i < rows.rows; ++i) far[i] = {scores[i] - dot(rows.row(i), rows.row(i)) / 2, i};
  const size_t count = std::min(empty.size(), far.size());
  std::partial_sort(far.begin(), far.begin() + static_cast<ptrdiff_t>(count), far.end());
  for (size_t e = 0; e < count; ++e) {
    const auto row = rows.row(far[e].second);
    std::copy(row.begin(), row.end(), centres.row(empty[e]).begin());
  }
}

}  // namespace

std::vector<float> half_squares(ConstMatrix rows) {
  std::vector<float> halves(rows.rows);
  for (size_t r = 0; r < rows.rows; ++r) halves[r] = dot(rows.row(r), rows.row(r)) / 2;
  return halves;
}

void nearest_here(ConstMatrix rows, ConstMatrix centres, std::span<const float> halves,
                  std::span<uint32_t> nearest, std::span<float> scores) {
  const size_t most = tile_rows(centres.rows);
  std::vector<float> products(std::min(most, rows.rows) * centres.rows);
  for (size_t begin = 0; begin < rows.rows; begin += most) {
    const Matrix tile(products.data(), std::min(most, rows.rows - begin), centres.rows);
    for (size_t r = 0; r < tile.rows; ++r) std::copy(halves.begin(), halves.end(), tile.row(r).begin());
    multiply_here(Transpose::no, Transpose::yes, 1, rows.rows_from(begin, tile.rows), centres, -1, tile);
    for (size_t r = 0; r < tile.rows; ++r) {
      BestBelow best;
      best_below(tile.row(r), INFINITY, 0, best);
      nearest[begin + r] = best.index == no_index ? 0 : best.index;
      if (!scores.empty()) scores[begin + r] = best.value;
    }
  }
}

void nearest_centres(ConstMatrix rows, ConstMatrix centres, std::span<const float> halves,
                     std::span<uint32_t> nearest, std::span<float> scores) {
  parallel_for(rows.rows, tile_rows(centres.rows), [&](size_t begin, size_t end) {
    nearest_here(rows.rows_from(begin, end - begin), centres, halves, nearest.subspan(begin, end - begin),
                 scores.empty() ? scores : scores.subspan(begin, end - begin));
  });
}

void improve_centres(ConstMatrix rows, size_t iterations, std::vector<float>& centres) {
  const size_t width = rows.columns;
  const Matrix view(centres.data(), centres.size() / width, width);
  std::vector<uint32_t> nearest(rows.rows);
  std::vector<float> scores(rows.rows);
  for (size_t i = 0; i < iterations; ++i) {
    nearest_centres(rows, view, half_squares(view), nearest, scores);
    const Grouped grouped(nearest, view.rows);
    parallel_for(view.rows, 16, [&](size_t first, size_t last) {
      std::vector<double> sums(width);
      for (size_t c = first; c < last; ++c) {
        const size_t begin = grouped.begins[c], end = grouped.begins[c + 1];
        if (begin == end) continue;
        std::fill(sums.begin(), sums.end(), 0.0);
        for (size_t at = begin; at < end; ++at) {
          const float* row = rows.row(grouped.order[at]).data();
          for (size_t d = 0; d < width; ++d) sums[d] += row[d];
        }
        for (size_t d = 0; d < width; ++d)
          view.row(c)[d] = static_cast<float>(sums[d] / static_cast<double>(end - begin));
      }
    });
    fill_empty(rows, grouped, scores, view);
  }
}

std::vector<float> k_means(ConstMatrix rows, const KMeansOptions& options) {
  if (rows.rows == 0 || options.count == 0)
    throw Error(ErrorCode::bad_argument, "there is nothing to find centres of",
                {.expected = "at least one row"});
  auto centres = plus_plus(rows, options);
  improve_centres(rows, options.iterations, centres);
  return centres;
}

}  // namespace cowatch

#include "search/compute/flat_index.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <mutex>

#include "base/threads.h"
#include "math/vectors.h"
#include "search/compute/index_base.h"
#include "search/compute/index_file.h"
#include "search/compute/kernels/distances.h"
#include "search/compute/scan.h"

namespace cowatch {
namespace {

// One query: a thread takes ranges of rows, and blocks of them whose scores stay in the first-level cache.
constexpr size_t range_rows = 16384, block_rows = 1024;
// By codes a range is longer: each begins with no score to beat.
constexpr size_t coded_range_rows = 65536;
// Many queries: a thread takes a group of them, whose panels stay in the second-level cache, and a range of rows, of which it
// compares a block in the first-level cache with panel after panel.
constexpr size_t group_queries = 512, panel_rows = 96, batch_range_rows = 65536;
// Below one survivor in so many, each is fetched for itself instead of passing over all rows.
constexpr size_t sparse_share = 8;

std::vector<Scored> merged(const std::vector<std::vector<Scored>>& lists, size_t k) {
  size_t candidates = 0;
  for (const auto& list : lists) candidates += list.size();
  TopK best(std::min(k, candidates));
  for (const auto& list : lists) {
    for (const Scored& candidate : list) best.offer(candidate);
  }
  return best.take();
}

size_t pieces_of(size_t extent, size_t most) {
  return (extent + most - 1) / most;
}

// Of a query's value in find_hits() for a score, and a little less, since under l2 its square was rounded in.
float least_value(float score, float query_square) {
  constexpr float rounding = 1e-6f;
  return query_square == 0 ? score : score + query_square - rounding * (std::abs(score) + query_square);
}

}  // namespace

FlatIndex::FlatIndex(Metric metric, const VectorSource& source, const Allowed* present,
                     const std::function<void(size_t)>& advance)
    : VectorIndex(IndexKind::exact, metric, source), live_(source.size()) {
  std::vector<float> row(source.dimension());
  if (metric != Metric::inner_product) norms_.resize(source.size());
  for (uint32_t slot = 0; slot < source.size(); ++slot) {
    if (present && !present->has(slot)) continue;
    checked_row(metric, source, slot, row);
    set_norm(slot, row);
    live_.add(slot);
    if (advance && slot % block_rows == block_rows - 1) advance(block_rows);
  }
}

FlatIndex::FlatIndex(const TensorFile& file, const VectorSource& source)
    : VectorIndex(IndexKind::exact, metric_of(file.get("metric")), source), live_(source.size()) {
  const size_t slots = stored_number(file, "slots", 0, source.size());
  const auto live = stored<uint64_t>(file, "live", (slots + 63) / 64);
  const auto norms =
      metric() == Metric::inner_product ? std::span<const float>() : stored<float>(file, "norms", slots);
  live_ = Allowed(slots);
  std::copy(live.begin(), live.end(), live_.words().begin());
  live_.recount();
  norms_.assign(norms.begin(), norms.end());
}

FlatIndex::FlatIndex(const VectorSource& source, Allowed present, RowCodes codes)
    : VectorIndex(IndexKind::exact, Metric::inner_product, source),
      live_(std::move(present)),
      codes_(codes) {}

size_t FlatIndex::slots() const {
  const std::shared_lock lock(mutex_);
  return live_.size();
}

size_t FlatIndex::size() const {
  const std::shared_lock lock(mutex_);
  return live_.count();
}

size_t FlatIndex::bytes() const {
  const std::shared_lock lock(mutex_);
  return live_.words().size() * sizeof(uint64_t) + norms_.size() * sizeof(float);
}

void FlatIndex::set_norm(uint32_t slot, std::span<const float> row) {
  if (metric() == Metric::l2) norms_[slot] = dot(row, row);
  if (metric() != Metric::cosine) return;
  // `row` was brought to length 1; the source's own length is what a scan divides by.
  std::vector<float> buffer(source_.dimension());
  const auto raw = float_row(source_, slot, buffer);
  norms_[slot] = 1 / std::sqrt(dot(raw, raw));
}

ConstMatrix FlatIndex::rows(size_t begin, size_t count, std::vector<float>& buffer) const {
  const size_t dimension = source_.dimension();
  const auto first = static_cast<uint32_t>(begin);
  if (source_.stride() != 0 && source_.type() == ElementType::f32)
    return {static_cast<const float*>(source_.row(first)), count, dimension, source_.stride()};
  buffer.resize(count * dimension);
  for (size_t r = 0; r < count; ++r) {
    const std::span row(buffer.data() + r * dimension, dimension);
    const auto found = float_row(source_, first + static_cast<uint32_t>(r), row);
    if (found.data() != row.data()) std::copy(found.begin(), found.end(), row.begin());
  }
  return {buffer.data(), count, dimension};
}

void FlatIndex::products(std::span<const float> query, size_t begin, std::span<float> scores) const {
  const auto first = static_cast<uint32_t>(begin);
  if (source_.stride() != 0) {
    inner_products(query, source_.type(), source_.row(first), source_.stride(), scores);
    return;
  }
  for (uint32_t i = 0; i < scores.size(); ++i)
    scores[i] = inner_product(query, source_.type(), source_.row(first + i));
}

void FlatIndex::finish_scores(size_t begin, float query_square, std::span<float> scores) const {
  if (metric() == Metric::inner_product) return;
  const float* norms = norms_.data() + begin;
  for (size_t i = 0; i < scores.size(); ++i) {
    scores[i] = metric() == Metric::cosine ? scores[i] * norms[i]
                                           : std::min(0.0f, 2 * scores[i] - norms[i] - query_square);
  }
}

void FlatIndex::offer(size_t begin, std::span<const float> scores, const Allowed* filter, TopK& best,
                      float least) const {
  size_t i = 0;
  while ((i = next_at_least(scores, i, std::max(least, best.threshold()))) < scores.size()) {
    const auto slot = static_cast<uint32_t>(begin + i);
    if (live_.has(slot) && (!filter || filter->has(slot))) best.offer({slot, scores[i]});
    ++i;
  }
}

std::vector<Scored> FlatIndex::search(std::span<const float> query, size_t k,
                                      const SearchOptions& options) const {
  const auto checked = checked_query(metric(), dimension(), query);
  const std::shared_lock lock(mutex_);
  if (k == 0) return {};
  const bool sparse = options.filter && options.filter->count() * sparse_share < live_.size();
  return sparse ? scan_survivors(checked, k, options) : scan(checked, k, options);
}

std::vector<Scored> FlatIndex::scan(std::span<const float> query, size_t k,
                                    const SearchOptions& options) const {
  const size_t slots = live_.size(), length = codes_.empty() ? range_rows : coded_range_rows;
  std::vector<std::vector<Scored>> found((slots + length - 1) / length);
  parallel_for(slots, length, [&](size_t begin, size_t end) {
    options.patience.check();
    found[begin / length] = codes_.empty() ? scan_rows(query, begin, end, k, options.filter)
                                           : scan_codes(query, begin, end, k, options.filter);
  });
  return merged(found, k);
}

std::vector<Scored> FlatIndex::scan_rows(std::span<const float> query, size_t begin, size_t end, size_t k,
                                         const Allowed* filter) const {
  TopK best(std::min(k, end - begin));
  const float square = dot(query, query);
  std::array<float, block_rows> scores;
  for (size_t at = begin; at < end; at += block_rows) {
    const std::span<float> block(scores.data(), std::min(block_rows, end - at));
    products(query, at, block);
    finish_scores(at, square, block);
    offer(at, block, filter, best);
  }
  return best.take();
}

std::vector<Scored> FlatIndex::scan_codes(std::span<const float> query, size_t begin, size_t end, size_t k,
                                          const Allowed* filter) const {
  constexpr float done = -std::numeric_limits<float>::infinity();
  std::vector<float> bounds(end - begin);
  codes_.bound_scores(RowCodes::Query(query), begin, bounds);
  TopK best(std::min(k, end - begin));
  const auto score = [&](size_t slot) {
    float exact = 0;
    products(query, slot, std::span(&exact, 1));
    offer(slot, std::span(&exact, 1), filter, best);
    bounds[slot - begin] = done;
  };
  // The k slots that promise most come first: their scores are what all others have to reach.
  TopK promising(std::min(k, end - begin));
  offer(begin, bounds, filter, promising);
  for (const Scored& slot : promising.take()) score(slot.index);
  for (size_t i = 0; (i = next_at_least(bounds, i, best.threshold())) < bounds.size(); ++i)
    if (bounds[i] > done) score(begin + i);
  return best.take();
}

std::vector<Scored> FlatIndex::scan_survivors(std::span<const float> query, size_t k,
                                              const SearchOptions& options) const {
  TopK best(std::min(k, options.filter->count()));
  const float square = dot(query, query);
  options.patience.check();
  options.filter->for_each([&](uint32_t slot) {
    if (!live_.has(slot)) return;
    float score = inner_product(query, source_.type(), source_.row(slot));
    finish_scores(slot, square, std::span(&score, 1));
    best.offer({slot, score});
  });
  return best.take();
}

std::vector<std::vector<Scored>> FlatIndex::search_batch(ConstMatrix queries, size_t k,
                                                         const SearchOptions& options) const {
  std::vector<float> checked(queries.rows * dimension());
  for (size_t q = 0; q < queries.rows; ++q) {
    const auto query = checked_query(metric(), dimension(), queries.row(q));
    std::copy(query.begin(), query.end(), checked.begin() + static_cast<ptrdiff_t>(q * dimension()));
  }
  std::vector<std::vector<Scored>> answers(queries.rows);
  if (k == 0) return answers;
  const std::shared_lock lock(mutex_);
  const ConstMatrix asked(checked.data(), queries.rows, dimension());
  // Equal parts, so that threads end together.
  const size_t ranges = pieces_of(live_.size(), batch_range_rows), groups = pieces_of(queries.rows, group_queries);
  const auto part = [](size_t extent, size_t parts, size_t i) { return extent * i / parts; };
  std::vector<std::vector<std::vector<Scored>>> found(queries.rows, std::vector<std::vector<Scored>>(ranges));
  std::vector<Floor> floors(queries.rows);
  parallel_for(groups * ranges, 1, [&](size_t first, size_t last) {
    for (size_t task = first; task < last; ++task) {
      options.patience.check();
      const size_t range = task % ranges, group = task / ranges, query = part(queries.rows, groups, group),
                   count = part(queries.rows, groups, group + 1) - query,
                   row = part(live_.size(), ranges, range);
      auto lists = search_group(asked.rows_from(query, count), std::span(floors).subspan(query, count), row,
                                part(live_.size(), ranges, range + 1) - row, k, options);
      for (size_t q = 0; q < lists.size(); ++q) found[query + q][range] = lists[q].take();
    }
  });
  for (size_t q = 0; q < queries.rows; ++q) answers[q] = merged(found[q], k);
  return answers;
}

std::vector<TopK> FlatIndex::search_group(ConstMatrix queries, std::span<Floor> floors, size_t begin,
                                          size_t count, size_t k, const SearchOptions& options) const {
  const size_t width = panel_queries();
  std::vector<QueryPanel> panels;
  for (size_t q = 0; q < queries.rows; q += width) panels.emplace_back(queries.rows_from(q, std::min(width, queries.rows - q)));
  std::vector<TopK> best(queries.rows, TopK(std::min(k, count)));
  std::vector<float> squares(queries.rows), buffer, thresholds(width);
  for (size_t q = 0; q < queries.rows && metric() == Metric::l2; ++q) squares[q] = dot(queries.row(q), queries.row(q));
  std::vector<PanelHit> hits(panel_rows * width);
  for (size_t at = begin; at < begin + count; at += panel_rows) {
    const PanelRows block = panel_block(at, std::min(panel_rows, begin + count - at), buffer);
    for (size_t p = 0; p < panels.size(); ++p) {
      const size_t first = p * width;
      std::ranges::fill(thresholds, std::numeric_limits<float>::infinity());
      for (size_t q = 0; q < panels[p].queries(); ++q)
        thresholds[q] = least_value(std::max(best[first + q].threshold(), floors[first + q].get()), squares[first + q]);
      const size_t found = find_hits(panels[p], block, thresholds, hits.data());
      for (const PanelHit& hit : std::span(hits).first(found)) {
        const auto slot = static_cast<uint32_t>(at + hit.row);
        if (!live_.has(slot) || (options.filter && !options.filter->has(slot))) continue;
        const size_t q = first + hit.query;
        best[q].offer({slot, metric() == Metric::l2 ? std::min(0.0f, hit.value - squares[q]) : hit.value});
        if (best[q].size() == k) floors[q].raise(best[q].threshold());
      }
    }
  }
  return best;
}

// What find_hits() makes the values of finish_scores() of, but for the query's square under l2.
PanelRows FlatIndex::panel_block(size_t begin, size_t count, std::vector<float>& buffer) const {
  const ConstMatrix block = rows(begin, count, buffer);
  if (metric() == Metric::inner_product) return {block};
  const float* norms = norms_.data() + begin;
  return metric() == Metric::cosine ? PanelRows{block, 1, norms} : PanelRows{block, 2, nullptr, norms};
}

void FlatIndex::insert(uint32_t slot) {
  const std::unique_lock lock(mutex_);
  if (slot > live_.size() || slot >= source_.size()) {
    throw Error(ErrorCode::bad_argument, "a slot would leave a gap",
                {.expected = "at most " + std::to_string(live_.size()), .found = std::to_string(slot)});
  }
  std::vector<float> row(dimension());
  checked_row(metric(), source_, slot, row);
  if (slot == live_.size()) {
    live_.resize(slot + size_t{1});
    if (metric() != Metric::inner_product) norms_.push_back(0);
  }
  codes_ = {};  // the new row has none
  set_norm(slot, row);
  live_.add(slot);
}

void FlatIndex::erase(uint32_t slot) {
  const std::unique_lock lock(mutex_);
  live_.remove(slot);
}

void FlatIndex::save(const Path& path) const {
  const std::shared_lock lock(mutex_);
  TensorFileWriter writer = artifact(live_.size());
  writer.add<uint64_t>("live", {live_.words().size()}, live_.words());
  if (metric() != Metric::inner_product) writer.add<float>("norms", {norms_.size()}, norms_);
  writer.write(path);
}

}  // namespace cowatch

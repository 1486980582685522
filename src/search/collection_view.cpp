#include "search/collection_view.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "search/compute/scan.h"
#include "search/distance.h"

namespace cowatch {
namespace {

constexpr size_t block_rows = 1024;

void throw_if_cancelled(const VectorQuery& query) {
  if (query.cancel && query.cancel->load(std::memory_order_relaxed))
    throw Error(ErrorCode::interrupted, "the search was cancelled");
}

// One past the last survivor: what lies behind it in a table in memory is still being written.
size_t end_of(const Allowed& allowed) {
  size_t words = allowed.words().size();
  while (words > 0 && allowed.words()[words - 1] == 0) --words;
  return words == 0 ? 0 : words * 64 - static_cast<size_t>(std::countl_zero(allowed.words()[words - 1]));
}

// Few survivors are visited one by one; many by whole blocks of rows, at the rate of memory.
void scan(const PointTable& table, Metric metric, const VectorQuery& query, const Allowed& allowed,
          TopK& best) {
  if (allowed.count() < allowed.size() / 8) {
    size_t seen = 0;
    allowed.for_each([&](uint32_t slot) {
      if (++seen % block_rows == 0) throw_if_cancelled(query);
      best.offer({slot, score_of(metric, query.vector, table.vector_of(slot))});
    });
    return;
  }
  std::array<float, block_rows> scores;
  const size_t end = end_of(allowed);
  for (size_t begin = 0; begin < end; begin += block_rows) {
    throw_if_cancelled(query);
    const size_t count = std::min(block_rows, end - begin);
    const auto words = allowed.words().subspan(begin / 64, (count + 63) / 64);
    if (std::ranges::all_of(words, [](uint64_t word) { return word == 0; })) continue;
    const ConstMatrix rows = table.rows(begin, count);
    const std::span<float> block(scores.data(), count);
    if (metric == Metric::l2) {
      for (size_t i = 0; i < count; ++i) block[i] = score_of(metric, query.vector, rows.row(i));
    } else {
      score_rows(query.vector, rows, block);
    }
    for (size_t i = 0; (i = next_at_least(block, i, best.threshold())) < block.size(); ++i) {
      const auto slot = static_cast<uint32_t>(begin + i);
      if (allowed.has(slot)) best.offer({slot, block[i]});
    }
  }
}

// An index estimates scores from codes; those that are shown, and compared with other tables', are exact.
void rescore(const PointTable& table, Metric metric, const VectorQuery& query, std::span<Scored> found) {
  for (const Scored& each : found) __builtin_prefetch(table.vector_of(each.index).data());
  for (Scored& each : found) each.score = score_of(metric, query.vector, table.vector_of(each.index));
}

// While few slots are dead it is cheaper to look for some more and drop the dead ones than to keep to the
// living: the living among the nearest are the nearest living. Where too many are dead around the query the
// filter is needed.
std::vector<Scored> search_index(const VectorIndex& index, const VectorQuery& query, const Allowed& allowed) {
  constexpr double most_dead = 0.2;
  SearchOptions options;
  options.effort = query.effort;
  options.cancel = query.cancel;
  const double dead = 1 - static_cast<double>(allowed.count()) / static_cast<double>(allowed.size());
  if (dead <= most_dead) {
    const size_t more = dead > 0 ? 2 + static_cast<size_t>(3 * dead * static_cast<double>(query.k)) : 0;
    auto found = index.search(query.vector, query.k + more, options);
    std::erase_if(found, [&](const Scored& each) { return !allowed.has(each.index); });
    if (found.size() >= std::min(query.k, allowed.count())) {
      found.resize(std::min(found.size(), query.k));
      return found;
    }
  }
  options.filter = &allowed;
  return index.search(query.vector, query.k, options);
}

std::vector<Scored> search_table(const TableView& view, Metric metric, const VectorQuery& query,
                                 const Allowed& allowed) {
  if (allowed.count() == 0) return {};
  if (view.index && !query.exact) {
    auto found = search_index(*view.index->index, query, allowed);
    rescore(*view.table, metric, query, found);
    return found;
  }
  TopK best(std::min(query.k, allowed.count()));
  scan(*view.table, metric, query, allowed, best);
  return best.take();
}

}  // namespace

size_t CollectionView::tables_in_memory() const {
  return static_cast<size_t>(
      std::ranges::count_if(tables, [](const TableView& table) { return !table.segment; }));
}

size_t CollectionView::count() const {
  size_t sum = 0;
  for (const TableView& table : tables) sum += table.live->count();
  return sum;
}

std::optional<PointPlace> CollectionView::find(const PointId& id) const {
  for (size_t t = tables.size(); t-- > 0;) {
    if (const auto slot = tables[t].table->find(id, *tables[t].live))
      return PointPlace{static_cast<uint32_t>(t), *slot};
  }
  return std::nullopt;
}

std::vector<std::shared_ptr<const Allowed>> CollectionView::select(const Condition* condition) const {
  std::vector<std::shared_ptr<const Allowed>> allowed;
  for (const TableView& table : tables) {
    allowed.push_back(condition
                          ? std::make_shared<const Allowed>(table.table->select(*condition, *table.live))
                          : table.live);
  }
  return allowed;
}

std::vector<PointPlace> CollectionView::in_order(
    const PointId& from, size_t count, std::span<const std::shared_ptr<const Allowed>> allowed) const {
  std::vector<PointPlace> places;
  for (uint32_t t = 0; t < tables.size(); ++t) {
    for (const uint32_t slot : tables[t].table->in_order(from, count, *allowed[t]))
      places.push_back({t, slot});
  }
  std::sort(places.begin(), places.end(), [&](PointPlace a, PointPlace b) { return id_of(a) < id_of(b); });
  if (places.size() > count) places.resize(count);
  return places;
}

Allowed& ViewEdit::live(size_t table) {
  if (!owned_[table]) {
    owned_[table] = std::make_shared<Allowed>(*view_.tables[table].live);
    view_.tables[table].live = owned_[table];
  }
  return *owned_[table];
}

void ViewEdit::add_table(TableView table) {
  view_.tables.push_back(std::move(table));
  owned_.emplace_back();
}

std::shared_ptr<const CollectionView> ViewEdit::finish(uint64_t sequence) {
  view_.sequence = sequence;
  return std::make_shared<const CollectionView>(std::move(view_));
}

std::vector<Hit> search(const CollectionView& view, Metric metric, const VectorQuery& query,
                        std::span<const std::shared_ptr<const Allowed>> allowed) {
  std::vector<Hit> hits;
  for (uint32_t t = 0; t < view.tables.size(); ++t) {
    throw_if_cancelled(query);
    for (const Scored& found : search_table(view.tables[t], metric, query, *allowed[t]))
      hits.push_back({{t, found.index}, found.score});
  }
  std::sort(hits.begin(), hits.end(), [&](const Hit& a, const Hit& b) {
    return a.score > b.score || (a.score == b.score && view.id_of(a.at) < view.id_of(b.at));
  });
  if (hits.size() > query.k) hits.resize(query.k);
  return hits;
}

}  // namespace cowatch

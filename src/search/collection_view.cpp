#include "search/collection_view.h"

#include <algorithm>

#include "search/distance.h"
#include "search/table_scan.h"

namespace cowatch {
namespace {

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

// The answers of each query over one table.
std::vector<std::vector<Scored>> search_table(const TableView& view, size_t t, Metric metric,
                                              std::span<const VectorQuery> queries,
                                              std::span<const AllowedSlots> allowed) {
  std::vector<std::vector<Scored>> found(queries.size());
  std::vector<Scan> scans;
  std::vector<size_t> scanned;
  for (size_t q = 0; q < queries.size(); ++q) {
    const Allowed& slots = *allowed[q][t];
    if (slots.count() == 0) continue;
    throw_if_cancelled(queries[q]);
    if (view.index && !queries[q].exact) {
      found[q] = search_index(*view.index->index, queries[q], slots);
      rescore(*view.table, metric, queries[q], found[q]);
    } else {
      scans.push_back({&queries[q], &slots, TopK(std::min(queries[q].k, slots.count()))});
      scanned.push_back(q);
    }
  }
  scan_table(*view.table, metric, scans);
  for (size_t s = 0; s < scans.size(); ++s) found[scanned[s]] = scans[s].best.take();
  return found;
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

size_t CollectionView::scanned() const {
  size_t sum = 0;
  for (const TableView& table : tables) sum += table.index ? 0 : table.live->count();
  return sum;
}

AllowedSlots CollectionView::select(const Condition* condition) const {
  AllowedSlots allowed;
  for (const TableView& table : tables) {
    allowed.push_back(condition
                          ? std::make_shared<const Allowed>(table.table->select(*condition, *table.live))
                          : table.live);
  }
  return allowed;
}

std::vector<PointPlace> CollectionView::in_order(const PointId& from, size_t count,
                                                 const AllowedSlots& allowed) const {
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

std::vector<std::vector<Hit>> search(const CollectionView& view, Metric metric,
                                     std::span<const VectorQuery> queries,
                                     std::span<const AllowedSlots> allowed) {
  std::vector<std::vector<Hit>> hits(queries.size());
  for (uint32_t t = 0; t < view.tables.size(); ++t) {
    const auto found = search_table(view.tables[t], t, metric, queries, allowed);
    for (size_t q = 0; q < queries.size(); ++q)
      for (const Scored& each : found[q]) hits[q].push_back({{t, each.index}, each.score});
  }
  for (size_t q = 0; q < queries.size(); ++q) {
    std::sort(hits[q].begin(), hits[q].end(), [&](const Hit& a, const Hit& b) {
      return a.score > b.score || (a.score == b.score && view.id_of(a.at) < view.id_of(b.at));
    });
    if (hits[q].size() > queries[q].k) hits[q].resize(queries[q].k);
  }
  return hits;
}

}  // namespace cowatch

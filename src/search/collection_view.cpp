#include "search/collection_view.h"

#include <algorithm>
#include <iterator>

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
  options.effort = query.effort == 0 ? 0 : std::max(query.effort, query.k);
  options.probes = query.probes;
  options.patience = query.patience;
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

// What one thread does of a search without a break: asks a table's index for one query, or passes over rows
// of it for several.
struct Piece {
  uint32_t table;
  std::vector<size_t> queries;
  size_t begin = 0, end = 0;                    // of the rows; none: the index
  std::vector<std::vector<Scored>> found = {};  // for each of the queries
};

// Rows are cut by what comparing them reads, to some .3 ms, but not so short that most of a range comes in.
void cut_rows(const CollectionView& view, std::span<const VectorQuery> queries,
              std::span<const AllowedSlots> allowed, const Piece& whole, std::vector<Piece>& pieces) {
  constexpr size_t piece_bytes = 4u << 20, rows_for_each_hit = 16;
  const size_t rows = view.tables[whole.table].table->capacity();
  size_t bytes = 0, most_hits = 1;
  for (const size_t q : whole.queries) {
    bytes += rows_compared(*allowed[q][whole.table]) * queries[q].vector.size() * sizeof(float);
    most_hits = std::max(most_hits, queries[q].k);
  }
  const size_t count = std::min(bytes / piece_bytes, rows / rows_for_each_hit / most_hits) + 1;
  const size_t length = (rows / count + 64) / 64 * 64;
  for (size_t begin = 0; begin < rows; begin += length) {
    pieces.push_back(whole);
    pieces.back().begin = begin;
    pieces.back().end = std::min(rows, begin + length);
  }
}

// Indexes come first: what they find is what rows have to reach.
std::vector<Piece> pieces_of(const CollectionView& view, std::span<const VectorQuery> queries,
                             std::span<const AllowedSlots> allowed) {
  std::vector<Piece> pieces, row_pieces;
  for (uint32_t t = 0; t < view.tables.size(); ++t) {
    Piece rows{t, {}};
    for (size_t q = 0; q < queries.size(); ++q) {
      if (allowed[q][t]->count() == 0) continue;
      if (view.tables[t].index && !queries[q].exact) {
        pieces.push_back({t, {q}});
      } else {
        rows.queries.push_back(q);
      }
    }
    if (!rows.queries.empty()) cut_rows(view, queries, allowed, rows, row_pieces);
  }
  std::ranges::move(row_pieces, std::back_inserter(pieces));
  return pieces;
}

void search_piece(const CollectionView& view, Metric metric, std::span<const VectorQuery> queries,
                  std::span<const AllowedSlots> allowed, std::span<Floor> floors, Piece& piece) {
  const TableView& table = view.tables[piece.table];
  for (const size_t q : piece.queries) queries[q].patience.check();
  if (piece.begin == piece.end) {
    const size_t q = piece.queries.front();
    auto& found =
        piece.found.emplace_back(search_index(*table.index->index, queries[q], *allowed[q][piece.table]));
    rescore(*table.table, metric, queries[q], found);
    if (!found.empty() && found.size() == queries[q].k) floors[q].raise(std::ranges::min(found, {}, &Scored::score).score);
    return;
  }
  std::vector<Scan> scans;
  for (const size_t q : piece.queries) {
    const Allowed& slots = *allowed[q][piece.table];
    const size_t most = std::min({queries[q].k, slots.count(), piece.end - piece.begin});
    scans.push_back({&queries[q], &slots, &floors[q], TopKBy(most, BetterPoint{table.table.get()})});
  }
  scan_rows(*table.table, metric, piece.begin, piece.end, scans);
  for (Scan& scan : scans) piece.found.push_back(scan.best.take());
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

AllowedSlots CollectionView::select(const Condition* condition, const Patience& patience) const {
  AllowedSlots allowed;
  for (const TableView& table : tables) {
    allowed.push_back(
        condition ? std::make_shared<const Allowed>(table.table->select(*condition, *table.live, patience))
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

void ViewEdit::start_table(std::shared_ptr<MemoryTable> table) {
  add_table({table, std::make_shared<const Allowed>(table->capacity()), nullptr, nullptr});
  view_.active = std::move(table);
}

std::shared_ptr<const CollectionView> ViewEdit::finish(uint64_t sequence) {
  view_.sequence = sequence;
  return std::make_shared<const CollectionView>(std::move(view_));
}

std::vector<std::vector<Hit>> search(const CollectionView& view, Metric metric,
                                     std::span<const VectorQuery> queries,
                                     std::span<const AllowedSlots> allowed, const PieceLoop& loop) {
  auto pieces = pieces_of(view, queries, allowed);
  std::vector<Floor> floors(queries.size());
  // Walks through indexes alone gained nothing from it (docs/vector-search.md, Shared work).
  const bool long_work =
      std::ranges::any_of(pieces, [](const Piece& piece) { return piece.begin < piece.end; });
  run_pieces(long_work ? loop : PieceLoop(), pieces.size(),
             [&](size_t i) { search_piece(view, metric, queries, allowed, floors, pieces[i]); });
  std::vector<std::vector<Hit>> hits(queries.size());
  for (const Piece& piece : pieces)
    for (size_t i = 0; i < piece.queries.size(); ++i)
      for (const Scored& each : piece.found[i])
        hits[piece.queries[i]].push_back({{piece.table, each.index}, each.score});
  for (size_t q = 0; q < queries.size(); ++q) {
    const size_t most = std::min(hits[q].size(), queries[q].k);
    std::partial_sort(hits[q].begin(), hits[q].begin() + static_cast<ptrdiff_t>(most), hits[q].end(),
                      [&](const Hit& a, const Hit& b) {
                        return a.score > b.score ||
                               (a.score == b.score && view.id_of(a.at) < view.id_of(b.at));
                      });
    hits[q].resize(most);
  }
  return hits;
}

}  // namespace cowatch

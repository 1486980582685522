#include "graph/edge_grid.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/threads.h"

namespace cowatch {
namespace {

constexpr size_t cell_links = size_t{1} << 15;  // 512 KiB of sums: sorted in a second-level cache, nearly
constexpr size_t most_blocks = 256;             // the open chunks of all cells must stay in a cache as well
constexpr size_t most_bins = size_t{1} << 14;
constexpr size_t sampled_links = size_t{1} << 18;
constexpr size_t cache_line = 64;
constexpr size_t fetched_chunks = 256;  // of those free for everyone, at a time

template <int for_writing>
void prefetch_line(const void* memory) {
  __builtin_prefetch(memory, for_writing);
}

size_t block_count(size_t links) {
  const double cells = 2.0 * static_cast<double>(links) / cell_links;  // half of the square is empty
  return std::clamp<size_t>(static_cast<size_t>(std::sqrt(cells)), 1, most_blocks);
}

// Collects where edge ends lie, then cuts nodes into blocks of about equally many.
class BlockCutter {
 public:
  explicit BlockCutter(size_t nodes) : nodes_(nodes) {
    while ((nodes >> blocks_.shift) >= most_bins) ++blocks_.shift;
    ends_.assign((nodes >> blocks_.shift) + 1, 0);
  }
  void add(uint32_t node) { ++ends_[node >> blocks_.shift]; }
  NodeBlocks cut(size_t blocks) {
    size_t total = 0, before = 0;
    for (const size_t ends : ends_) total += ends;
    blocks_.first_node.push_back(0);
    for (size_t bin = 0; bin != ends_.size(); ++bin) {
      const size_t made = blocks_.first_node.size();
      if (before * blocks > total * made)
        blocks_.first_node.push_back(static_cast<uint32_t>(bin << blocks_.shift));
      blocks_.of_bin.push_back(static_cast<uint16_t>(blocks_.first_node.size() - 1));
      before += ends_[bin];
    }
    blocks_.first_node.push_back(static_cast<uint32_t>(nodes_));
    return std::move(blocks_);
  }

 private:
  size_t nodes_;
  NodeBlocks blocks_;
  std::vector<size_t> ends_;
};

// Calls work() once for every thread there may be, in parallel. The callers share out their pieces by a
// counter.
void run_workers(const std::function<void()>& work) {
  parallel_for(threads(), 1, [&](size_t first, size_t last) {
    for (; first != last; ++first) work();
  });
}

// Hands out cells so that no two at once share a block.
class CellSchedule {
 public:
  template <typename IsWanted>
  CellSchedule(size_t blocks, const IsWanted& is_wanted) : blocks_(blocks), busy_(blocks, false) {
    for (size_t cell = 0; cell != blocks * blocks; ++cell) {
      if (is_wanted(cell)) waiting_.push_back(cell);
    }
  }

  // One thread's cells, one after another. Gives the last one back at its end, also when an error ends it.
  class Turn {
   public:
    explicit Turn(CellSchedule& schedule) : schedule_(schedule) {}
    ~Turn() { give_back(std::unique_lock(schedule_.mutex_)); }
    Turn(const Turn&) = delete;
    bool next() {
      std::unique_lock lock(schedule_.mutex_);
      give_back(lock);
      while (!schedule_.waiting_.empty()) {
        cell_ = schedule_.take();
        if (cell_) return true;
        schedule_.freed_.wait(lock);
      }
      return false;
    }
    size_t cell() const { return *cell_; }

   private:
    void give_back(const std::unique_lock<std::mutex>&) {
      if (!cell_) return;
      schedule_.set_busy(*cell_, false);
      cell_.reset();
      schedule_.freed_.notify_all();
    }
    CellSchedule& schedule_;
    std::optional<size_t> cell_;
  };

 private:
  // The first cell in order whose blocks are free: a thread goes on with the block it had.
  std::optional<size_t> take() {
    for (auto at = waiting_.begin(); at != waiting_.end(); ++at) {
      const size_t cell = *at;
      if (busy_[cell / blocks_] || busy_[cell % blocks_]) continue;
      waiting_.erase(at);
      set_busy(cell, true);
      return cell;
    }
    return std::nullopt;
  }
  void set_busy(size_t cell, bool busy) { busy_[cell / blocks_] = busy_[cell % blocks_] = busy; }

  size_t blocks_;
  std::vector<bool> busy_;
  std::deque<size_t> waiting_;
  std::mutex mutex_;
  std::condition_variable freed_;
};

// Exponent of the lowest bit that is set in a positive double, from 2^-1075.
int lowest_bit(double weight) {
  const auto bits = std::bit_cast<uint64_t>(weight);
  const uint64_t fraction = (bits & ((uint64_t{1} << 52) - 1)) | uint64_t{1} << 52;
  return static_cast<int>(bits >> 52) + std::countr_zero(fraction);
}

// All of the weights are multiples of the lowest bit set in any. While their sum is less than 2^53 of it,
// each partial sum is exact in any order; whether it is does not depend on the order either. Else the order
// is that of the weights.
template <typename Weight>
Weight exact_sum(Link<Weight>* begin, Link<Weight>* end) {
  double sum = 0;
  int lowest = 1 << 20;
  for (const auto* link = begin; link != end; ++link) {
    sum += static_cast<double>(link->weight);
    lowest = std::min(lowest, lowest_bit(static_cast<double>(link->weight)));
  }
  const bool is_exact = static_cast<int>(std::bit_cast<uint64_t>(sum) >> 52) <= lowest;
  if (!is_exact && end - begin > 2) {
    std::sort(begin, end, [](const auto& a, const auto& b) { return a.weight < b.weight; });
    sum = 0;
    for (const auto* link = begin; link != end; ++link) sum += static_cast<double>(link->weight);
  }
  return static_cast<Weight>(sum);
}

template <typename Weight>
Weight merged_weight(Link<Weight>* begin, Link<Weight>* end, Merge rule) {
  if (rule == Merge::sum) return exact_sum(begin, end);
  return std::min_element(begin, end, [](const auto& a, const auto& b) { return a.weight < b.weight; })
      ->weight;
}

}  // namespace

ChunkPool::ChunkPool(std::vector<Edge>&& edges, size_t fresh)
    : edges_(std::move(edges)),
      from_edges_(edges_.size() * sizeof(Edge) / chunk_bytes),
      fresh_(fresh * chunk_bytes),
      places_(from_edges_ + fresh) {}

std::byte* ChunkPool::at(uint32_t chunk) {
  if (chunk < from_edges_) return reinterpret_cast<std::byte*>(edges_.data()) + chunk * chunk_bytes;
  return fresh_.data() + (chunk - from_edges_) * chunk_bytes;
}

uint32_t ChunkPool::take(std::vector<uint32_t>& own) {
  if (own.empty()) {
    const std::scoped_lock lock(mutex_);
    const size_t count = std::min(fetched_chunks, free_.size());
    own.assign(free_.end() - static_cast<std::ptrdiff_t>(count), free_.end());
    free_.resize(free_.size() - count);
  }
  if (own.empty()) {
    const size_t fresh = fresh_used_++;
    if (fresh >= fresh_.size() / chunk_bytes)
      throw Error(ErrorCode::internal, "a grid of edges has no chunk left");
    return static_cast<uint32_t>(from_edges_ + fresh);
  }
  const uint32_t chunk = own.back();
  own.pop_back();
  return chunk;
}

void ChunkPool::give(std::vector<uint32_t>& own) {
  const std::scoped_lock lock(mutex_);
  free_.insert(free_.end(), own.begin(), own.end());
  own.clear();
}

// Adds links to the cells. Each worker has open chunks of its own, chained up when all are done.
template <typename Weight>
class EdgeGrid<Weight>::Writer {
 public:
  explicit Writer(EdgeGrid& grid)
      : grid_(grid), tails_(grid.blocks_.count() * grid.blocks_.count()), chains_(tails_.size()) {}

  // Adds a chunk of links given in any direction, but for loops. In steps, each of which has many reads on
  // their way at once: link_at(i) may have to wait for memory, and so may the cells.
  template <typename LinkAt>
  void put(size_t count, const LinkAt& link_at) {
    for (size_t i = 0; i != count; ++i) staged_[i] = link_at(i);
    const uint16_t* const block_of_bin = grid_.blocks_.of_bin.data();
    const int shift = grid_.blocks_.shift;
    const auto blocks = static_cast<uint32_t>(grid_.blocks_.count());
    size_t kept = 0;
    for (size_t i = 0; i != count; ++i) {
      const Link<Weight> link = staged_[i];
      // Which of them is smaller cannot be predicted: a branch would cost more than all the rest.
      const uint32_t swap = (link.u ^ link.v) & -static_cast<uint32_t>(link.v < link.u);
      const uint32_t u = link.u ^ swap, v = link.v ^ swap;
      staged_[kept] = {u, v, link.weight};
      staged_cells_[kept] = block_of_bin[u >> shift] * blocks + block_of_bin[v >> shift];
      kept += u != v;
    }
    for (size_t i = 0; i != kept; ++i) {
      Tail& tail = tails_[staged_cells_[i]];
      if (tail.next == tail.end) open(staged_cells_[i]);
      prefetch_line<1>(tail.next + 2 * cache_line / sizeof(Link<Weight>));
      *tail.next++ = staged_[i];
    }
  }
  void release(uint32_t chunk) { free_.push_back(chunk); }
  // Not at the same time as another's.
  void finish(std::vector<Cell>& cells) {
    for (size_t c = 0; c != cells.size(); ++c) {
      if (chains_[c].first == ChunkPool::none) continue;
      close(c);
      Cell& cell = cells[c];
      (cell.first == ChunkPool::none ? cell.first : grid_.pool_->next(cell.last)) = chains_[c].first;
      cell.last = chains_[c].last;
      cell.links += chains_[c].links;
    }
    grid_.pool_->give(free_);
  }

 private:
  struct Tail {
    Link<Weight>*next = nullptr, *end = nullptr;
  };

  void close(size_t cell) {
    const uint32_t chunk = chains_[cell].last;
    grid_.pool_->links(chunk) = static_cast<uint32_t>(tails_[cell].next - grid_.links_at(chunk));
    chains_[cell].links += grid_.pool_->links(chunk);
    grid_.pool_->next(chunk) = ChunkPool::none;
  }
  void open(size_t cell) {
    const uint32_t chunk = grid_.pool_->take(free_);
    Cell& chain = chains_[cell];
    if (chain.first == ChunkPool::none) {
      chain.first = chunk;
    } else {
      close(cell);
      grid_.pool_->next(chain.last) = chunk;
    }
    chain.last = chunk;
    tails_[cell] = {grid_.links_at(chunk), grid_.links_at(chunk) + chunk_links};
  }

  static constexpr size_t most_staged = ChunkPool::chunk_bytes / sizeof(Edge);
  EdgeGrid& grid_;
  std::array<Link<Weight>, most_staged> staged_;
  std::array<uint32_t, most_staged> staged_cells_;
  std::vector<Tail> tails_;
  std::vector<Cell> chains_;
  std::vector<uint32_t> free_;
};

// Sorts and merges one cell after another with the same scratch memory.
template <typename Weight>
class EdgeGrid<Weight>::Sorter {
 public:
  void add(Links links) { from_.insert(from_.end(), links.begin(), links.end()); }

  // Sorts and merges what was added, of blocks given by their first node and their end.
  Links merge(std::span<const uint32_t> u_block, std::span<const uint32_t> v_block, Merge rule) {
    sort(u_block[0], u_block[1] - u_block[0], v_block[0], v_block[1] - v_block[0]);
    size_t kept = 0;
    for (size_t i = 0; i != from_.size();) {
      size_t j = i + 1;
      while (j != from_.size() && from_[j].v == from_[i].v && from_[j].u == from_[i].u) ++j;
      const Link<Weight> link = from_[i];
      from_[kept] = {link.u, link.v,
                     j - i == 1 ? link.weight : merged_weight(&from_[i], from_.data() + j, rule)};
      ++kept;
      i = j;
    }
    return {from_.data(), kept};
  }
  size_t count() const { return from_.size(); }
  void clear() { from_.clear(); }

 private:
  static constexpr int most_digit_bits = 11;  // 2^11 counters of each digit lie in a first-level cache
  static constexpr size_t few_links = 256;    // below, clearing counters costs more than comparing

  void sort(uint32_t u0, uint32_t us, uint32_t v0, uint32_t vs) {
    const int v_bits = std::bit_width(vs - 1);
    const auto key = [=](const Link<Weight>& link) {
      return uint64_t{link.u - u0} << v_bits | (link.v - v0);
    };
    if (from_.size() < few_links) {
      std::sort(from_.begin(), from_.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
      return;
    }
    const int bits = std::max(1, static_cast<int>(std::bit_width(us - 1)) + v_bits);
    const int digits = (bits + most_digit_bits - 1) / most_digit_bits;
    const int width = (bits + digits - 1) / digits;
    const size_t values = size_t{1} << width;
    places_.assign(digits * values, 0);
    for (const auto& link : from_) {
      uint64_t rest = key(link);
      for (int digit = 0; digit != digits; ++digit, rest >>= width)
        ++places_[digit * values + (rest & (values - 1))];
    }
    to_.resize(from_.size());
    for (int digit = 0; digit != digits; ++digit) {
      uint32_t* place = places_.data() + digit * values;
      for (uint32_t value = 0, next = 0; value != values; ++value) next += std::exchange(place[value], next);
      const int shift = digit * width;
      for (const auto& link : from_) to_[place[key(link) >> shift & (values - 1)]++] = link;
      std::swap(from_, to_);
    }
  }

  std::vector<Link<Weight>> from_, to_;
  std::vector<uint32_t> places_;
};

// Moves links to new cells: source(writer, piece) puts those of each piece.
template <typename Weight>
template <typename Source>
void EdgeGrid<Weight>::fill(size_t pieces, const Source& source) {
  cells_.assign(blocks_.count() * blocks_.count(), {});
  std::atomic<size_t> next_piece = 0;
  std::mutex mutex;
  run_workers([&] {
    Writer writer(*this);
    for (size_t piece; (piece = next_piece++) < pieces;) source(writer, piece);
    const std::scoped_lock lock(mutex);
    writer.finish(cells_);
  });
}

template <typename Weight>
EdgeGrid<Weight>::EdgeGrid(size_t nodes, std::vector<Edge>&& edges) {
  constexpr size_t edges_in_chunk = ChunkPool::chunk_bytes / sizeof(Edge), chunks_in_piece = 64;
  BlockCutter cutter(nodes);
  const size_t stride = edges.size() / sampled_links + 1;
  for (size_t i = 0; i < edges.size(); i += stride) {
    cutter.add(edges[i].u);
    cutter.add(edges[i].v);
  }
  blocks_ = cutter.cut(block_count(edges.size()));
  // A worker fills no more chunks than it frees but one a cell, and a cell has one that is not full of each.
  const size_t full = edges.size() / chunk_links - edges.size() / edges_in_chunk;
  const size_t open = 2 * threads() * (blocks_.count() * blocks_.count() + fetched_chunks);
  pool_ = std::make_unique<ChunkPool>(std::move(edges), full + open);
  const size_t pieces = pool_->edges().size() / (edges_in_chunk * chunks_in_piece) + 1;
  fill(pieces, [&](Writer& writer, size_t piece) {
    const size_t first = piece * chunks_in_piece;
    for (size_t chunk = first; chunk != first + chunks_in_piece; ++chunk) {
      // A copy, since the memory may become links.
      std::array<Edge, edges_in_chunk> read;
      const size_t begin = std::min(chunk * edges_in_chunk, pool_->edges().size());
      const size_t count = std::min(edges_in_chunk, pool_->edges().size() - begin);
      if (count == 0) return;
      std::memcpy(read.data(), pool_->edges().data() + begin, count * sizeof(Edge));
      writer.put(count, [&](size_t i) {
        return Link<Weight>{read[i].u, read[i].v, static_cast<Weight>(read[i].weight)};
      });
      if (count == edges_in_chunk) writer.release(static_cast<uint32_t>(chunk));
    }
  });
}

template <typename Weight>
size_t EdgeGrid<Weight>::count() const {
  size_t total = 0;
  for (const Cell& cell : cells_) total += cell.links;
  return total;
}

// Goes through the chunks of a cell. They lie anywhere, which no processor foresees: so two are fetched
// ahead. The chunk at hand may be given away.
template <typename Weight>
class EdgeGrid<Weight>::Walk {
 public:
  Walk(const EdgeGrid& grid, const Cell& cell)
      : pool_(*grid.pool_), chunks_{cell.first, ChunkPool::none, ChunkPool::none} {
    chunks_[1] = fetch_next(chunks_[0]);
    chunks_[2] = fetch_next(chunks_[1]);
  }
  bool at_end() const { return chunks_[0] == ChunkPool::none; }
  uint32_t chunk() const { return chunks_[0]; }
  void advance() {
    chunks_[0] = chunks_[1];
    chunks_[1] = chunks_[2];
    chunks_[2] = fetch_next(chunks_[1]);
  }

 private:
  uint32_t fetch_next(uint32_t chunk) {
    const uint32_t next = chunk == ChunkPool::none ? chunk : pool_.next(chunk);
    if (next == ChunkPool::none) return next;
    prefetch_line<0>(&pool_.next(next));
    const std::byte* memory = pool_.at(next);
    for (size_t line = 0; line != ChunkPool::chunk_bytes; line += cache_line) prefetch_line<0>(memory + line);
    return next;
  }
  ChunkPool& pool_;
  uint32_t chunks_[3];
};

template <typename Weight>
void EdgeGrid<Weight>::visit(const std::function<void(Links)>& body) const {
  CellSchedule schedule(blocks(), [&](size_t cell) { return cells_[cell].first != ChunkPool::none; });
  run_workers([&] {
    CellSchedule::Turn turn(schedule);
    while (turn.next()) visit_chain(cells_[turn.cell()], body);
  });
}

template <typename Weight>
void EdgeGrid<Weight>::visit_cell(size_t a, size_t b, const std::function<void(Links)>& body) const {
  visit_chain(cells_[a * blocks() + b], body);
}

template <typename Weight>
void EdgeGrid<Weight>::visit_chain(const Cell& cell, const std::function<void(Links)>& body) const {
  for (Walk walk(*this, cell); !walk.at_end(); walk.advance()) body(links_of(walk.chunk()));
}

template <typename Weight>
uint64_t EdgeGrid<Weight>::merge(Merge rule, const std::function<void(Links)>& body) {
  CellSchedule schedule(blocks(), [&](size_t cell) { return cells_[cell].first != ChunkPool::none; });
  std::atomic<uint64_t> merged = 0;
  run_workers([&] {
    Sorter sorter;
    std::vector<uint32_t> free_chunks;
    const auto block = [&](size_t b) { return std::span(blocks_.first_node).template subspan(b, 2); };
    CellSchedule::Turn turn(schedule);
    while (turn.next()) {
      const size_t c = turn.cell();
      sorter.clear();
      visit_chain(cells_[c], [&](Links links) { sorter.add(links); });
      const size_t before = sorter.count();
      const Links links = sorter.merge(block(c / blocks()), block(c % blocks()), rule);
      merged += before - links.size();
      body(links);
      write_back(cells_[c], links, free_chunks);
    }
    pool_->give(free_chunks);
  });
  return merged;
}

// Puts fewer links in place of those of a cell.
template <typename Weight>
void EdgeGrid<Weight>::write_back(Cell& cell, Links links, std::vector<uint32_t>& free_chunks) {
  uint32_t chunk = cell.first;
  for (size_t begin = 0; begin != links.size();) {
    const size_t count = std::min(chunk_links, links.size() - begin);
    std::copy_n(links.begin() + static_cast<std::ptrdiff_t>(begin), count, links_at(chunk));
    pool_->links(chunk) = static_cast<uint32_t>(count);
    begin += count;
    cell.last = chunk;
    chunk = pool_->next(chunk);
  }
  pool_->next(cell.last) = ChunkPool::none;
  cell.links = links.size();
  for (; chunk != ChunkPool::none; chunk = pool_->next(chunk)) free_chunks.push_back(chunk);
}

template <typename Weight>
void EdgeGrid<Weight>::relabel(const Buffer<uint32_t>& component, size_t components) {
  blocks_ = blocks_of_components(component, components);
  const std::vector<Cell> old = std::move(cells_);
  fill(old.size(), [&](Writer& writer, size_t piece) {
    for (Walk walk(*this, old[piece]); !walk.at_end(); walk.advance()) {
      const Links links = links_of(walk.chunk());
      writer.put(links.size(), [&, labels = component.data()](size_t i) {
        return Link<Weight>{labels[links[i].u], labels[links[i].v], links[i].weight};
      });
      writer.release(walk.chunk());
    }
  });
}

// The first link of each chunk in some of the cells of every block stands for all.
template <typename Weight>
NodeBlocks EdgeGrid<Weight>::blocks_of_components(const Buffer<uint32_t>& component,
                                                  size_t components) const {
  BlockCutter cutter(components);
  const size_t stride = std::max<size_t>(1, blocks() / 8);
  for (size_t c = 0; c != cells_.size(); ++c) {
    if ((c / blocks() + c % blocks()) % stride != 0) continue;
    for (Walk walk(*this, cells_[c]); !walk.at_end(); walk.advance()) {
      const Link<Weight>& link = *links_at(walk.chunk());
      const uint32_t u = component[link.u], v = component[link.v];
      if (u == v) continue;
      cutter.add(u);
      cutter.add(v);
    }
  }
  return cutter.cut(block_count(count()));
}

template class EdgeGrid<float>;
template class EdgeGrid<double>;

}  // namespace cowatch

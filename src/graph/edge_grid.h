// The edges of a graph while it is contracted or sorted, kept so that work on them stays in the caches.
//
// Nodes are cut into blocks of about equally many edge ends, and a link between blocks a ≤ b lies in cell
// (a, b), about cell_links of them: a pass over a cell reads and writes what is known of the nodes of two
// blocks only, and a cell can be sorted in a second-level cache. Without this, cost grows faster than edges:
// every link would wait for memory twice in each pass.
//
// Links lie in chunks, which a cell chains up. A chunk is free as soon as it has been read, so links move to
// new cells within the memory they came in, that of the list of edges itself: fresh memory costs more than
// all the work on it.
//
// Cells are filled by all threads at once, so the order of links in a cell is any. What is computed of them
// must not depend on it; merge() takes care that sums do not.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "graph/buffer.h"
#include "graph/graph.h"

namespace cowatch {

// u < v.
template <typename Weight>
struct Link {
  uint32_t u, v;
  Weight weight;
};

// Chunks of memory by number: first those of a list of edges, given up as they are read, then fresh ones.
class ChunkPool {
 public:
  static constexpr size_t chunk_bytes = 1536;  // 128 edges, or links of 12 bytes, or 96 links of 16
  static constexpr uint32_t none = ~uint32_t{0};

  // As many chunks as `edges` fill, which belong to their reader, and room for `fresh` more.
  ChunkPool(std::vector<Edge>&& edges, size_t fresh);

  const std::vector<Edge>& edges() const { return edges_; }
  std::byte* at(uint32_t chunk);
  uint32_t take(std::vector<uint32_t>& own);  // one of the thread's own free chunks where it has any
  void give(std::vector<uint32_t>& own);      // the thread's free chunks, for everyone
  uint32_t& next(uint32_t chunk) { return places_[chunk].next; }    // in the chain of a cell
  uint32_t& links(uint32_t chunk) { return places_[chunk].links; }  // in use

 private:
  std::vector<Edge> edges_;
  size_t from_edges_;
  Buffer<std::byte> fresh_;
  struct Place {
    uint32_t next, links;
  };
  Buffer<Place> places_;
  std::atomic<size_t> fresh_used_ = 0;
  std::mutex mutex_;
  std::vector<uint32_t> free_;
};

// Which block a node lies in.
struct NodeBlocks {
  int shift = 0;                     // node >> shift: its bin, of equal width
  std::vector<uint16_t> of_bin;      // neighbouring bins make a block
  std::vector<uint32_t> first_node;  // of each block, and the end
  size_t count() const { return first_node.size() - 1; }
  size_t cell(uint32_t u, uint32_t v) const { return of_bin[u >> shift] * count() + of_bin[v >> shift]; }
};

enum class Merge { sum, minimum };

template <typename Weight>
class EdgeGrid {
 public:
  using Links = std::span<const Link<Weight>>;

  // Drops self-loops. Edges must have passed check_edges().
  EdgeGrid(size_t nodes, std::vector<Edge>&& edges);

  size_t count() const;
  size_t blocks() const { return blocks_.count(); }
  // First node of each block, and the end.
  std::span<const uint32_t> block_begins() const { return blocks_.first_node; }

  // Calls body(links) for all links, from several threads at once. While one has links of two blocks no other
  // has any of the same blocks, so that `body` may change what is known of their nodes.
  void visit(const std::function<void(Links)>& body) const;
  // One cell, in this thread; sorted by (u, v) after merge().
  void visit_cell(size_t a, size_t b, const std::function<void(Links)>& body) const;
  // Merges parallel links, a cell at a time, which is then given to `body` as by visit(), sorted by (u, v).
  // Sums are exact, or taken in order of weight, so that they do not depend on the order of the input.
  // Returns how many links went into others.
  uint64_t merge(Merge rule, const std::function<void(Links)>& body);
  // Puts the component for each node and drops links inside of one. Parallel links stay.
  void relabel(const Buffer<uint32_t>& component, size_t components);

 private:
  struct Cell {
    uint32_t first = ChunkPool::none, last = ChunkPool::none;  // chunks
    size_t links = 0;
  };
  class Walk;
  class Writer;
  class Sorter;
  static constexpr size_t chunk_links = ChunkPool::chunk_bytes / sizeof(Link<Weight>);

  Link<Weight>* links_at(uint32_t chunk) const { return reinterpret_cast<Link<Weight>*>(pool_->at(chunk)); }
  Links links_of(uint32_t chunk) const { return {links_at(chunk), pool_->links(chunk)}; }
  template <typename Source>
  void fill(size_t pieces, const Source& source);
  void visit_chain(const Cell& cell, const std::function<void(Links)>& body) const;
  NodeBlocks blocks_of_components(const Buffer<uint32_t>& component, size_t components) const;
  void write_back(Cell& cell, Links links, std::vector<uint32_t>& free_chunks);

  std::unique_ptr<ChunkPool> pool_;
  NodeBlocks blocks_;
  std::vector<Cell> cells_;  // a · blocks() + b
};

}  // namespace cowatch

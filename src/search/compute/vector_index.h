// Nearest neighbours over dense slots 0, 1, 2, …: one face for the exact, the graph and the inverted lists
// index.
//
// Who owns what. An index owns its codes and links (or maps them from a file). Full vectors stay with the
// caller and are borrowed through a VectorSource, which must outlive the index. What a slot means (an id, a
// payload) is the caller's business.
//
// Scores. Higher is better for every metric: the inner product, the cosine, or the negative squared distance
// (l2). Answers come best first, equal scores by smaller slot. Scores of re-ranked answers are computed from
// the full vectors, the others are estimates from the codes.
//
// Threads. All functions may be called from any threads at the same time. Searches run beside each other;
// insert() and erase() exclude each other, do their searching beside the readers, and hold these up only
// while links of a few nodes are written (some 10 µs). A search that began before an insert or erase returned
// may or may not see it; one that begins after it does.
//
// Same seed, same vectors, same options: the same index, byte for byte, for any number of threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "math/matrix.h"
#include "search/compute/allowed.h"
#include "search/compute/patience.h"
#include "search/compute/top_k.h"
#include "search/compute/vector_source.h"

namespace cowatch {

enum class Metric : uint8_t { inner_product, cosine, l2 };
std::string_view metric_name(Metric metric);  // "inner_product", "cosine", "l2"
Metric metric_of(std::string_view name);      // throws bad_argument, naming the known ones

enum class IndexKind : uint8_t { exact, graph, ivf };
std::string_view index_kind_name(IndexKind kind);
IndexKind index_kind_of(std::string_view name);

// What candidates are scored by on the way. One byte or half a byte a dimension, with an offset and a step of
// each vector (LVQ; Aguerrebere et al., VLDB 2023); scalar4x8 has a second level of one byte a dimension that
// refines it to twelve bits, so that no full vectors are needed to re-rank. The graph takes these three;
// inverted lists take scalar8, scalar4 and the rest: product codes of 8 or 4 bits a part, plain or with an
// optimised rotation (codes/product_code.h), and RaBitQ of 1 to 8 bits a number (codes/stepped_code.h).
enum class CodeKind : uint8_t {
  scalar8,
  scalar4,
  scalar4x8,
  product8,
  product4,
  optimised8,
  optimised4,
  rabitq1,
  rabitq2,
  rabitq3,
  rabitq4,
  rabitq5,
  rabitq6,
  rabitq7,
  rabitq8
};
std::string_view code_kind_name(CodeKind kind);
CodeKind code_kind_of(std::string_view name);

struct IndexOptions {
  // Each candidate, and each list's centre, is compared with every vector that is put in.
  static constexpr size_t most_build_effort = 4096, most_lists = 1u << 20;

  IndexKind kind = IndexKind::graph;
  Metric metric = Metric::cosine;
  CodeKind codes = CodeKind::scalar4x8;
  size_t degree = 32;         // most links of a node, 4 to 256
  size_t build_effort = 128;  // candidates kept while a node is inserted
  float alpha = 1.2f;         // a link is dropped when a kept neighbour is alpha times nearer to its end
  // Of inverted lists.
  size_t lists = 0;            // 0: 2 √n
  size_t code_bytes = 0;       // of product codes; 0: a bit for each number
  size_t kept_dimensions = 0;  // principal directions that are coded; 0: all numbers as they are
  float anisotropic = 0;       // threshold of the anisotropic loss, a cosine; 0: the plain one
  Path codebook = {};  // of product codes, learned elsewhere (codes/codebook_file.h); empty: trained here
  uint64_t seed = 1;
  size_t memory_cap = 0;  // bytes; building refuses beforehand (no_space) what would exceed it; 0: no cap
};

// Of so many lists, those that are scanned unless a search says how many.
inline size_t usual_probes(size_t lists) {
  return std::max<size_t>(8, lists / 32);
}

struct SearchOptions {
  // Candidates kept and expanded while searching (ef). Less than k: a graph keeps k and expands so many, which is
  // quicker and finds less. 0: the default, good for recall of about 0.95 in 10.
  size_t effort = 0;
  size_t probes = 0;  // lists that are scanned, by inverted lists; 0: usual_probes()
  // How many of the best candidates may be scored again by finer codes or full vectors; at least k when not
  // 0. 0: none. More than there are: all. A graph leaves out those whose estimates are too low to come in.
  size_t rerank = SIZE_MAX;
  // Re-rank by full vectors of the source even where the index has finer codes of its own.
  bool full_vectors = false;
  const Allowed* filter = nullptr;  // borrowed; slots beyond its size are not answered
  Patience patience = {};  // looked at now and then: a search that outlasts it throws as Patience::check()
};

class VectorIndex {
 public:
  virtual ~VectorIndex() = default;

  IndexKind kind() const { return kind_; }
  Metric metric() const { return metric_; }
  size_t dimension() const { return source_.dimension(); }
  virtual size_t slots() const = 0;  // highest slot in use + 1, erased ones too
  virtual size_t size() const = 0;   // vectors that can be found
  virtual size_t bytes() const = 0;  // memory held or mapped; the source's vectors not counted

  // The k best slots for `query`: dimension() finite numbers; bad_argument otherwise, or when it is zero
  // under cosine. Fewer than k when fewer are there or allowed. k 0 finds nothing.
  virtual std::vector<Scored> search(std::span<const float> query, size_t k,
                                     const SearchOptions& options = {}) const = 0;
  // One answer a row of `queries`, each what search() answers (the exact index: up to rounding), on all
  // threads (base/threads.h).
  virtual std::vector<std::vector<Scored>> search_batch(ConstMatrix queries, size_t k,
                                                        const SearchOptions& options = {}) const;

  // Makes `slot` findable by the vector that the source holds for it now: a new slot (slots(), no gap), an
  // erased one, or a live one whose vector changes (the source may hold the new vector already). bad_argument
  // for a gap, a vector with NaN or infinite values, or zeros under cosine: nothing has changed then.
  virtual void insert(uint32_t slot) = 0;
  // The slot is never answered again until it is inserted anew. An unknown or erased slot: no effect.
  virtual void erase(uint32_t slot) = 0;

  // Whether it was built as these options ask, which are of its kind and codes.
  virtual bool built_as(const IndexOptions&) const { return true; }

  // An index as `options` ask, made out of this one: that costs as much as what is new in it, and some microseconds a vector
  // that it keeps. Slot s of the source holds the vector of the living slot former_slots[s] of this one, or (no_former) another
  // one; what is not named is gone. Null when it has to be built: its kind does not grow, this one was not built as the options ask, or
  // keeps too little. `advance`, errors and bytes as those of build_index().
  static constexpr uint32_t no_former = UINT32_MAX;
  virtual std::unique_ptr<VectorIndex> grown(const IndexOptions& options, std::span<const uint32_t> former_slots,
                                             const VectorSource& source, const std::function<void(size_t)>& advance) const;

  // Writes a checksummed artifact (docs/formats.md) atomically.
  virtual void save(const Path& path) const = 0;

 protected:
  VectorIndex(IndexKind kind, Metric metric, const VectorSource& source)
      : source_(source), kind_(kind), metric_(metric) {}

  // What every artifact says, to be filled and written.
  TensorFileWriter artifact(size_t slots) const;

  const VectorSource& source_;

 private:
  IndexKind kind_;
  Metric metric_;
};

// Throws bad_argument for options that do not go together, or not with vectors of so many numbers, saying
// what would. The place is the option's name (option_names.h).
void check_index_options(const IndexOptions& options, size_t dimension);

// Throws no_space at "index_memory" when an index of so many vectors would take more than options.memory_cap
// while it is built.
void check_index_memory(const IndexOptions& options, size_t vectors, size_t dimension);

// All vectors of the source, or those of the slots in `present`, on all threads. `advance` hears how many
// more are in, from one thread at a time. Throws bad_input for a vector that cannot be indexed, naming its
// slot; no_space beyond the memory cap.
std::unique_ptr<VectorIndex> build_index(const IndexOptions& options, const VectorSource& source,
                                         const Allowed* present = nullptr,
                                         const std::function<void(size_t)>& advance = {});

// Maps a saved index and answers at once; the first insert or erase copies it into memory. Throws not_found,
// damaged (a checksum or a size that does not fit, or the source's dimension or count), newer_version.
std::unique_ptr<VectorIndex> open_index(const Path& path, const VectorSource& source);

// What bytes() will be for n vectors, and while building the most that will be held; within 10 %.
struct PredictedBytes {
  size_t index = 0, building = 0;
};
PredictedBytes predict_bytes(const IndexOptions& options, size_t vectors, size_t dimension);

}  // namespace cowatch

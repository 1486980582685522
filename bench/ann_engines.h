// The engines that `cowatch bench ann` measures, behind one face: ours in this process, peers in theirs
// (bench/peers/ann_peer.cpp).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/ann_data.h"

namespace cowatch::bench {

struct AnnTask {
  Metric metric = Metric::cosine;
  size_t k = 10;
  size_t threads = 2;  // of the build
  Path folder;         // holds vectors.f32, queries.f32 for the peers
};

class AnnEngine {
 public:
  virtual ~AnnEngine() = default;
  std::string engine, index, params;  // as the rows name it
  double build_s = 0, bytes_per_vector = 0;
  std::vector<size_t> efforts;  // of the sweep
  // Seconds of a pass over all queries, one at a time by so many threads, or in one call.
  virtual double pass(size_t effort, size_t threads, bool batch) = 0;
  // What the last pass answered.
  virtual std::vector<std::vector<uint32_t>> answers() = 0;
};

// Queries one at a time are asked by `threads` threads with equal parts, for every engine alike.
std::unique_ptr<AnnEngine> cowatch_engine(const AnnData& data, const AnnTask& task,
                                          const IndexOptions& options, bool full_vectors);
// hnswlib: `kind` is M, `effort` ef_construction. faiss: `kind` is a factory string. nullptr when this build
// has no such peer.
std::unique_ptr<AnnEngine> peer_engine(const AnnData& data, const AnnTask& task, const std::string& engine,
                                       const std::string& kind, size_t effort);

}  // namespace cowatch::bench

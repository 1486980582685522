// A graph of one layer over coded vectors: links to at most `degree` neighbours, thinned by robust pruning,
// searched greedily from the best of some hundred entries (entry_table.h). Bound by
// memory: each step fetches the codes of the neighbours not seen before (one or two cache lines each for 128
// numbers), all at once.
//
// Updates are in place, with bounded work (after FreshDiskANN, Singh et al. 2021, and its in-place variant,
// Xu et al. 2025): an insert searches its neighbours and links them; an erase leaves the slot passable, and
// gives each neighbour that pointed to it some of its nearest ones instead.
#pragma once

#include <mutex>
#include <shared_mutex>

#include "search/compute/graph/graph_data.h"

namespace cowatch {

class GraphIndex final : public VectorIndex {
 public:
  GraphIndex(const IndexOptions& options, const VectorSource& source, const Allowed* present,
             const std::function<void(size_t)>& advance);
  GraphIndex(std::shared_ptr<const TensorFile> file, const VectorSource& source);

  size_t slots() const override;
  size_t size() const override;
  size_t bytes() const override;
  std::vector<Scored> search(std::span<const float> query, size_t k,
                             const SearchOptions& options) const override;
  void insert(uint32_t slot) override;
  void erase(uint32_t slot) override;
  bool built_as(const IndexOptions& options) const override {
    return options.degree == data_.options.degree && options.build_effort == data_.options.build_effort;
  }
  std::unique_ptr<VectorIndex> grown(const IndexOptions& options, std::span<const uint32_t> former_slots, const VectorSource& source,
                                     const std::function<void(size_t)>& advance) const override;
  void save(const Path& path) const override;

 private:
  GraphIndex(const IndexOptions& options, const VectorSource& source)
      : VectorIndex(IndexKind::graph, options.metric, source), data_(options, source.dimension()) {}
  // Readers pass the gate one after another and stay out while a writer waits in it, so that writers do not
  // starve.
  std::shared_lock<std::shared_mutex> reading() const;
  std::unique_lock<std::shared_mutex> writing();

  std::vector<Scored> score_survivors(std::span<const float> query, size_t k, const Allowed& survivors) const;
  void find(std::span<const float> query, size_t k, const SearchOptions& options,
            std::vector<Scored>& candidates) const;
  void rescore(std::span<const float> query, size_t k, const SearchOptions& options,
               std::vector<Scored>& candidates) const;
  bool keeps_its_shape(std::span<const uint32_t> former_slots, const VectorSource& source) const;
  float slack(const Scored& candidate, float query_square) const;
  void score_again(std::span<const float> query, bool full, float query_square,
                   std::span<Scored> candidates) const;
  void neighbours(uint32_t slot, LinkScorer& scorer, std::vector<Scored>& candidates) const;
  void check_slot(uint32_t slot) const;
  void open_entries(const std::shared_ptr<const TensorFile>& file);
  void renew_entries();
  void make_room(size_t slots);
  void erase_live(uint32_t slot);

  GraphData data_;
  mutable std::shared_mutex mutex_;
  mutable std::mutex gate_;
  std::mutex writer_;    // one insert or erase at a time
  size_t inserted_ = 0;  // since the entries were chosen
};

PredictedBytes predict_graph_bytes(const IndexOptions& options, size_t vectors, size_t dimension);

}  // namespace cowatch

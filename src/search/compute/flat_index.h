// Exact search: every vector of the source is scored. One query reads each vector once (bound by memory); a
// batch is products of tiles (bound by multiplication), the matrix of scores never stands in memory. Nothing
// is held but which slots are live, and a number for each under cosine and l2. Where rows have codes
// (codes/row_codes.h) these are looked at first, with the same answer.
#pragma once

#include <limits>
#include <memory>
#include <shared_mutex>
#include <span>

#include "base/tensor_file.h"
#include "search/compute/codes/row_codes.h"
#include "search/compute/kernels/panel_products.h"
#include "search/compute/vector_index.h"

namespace cowatch {

class FlatIndex final : public VectorIndex {
 public:
  FlatIndex(Metric metric, const VectorSource& source, const Allowed* present,
            const std::function<void(size_t)>& advance);
  FlatIndex(const TensorFile& file, const VectorSource& source);
  // Rows of length 1 where `present`, as they were checked when written, by inner product: nothing is read.
  // What the codes (none, or one a row) borrow must outlive the index.
  FlatIndex(const VectorSource& source, Allowed present, RowCodes codes);

  size_t slots() const override;
  size_t size() const override;
  size_t bytes() const override;
  std::vector<Scored> search(std::span<const float> query, size_t k,
                             const SearchOptions& options) const override;
  std::vector<std::vector<Scored>> search_batch(ConstMatrix queries, size_t k,
                                                const SearchOptions& options) const override;
  void insert(uint32_t slot) override;
  void erase(uint32_t slot) override;
  void save(const Path& path) const override;

 private:
  // Rows [begin, begin + count) as float32, in place or widened into `buffer`.
  ConstMatrix rows(size_t begin, size_t count, std::vector<float>& buffer) const;
  // The source's own inner products of consecutive rows with the query.
  void products(std::span<const float> query, size_t begin, std::span<float> scores) const;
  void finish_scores(size_t begin, float query_square, std::span<float> scores) const;
  void offer(size_t begin, std::span<const float> scores, const Allowed* filter, TopK& best,
             float least = -std::numeric_limits<float>::infinity()) const;
  std::vector<Scored> scan(std::span<const float> query, size_t k, const SearchOptions& options) const;
  // The best of the slots [begin, end): by all numbers of each, or by codes first.
  std::vector<Scored> scan_rows(std::span<const float> query, size_t begin, size_t end, size_t k,
                                const Allowed* filter) const;
  std::vector<Scored> scan_codes(std::span<const float> query, size_t begin, size_t end, size_t k,
                                 const Allowed* filter) const;
  std::vector<Scored> scan_survivors(std::span<const float> query, size_t k,
                                     const SearchOptions& options) const;
  // The best of the slots from `begin` on for each query, but for what stays below its floor.
  std::vector<TopK> search_group(ConstMatrix queries, std::span<Floor> floors, size_t begin, size_t count,
                                 size_t k, const SearchOptions& options) const;
  PanelRows panel_block(size_t begin, size_t count, std::vector<float>& buffer) const;
  void set_norm(uint32_t slot, std::span<const float> row);

  mutable std::shared_mutex mutex_;
  Allowed live_;
  std::vector<float> norms_;  // 1 / length under cosine, squared length under l2, nothing for products
  RowCodes codes_;            // none, or of every slot
};

}  // namespace cowatch

// Inverted lists (Jégou et al., TPAMI 2011): vectors lie in the list of the nearest of some centres, as
// packed codes of what remains when the centre is subtracted; a query scans the lists of the centres nearest
// to it. Bound by the codes read, in order, at a few bytes a vector; the best candidates are scored again by
// full vectors.
//
// Vectors are projected first (codes/projection.h): cut to their principal directions where
// options.kept_dimensions asks for it, rotated where the code wants that.
//
// Updates: an insert encodes one vector and appends it, an erase moves the last code of the list in its
// place. Centres and codebooks stay as they were trained; build anew when the vectors have become others.
//
// Filters: below some thousand survivors, or where scanning would cost more, each is scored exactly by its
// full vector; otherwise so many more lists are scanned as the filter leaves fewer vectors in each.
#pragma once

#include <shared_mutex>

#include "search/compute/codes/projection.h"
#include "search/compute/inverted/inverted_lists.h"
#include "search/compute/vector_index.h"

namespace cowatch {

// What building makes and a file holds.
struct InvertedData {
  static constexpr uint32_t no_list = UINT32_MAX;

  IndexOptions options;
  Projection projection;
  std::vector<float> centres, centre_halves;  // lists × projection.outputs(); ‖centre‖² / 2
  std::unique_ptr<VectorCode> code;
  InvertedLists lists{0, 0};
  std::vector<uint32_t> list_of;  // of each slot; no_list: erased
  size_t live = 0;
  bool residual = true;  // codes are of what remains when the centre is subtracted

  ConstMatrix centre_rows() const { return {centres.data(), centre_halves.size(), projection.outputs()}; }
  // A checked row to its list and code.
  uint32_t encode(std::span<const float> row, std::vector<uint8_t>& encoded) const;
  size_t bytes() const;
};

class InvertedIndex final : public VectorIndex {
 public:
  InvertedIndex(const IndexOptions& options, const VectorSource& source, const Allowed* present,
                const std::function<void(size_t)>& advance);
  InvertedIndex(const std::shared_ptr<const TensorFile>& file, const VectorSource& source);

  size_t slots() const override;
  size_t size() const override;
  size_t bytes() const override;
  std::vector<Scored> search(std::span<const float> query, size_t k,
                             const SearchOptions& options) const override;
  void insert(uint32_t slot) override;
  void erase(uint32_t slot) override;
  void save(const Path& path) const override;

 private:
  struct Plan {
    size_t effort, probes;
    bool survivors;  // score them exactly
  };
  Plan plan(size_t k, const SearchOptions& options) const;
  std::vector<Scored> scan_lists(std::span<const float> query, const Plan& plan,
                                 const SearchOptions& options) const;
  std::vector<Scored> scan_survivors(std::span<const float> query, size_t k,
                                     const SearchOptions& options) const;
  void erase_live(uint32_t slot);

  InvertedData data_;
  mutable std::shared_mutex mutex_;
};

// Trains centres and codes and fills the lists, on all threads.
InvertedData build_inverted(const IndexOptions& options, const VectorSource& source, const Allowed* present,
                            const std::function<void(size_t)>& advance);
PredictedBytes predict_inverted_bytes(const IndexOptions& options, size_t vectors, size_t dimension);

}  // namespace cowatch

#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>

#include "base/error.h"
#include "base/progress.h"
#include "base/threads.h"
#include "search/compute/codes/code_choice.h"
#include "search/compute/codes/k_means.h"
#include "search/compute/index_base.h"
#include "search/compute/inverted/inverted_index.h"

namespace cowatch {
namespace {

constexpr uint32_t centre_stream = 0x69766600;
constexpr size_t rows_of_centre = 40, least_sample = 32768, code_sample = 32768, rows_at_once = 256;

size_t list_count(const IndexOptions& options, size_t vectors) {
  const auto wanted =
      options.lists > 0 ? options.lists : static_cast<size_t>(2 * std::sqrt(static_cast<double>(vectors)));
  return std::clamp<size_t>(wanted, 1, std::max<size_t>(1, options.lists > 0 ? vectors : vectors / 16));
}

size_t sample_count(size_t vectors, size_t lists) {
  return std::min(vectors, std::max(least_sample, lists * rows_of_centre));
}

class Builder {
 public:
  Builder(const IndexOptions& options, const VectorSource& source, const Allowed* present,
          const std::function<void(size_t)>& advance)
      : source_(source), advance_(advance) {
    data_.options = options;
    data_.residual = options.codebook.empty();
    for (uint32_t slot = 0; slot < source.size(); ++slot) {
      if (!present || present->has(slot)) slots_.push_back(slot);
    }
    if (slots_.empty()) {
      throw Error(ErrorCode::bad_argument, "there are no vectors to learn lists and codes from",
                  {.remedy = "Build the index when there are some; until then search exactly."});
    }
  }

  InvertedData run() {
    train();
    fill(grouped());
    return std::move(data_);
  }

 private:
  void train() {
    const size_t lists = list_count(data_.options, slots_.size()), count = sample_count(slots_.size(), lists);
    std::vector<float> raw(count * source_.dimension());
    const Matrix sample(raw.data(), count, source_.dimension());
    parallel_for(count, rows_at_once, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) read(slots_[i * slots_.size() / count], sample.row(i));
    });
    throw_if_interrupted();
    data_.projection = first_projection(data_.options, sample);
    std::vector<float> projected(count * data_.projection.outputs());
    const Matrix whole(projected.data(), count, data_.projection.outputs());
    parallel_for(count, rows_at_once, [&](size_t begin, size_t end) {
      data_.projection.apply_all(sample.rows_from(begin, end - begin), whole.rows_from(begin, end - begin));
    });
    raw = {};
    data_.centres = k_means(
        whole, {.count = lists, .iterations = 10, .seed = data_.options.seed, .stream = centre_stream});
    data_.centre_halves.resize(lists);
    data_.centre_halves = half_squares(data_.centre_rows());
    throw_if_interrupted();
    train_codes(whole);
  }

  void train_codes(ConstMatrix sample) {
    const size_t count = std::min(sample.rows, code_sample), width = sample.columns;
    std::vector<float> remainders(count * width), wholes(count * width);
    const Matrix rows(remainders.data(), count, width), whole(wholes.data(), count, width);
    for (size_t i = 0; i < count; ++i) {
      const auto row = sample.row(i * sample.rows / count);
      std::copy(row.begin(), row.end(), whole.row(i).begin());
      std::copy(row.begin(), row.end(), rows.row(i).begin());
    }
    if (data_.residual) {
      std::vector<uint32_t> nearest(count);
      nearest_centres(whole, data_.centre_rows(), data_.centre_halves, nearest);
      for (size_t i = 0; i < count; ++i) subtract(nearest[i], rows.row(i));
    }
    Projection rotation(width);
    data_.code = train_code(data_.options, rows, whole, rotation);
    data_.projection = data_.projection.then(rotation);
    std::vector<float> turned(data_.centres.size());
    rotation.apply_all(data_.centre_rows(), Matrix(turned.data(), data_.centre_halves.size(), width));
    data_.centres = std::move(turned);
    data_.centre_halves = half_squares(data_.centre_rows());
  }

  void read(uint32_t slot, std::span<float> row) const {
    checked_row(data_.options.metric, source_, slot, row);
  }
  void subtract(uint32_t list, std::span<float> row) const {
    const auto centre = data_.centre_rows().row(list);
    for (size_t i = 0; i < row.size(); ++i) row[i] -= centre[i];
  }

  // Rows of slots, projected.
  void gather(std::span<const uint32_t> slots, std::vector<float>& raw, std::vector<float>& projected) const {
    raw.resize(slots.size() * source_.dimension());
    const Matrix rows(raw.data(), slots.size(), source_.dimension());
    for (size_t i = 0; i < slots.size(); ++i) read(slots[i], rows.row(i));
    projected.resize(slots.size() * data_.projection.outputs());
    data_.projection.apply_all(rows, Matrix(projected.data(), slots.size(), data_.projection.outputs()));
  }

  // Slots list by list: assigns each to its nearest centre.
  std::vector<uint32_t> grouped() {
    data_.list_of.assign(source_.size(), InvertedData::no_list);
    data_.live = slots_.size();
    parallel_for(slots_.size(), rows_at_once, [&](size_t begin, size_t end) {
      std::vector<float> raw, projected;
      const auto slots = std::span(slots_).subspan(begin, end - begin);
      gather(slots, raw, projected);
      std::vector<uint32_t> nearest(slots.size());
      nearest_here({projected.data(), slots.size(), data_.projection.outputs()}, data_.centre_rows(),
                   data_.centre_halves, nearest);
      for (size_t i = 0; i < slots.size(); ++i) data_.list_of[slots[i]] = nearest[i];
    });
    throw_if_interrupted();
    begins_.assign(data_.centre_halves.size() + 1, 0);
    for (const uint32_t slot : slots_) ++begins_[data_.list_of[slot] + 1];
    std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
    std::vector<size_t> next(begins_.begin(), begins_.end() - 1);
    std::vector<uint32_t> order(slots_.size());
    for (const uint32_t slot : slots_) order[next[data_.list_of[slot]]++] = slot;
    slots_ = {};
    return order;
  }

  void fill(const std::vector<uint32_t>& order) {
    const VectorCode& code = *data_.code;
    const size_t lists = data_.centre_halves.size(), width = data_.projection.outputs();
    data_.lists = InvertedLists(lists, code.block_bytes());
    parallel_for(lists, 1, [&](size_t list, size_t) {
      const auto slots = std::span(order).subspan(begins_[list], begins_[list + 1] - begins_[list]);
      if (slots.empty()) return;
      uint8_t* blocks = data_.lists.fill(list, slots);
      std::vector<float> raw, projected, remainders;
      std::vector<uint8_t> codes;
      for (size_t begin = 0; begin < slots.size(); begin += rows_at_once) {
        const size_t count = std::min(rows_at_once, slots.size() - begin);
        gather(slots.subspan(begin, count), raw, projected);
        remainders = projected;
        for (size_t i = 0; i < count && data_.residual; ++i)
          subtract(static_cast<uint32_t>(list), std::span(remainders).subspan(i * width, width));
        codes.resize(count * code.code_bytes());
        code.encode({remainders.data(), count, width}, {projected.data(), count, width}, codes.data());
        for (size_t i = 0; i < count; ++i) {
          code.pack(codes.data() + i * code.code_bytes(),
                    blocks + (begin + i) / block_codes * code.block_bytes(), (begin + i) % block_codes);
        }
      }
      const std::lock_guard lock(advance_mutex_);
      if (advance_) advance_(slots.size());
    });
  }

  const VectorSource& source_;
  const std::function<void(size_t)>& advance_;
  std::mutex advance_mutex_;
  InvertedData data_;
  std::vector<uint32_t> slots_;
  std::vector<size_t> begins_;
};

}  // namespace

InvertedData build_inverted(const IndexOptions& options, const VectorSource& source, const Allowed* present,
                            const std::function<void(size_t)>& advance) {
  return Builder(options, source, present, advance).run();
}

PredictedBytes predict_inverted_bytes(const IndexOptions& options, size_t vectors, size_t dimension) {
  const CodeSize size = code_size(options, dimension);
  const size_t lists = list_count(options, vectors), sample = sample_count(vectors, lists);
  // Half a block of each list is empty.
  const size_t codes = (vectors + lists * block_codes / 2) * size.block_bytes / block_codes;
  const size_t index = codes + vectors * 8 +
                       lists * (InvertedLists::list_bytes() + (size.dimension + 1) * sizeof(float)) +
                       size.held_bytes;
  const size_t training =
      (sample * (dimension + size.dimension) + std::min(sample, code_sample) * 5 * size.dimension) *
      sizeof(float);
  return {index, std::max(index + vectors * 8, vectors * 4 + training)};
}

}  // namespace cowatch

#include "search/compute/graph/graph_build.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "base/progress.h"
#include "base/random.h"
#include "base/threads.h"
#include "search/compute/index_base.h"

namespace cowatch {
namespace {

constexpr uint32_t order_stream = 0x67727068;
constexpr size_t mean_sample = 16384, encode_rows = 512;
// A batch is at most this share of what is in; the largest keeps its lists in the cache.
constexpr size_t batch_share = 16, largest_batch = 16384, batch_grain = 16, link_shards = 64;

void set_mean(GraphData& data, const VectorSource& source, std::span<const uint32_t> order) {
  if (data.options.metric == Metric::inner_product) return;
  std::vector<float> row(source.dimension());
  std::vector<double> sums(source.dimension());
  const size_t count = std::min(order.size(), mean_sample);
  for (const uint32_t slot : order.first(count)) {
    checked_row(data.options.metric, source, slot, row);
    for (size_t i = 0; i < row.size(); ++i) sums[i] += row[i];
  }
  for (size_t i = 0; i < row.size(); ++i)
    data.mean[i] = static_cast<float>(sums[i] / static_cast<double>(count));
}

void encode_all(GraphData& data, const VectorSource& source, std::span<const uint32_t> order) {
  data.records.writable();
  parallel_for(order.size(), encode_rows, [&](size_t begin, size_t end) {
    std::vector<float> row(source.dimension());
    for (const uint32_t slot : order.subspan(begin, end - begin)) {
      checked_row(data.options.metric, source, slot, row);
      data.encode_slot(slot, row);
    }
  });
  if (data.options.metric != Metric::inner_product) return;
  for (const uint32_t slot : order) data.largest_square = std::max(data.largest_square, data.square_of(slot));
}

// Room for all slots, and for links while building.
void prepare(GraphData& data, const VectorSource& source, const Allowed* present) {
  data.capacity = data.options.degree + data.options.degree / 2;
  data.resize(source.size());
  for (uint32_t slot = 0; slot < source.size(); ++slot) {
    if (!present || present->has(slot)) data.live.add(slot);
  }
}

class Builder {
 public:
  Builder(GraphData& data, std::span<const uint32_t> order) : data_(data), order_(order) {}

  // The first `done` of the order are in.
  void run(size_t done, const std::function<void(size_t)>& advance) {
    size_t grouped = 0;  // how many were in when the entries were grouped
    while (done < order_.size()) {
      throw_if_interrupted();
      if (done >= 2 * grouped) {
        data_.entries.build(data_, order_.first(done));
        grouped = done;
      }
      const size_t count =
          std::min({std::max<size_t>(1, done / batch_share), largest_batch, order_.size() - done});
      insert(order_.subspan(done, count));
      done += count;
      if (advance) advance(count);
    }
  }

 private:
  void insert(std::span<const uint32_t> batch) {
    parallel_for(batch.size(), batch_grain, [&](size_t begin, size_t end) {
      LinkScorer scorer(data_);
      std::vector<Scored> candidates;
      std::vector<uint32_t> kept;
      auto& scratch = thread_scratch();
      for (const uint32_t slot : batch.subspan(begin, end - begin)) {
        scorer.set(slot);
        traverse(data_, scorer, data_.options.build_effort, scratch);
        candidates.clear();
        for (size_t i = 0; i < scratch.beam.size(); ++i) candidates.push_back(scratch.beam[i]);
        prune(data_, scorer, candidates, data_.options.degree, kept);
        data_.set_links(slot, kept);
      }
    });
    link_back(batch);
  }

  // Links (end, slot) of the batch, grouped by the shard of their end.
  void link_back(std::span<const uint32_t> batch) {
    shards_.resize(link_shards);
    for (auto& shard : shards_) shard.clear();
    for (const uint32_t slot : batch) {
      for (const uint32_t end : data_.links_of(slot))
        shards_[end % link_shards].push_back(uint64_t{end} << 32 | slot);
    }
    parallel_for(link_shards, 1, [&](size_t begin, size_t) {
      auto& shard = shards_[begin];
      std::sort(shard.begin(), shard.end());
      for (size_t i = 0; i < shard.size();) {
        size_t next = i;
        while (next < shard.size() && shard[next] >> 32 == shard[i] >> 32) ++next;
        add_links(static_cast<uint32_t>(shard[i] >> 32), std::span(shard).subspan(i, next - i));
        i = next;
      }
    });
  }

  void add_links(uint32_t slot, std::span<const uint64_t> added) {
    const auto old = data_.links_of(slot);
    std::vector<uint32_t> ends(old.begin(), old.end());
    for (const uint64_t key : added) ends.push_back(static_cast<uint32_t>(key));
    if (ends.size() > data_.capacity) prune_links(data_, slot, ends);
    data_.set_links(slot, ends);
  }

  GraphData& data_;
  std::span<const uint32_t> order_;
  std::vector<std::vector<uint64_t>> shards_;
};

// From the room for a half more that building had to the final degree.
void trim(GraphData& data) {
  const size_t degree = data.options.degree;
  HugeArray<uint32_t> trimmed(data.slots() * degree);
  uint32_t* out = trimmed.writable();
  parallel_for(data.slots(), encode_rows, [&](size_t begin, size_t end) {
    for (size_t slot = begin; slot < end; ++slot) {
      const auto links = data.links_of(static_cast<uint32_t>(slot));
      std::vector<uint32_t> ends(links.begin(), links.end());
      if (ends.size() > degree) prune_links(data, static_cast<uint32_t>(slot), ends);
      std::copy(ends.begin(), ends.end(), out + slot * degree);
      std::fill(out + slot * degree + ends.size(), out + (slot + 1) * degree, GraphData::no_slot);
    }
  });
  data.links = std::move(trimmed);
  data.capacity = degree;
}

std::vector<uint32_t> unreached(const GraphData& data) {
  std::vector<uint32_t> stack(data.entries.slots().begin(), data.entries.slots().end()), left;
  Allowed reached(data.slots());
  for (const uint32_t entry : stack) reached.add(entry);
  while (!stack.empty()) {
    const uint32_t slot = stack.back();
    stack.pop_back();
    for (const uint32_t end : data.links_of(slot)) {
      if (reached.has(end)) continue;
      reached.add(end);
      stack.push_back(end);
    }
  }
  data.live.for_each([&](uint32_t slot) {
    if (!reached.has(slot)) left.push_back(slot);
  });
  return left;
}

// Every slot gets a path from an entry: the nearest reached node with room left takes it in, or else it
// becomes an entry itself.
void connect(GraphData& data) {
  auto& scratch = thread_scratch();
  LinkScorer scorer(data);
  for (const uint32_t slot : unreached(data)) {
    scorer.set(slot);
    traverse(data, scorer, data.options.build_effort, scratch);
    bool taken = false;
    for (size_t i = 0; i < scratch.beam.size() && !taken; ++i) {
      const uint32_t near = scratch.beam[i].index;
      const auto links = data.links_of(near);
      taken = near == slot || std::find(links.begin(), links.end(), slot) != links.end();
      if (taken || links.size() == data.capacity) continue;
      data.links.writable()[near * data.capacity + links.size()] = slot;
      taken = true;
    }
    if (!taken) data.entries.add(data, slot);
  }
}

void finish(GraphData& data) {
  data.entries.build(data, random_order(data));
  trim(data);
  connect(data);
}

// Ends, slots of `former`, of a slot's links when those are gone that have no successor: in the place of each comes the nearest of
// its other neighbours, so that no list gets longer and has to be pruned again.
void surviving_links(const GraphData& former, std::span<const uint32_t> successors, uint32_t slot,
                     std::vector<uint32_t>& ends) {
  const auto lives = [&](uint32_t end) { return successors[end] != GraphData::no_slot; };
  const auto links = former.links_of(slot);
  ends.clear();
  std::ranges::copy_if(links, std::back_inserter(ends), lives);
  if (ends.size() == links.size()) return;
  LinkScorer scorer(former);
  scorer.set(slot);
  std::vector<uint32_t> heirs;
  for (const uint32_t gone : links) {
    if (lives(gone)) continue;
    heirs.clear();
    std::ranges::copy_if(former.links_of(gone), std::back_inserter(heirs), lives);
    inherit(former, scorer, slot, heirs, 1, ends);
  }
}

void carry_over(GraphData& data, const GraphData& former, std::span<const uint32_t> former_slots) {
  std::vector<uint32_t> successors(former.slots(), GraphData::no_slot);
  for (uint32_t slot = 0; slot < former_slots.size(); ++slot)
    if (former_slots[slot] != GraphData::no_slot) successors[former_slots[slot]] = slot;
  const size_t record_bytes = data.layout.record_bytes, finer_bytes = data.has_finer() ? data.layout.finer_bytes : 0;
  parallel_for(data.slots(), encode_rows, [&](size_t begin, size_t end) {
    std::vector<uint32_t> ends;
    for (size_t slot = begin; slot < end; ++slot) {
      const uint32_t from = former_slots[slot];
      if (from == GraphData::no_slot) continue;
      std::copy_n(former.records.data() + from * record_bytes, record_bytes, data.records.writable() + slot * record_bytes);
      std::copy_n(former.finer.data() + from * finer_bytes, finer_bytes, data.finer.writable() + slot * finer_bytes);
      surviving_links(former, successors, from, ends);
      for (uint32_t& each : ends) each = successors[each];
      data.set_links(static_cast<uint32_t>(slot), ends);
    }
  });
}

}  // namespace

std::vector<uint32_t> random_order(const GraphData& data) {
  const Random random(data.options.seed, order_stream);
  std::vector<std::pair<uint64_t, uint32_t>> keyed;
  data.live.for_each([&](uint32_t slot) { keyed.emplace_back(random.bits(0, slot), slot); });
  std::sort(keyed.begin(), keyed.end());
  std::vector<uint32_t> order(keyed.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = keyed[i].second;
  return order;
}

void build_graph(GraphData& data, const VectorSource& source, const Allowed* present,
                 const std::function<void(size_t)>& advance) {
  prepare(data, source, present);
  const auto order = random_order(data);
  if (!order.empty()) {
    set_mean(data, source, order);
    encode_all(data, source, order);
    Builder(data, order).run(0, advance);
  }
  finish(data);
}

void grow_graph(GraphData& data, const GraphData& former, std::span<const uint32_t> former_slots,
                const VectorSource& source, const std::function<void(size_t)>& advance) {
  prepare(data, source, nullptr);
  data.mean = former.mean;
  data.largest_square = former.largest_square;
  carry_over(data, former, former_slots);
  auto order = random_order(data);
  const auto is_kept = [&](uint32_t slot) { return former_slots[slot] != GraphData::no_slot; };
  const auto added = std::stable_partition(order.begin(), order.end(), is_kept);
  encode_all(data, source, std::span(added, order.end()));
  Builder(data, order).run(static_cast<size_t>(added - order.begin()), advance);
  finish(data);
}

}  // namespace cowatch

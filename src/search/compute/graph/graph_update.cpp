// In-place updates. Only one thread writes at a time (writer_), so it reads without a lock; it takes the lock
// to write, when all that changes is known.
#include <algorithm>

#include "base/error.h"
#include "search/compute/graph/graph_build.h"
#include "search/compute/graph/graph_index.h"
#include "search/compute/index_base.h"

namespace cowatch {
namespace {

// A neighbour that loses a link gets this many of the erased slot's neighbours instead, its nearest ones.
constexpr size_t replacements = 3;
// Entries are chosen anew after inserts of a quarter of the slots.
constexpr size_t entry_patience = 4, fewest_inserted = 16;

struct NewLinks {
  uint32_t slot;
  std::vector<uint32_t> ends;
};

}  // namespace

void GraphIndex::check_slot(uint32_t slot) const {
  if (slot <= data_.slots() && slot < source_.size()) return;
  throw Error(ErrorCode::bad_argument, "a slot would leave a gap, or its vector is not there",
              {.expected = "at most " + std::to_string(std::min(data_.slots(), source_.size())),
               .found = std::to_string(slot)});
}

// The slots nearest to `slot`, itself left out, by a search of the graph.
void GraphIndex::neighbours(uint32_t slot, LinkScorer& scorer, std::vector<Scored>& candidates) const {
  auto& scratch = thread_scratch();
  scorer.set(slot);
  traverse(data_, scorer, std::min(data_.options.build_effort, data_.slots()) + 1, scratch);
  candidates.clear();
  for (size_t i = 0; i < scratch.beam.size(); ++i) {
    if (scratch.beam[i].index != slot) candidates.push_back(scratch.beam[i]);
  }
}

void GraphIndex::insert(uint32_t slot) {
  std::vector<float> row(dimension());
  const std::lock_guard writer(writer_);
  check_slot(slot);
  checked_row(metric(), source_, slot, row);
  make_room(std::max<size_t>(data_.slots(), slot + size_t{1}));
  if (data_.live.has(slot)) erase_live(slot);
  {
    const auto lock = writing();
    if (slot == data_.slots()) data_.resize(slot + size_t{1});
    data_.encode_slot(slot, row);
    data_.entries.refresh(data_, slot);
    if (metric() == Metric::inner_product)
      data_.largest_square = std::max(data_.largest_square, data_.square_of(slot));
  }
  LinkScorer scorer(data_);
  std::vector<Scored> candidates;
  neighbours(slot, scorer, candidates);
  std::erase_if(candidates, [&](const Scored& candidate) { return !data_.live.has(candidate.index); });
  std::vector<uint32_t> kept;
  prune(data_, scorer, candidates, data_.options.degree, kept);
  std::vector<NewLinks> changes;
  for (const uint32_t near : kept) {
    const auto links = data_.links_of(near);
    if (std::find(links.begin(), links.end(), slot) != links.end()) continue;
    std::vector<uint32_t> ends(links.begin(), links.end());
    ends.push_back(slot);
    if (ends.size() > data_.capacity) prune_links(data_, near, ends);
    changes.push_back({near, std::move(ends)});
  }
  const bool alone = kept.empty();
  changes.push_back({slot, std::move(kept)});
  {
    const auto lock = writing();
    for (const auto& change : changes) data_.set_links(change.slot, change.ends);
    data_.live.add(slot);
    if (alone) data_.entries.add(data_, slot);
  }
  if (++inserted_ > data_.live.count() / entry_patience + fewest_inserted) renew_entries();
}

void GraphIndex::make_room(size_t slots) {
  auto room = data_.room_for(slots);
  if (!room.records && !room.finer && !room.links) return;
  const auto lock = writing();
  data_.take(room);
}

void GraphIndex::renew_entries() {
  EntryTable table;
  table.build(data_, random_order(data_));
  const auto lock = writing();
  std::swap(data_.entries, table);
  inserted_ = 0;
}

void GraphIndex::erase(uint32_t slot) {
  const std::lock_guard writer(writer_);
  make_room(data_.slots());
  if (data_.live.has(slot)) erase_live(slot);
}

void GraphIndex::erase_live(uint32_t slot) {
  {
    const auto lock = writing();
    data_.live.remove(slot);
  }
  LinkScorer scorer(data_);
  std::vector<Scored> candidates;
  neighbours(slot, scorer, candidates);
  const auto own = data_.links_of(slot);
  std::vector<uint32_t> heirs(own.begin(), own.end());
  std::erase_if(heirs, [&](uint32_t heir) { return !data_.live.has(heir); });
  std::vector<NewLinks> changes;
  for (const Scored& candidate : candidates) {
    const auto links = data_.links_of(candidate.index);
    if (std::find(links.begin(), links.end(), slot) == links.end()) continue;
    std::vector<uint32_t> ends(links.begin(), links.end());
    std::erase(ends, slot);
    scorer.set(candidate.index);
    inherit(data_, scorer, candidate.index, heirs, replacements, ends);
    if (ends.size() > data_.capacity) prune_links(data_, candidate.index, ends);
    changes.push_back({candidate.index, std::move(ends)});
  }
  const auto lock = writing();
  for (const auto& change : changes) data_.set_links(change.slot, change.ends);
}

}  // namespace cowatch

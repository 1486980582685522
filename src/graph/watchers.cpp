#include "graph/watchers.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace cowatch {
namespace {

constexpr int format = 1;

void check_sound(std::span<const uint64_t> offsets, std::span<const uint32_t> people,
                 std::span<const uint32_t> popular, const Path& path) {
  const bool sound =
      !offsets.empty() && offsets.front() == 0 && offsets.back() == people.size() &&
      std::is_sorted(offsets.begin(), offsets.end()) && popular.size() == offsets.size() - 1 &&
      std::all_of(popular.begin(), popular.end(), [&](uint32_t v) { return v < popular.size(); });
  if (sound) return;
  throw Error(
      ErrorCode::damaged, "the watchers are not rows of videos",
      {.where = path.string(), .remedy = "Delete it and run `cowatch graph WS` (or `cowatch run WS`)."});
}

}  // namespace

uint64_t Watchers::both(uint32_t a, uint32_t b) const {
  auto fewer = people(a), more = people(b);
  if (fewer.size() > more.size()) std::swap(fewer, more);
  uint64_t count = 0;
  size_t from = 0;
  for (const uint32_t person : fewer) {
    // Steps that double, then halves: few looks where the lists differ much in length, one where they do not.
    size_t step = 1;
    while (step < more.size() - from && more[from + step - 1] < person) from += step, step *= 2;
    const auto end = more.begin() + static_cast<ptrdiff_t>(std::min(more.size(), from + step));
    from = static_cast<size_t>(std::lower_bound(more.begin() + static_cast<ptrdiff_t>(from), end, person) -
                               more.begin());
    if (from == more.size()) break;
    count += more[from] == person;
  }
  return count;
}

void Watchers::save(const Path& path, const Metadata& origin) const {
  TensorFileWriter writer("watchers", format);
  for (const auto& [key, value] : origin) writer.set(key, value);
  writer.add<uint64_t>("offsets", {offsets_.size()}, offsets_);
  writer.add<uint32_t>("people", {people_.size()}, people_);
  writer.add<uint32_t>("popular", {popular_.size()}, popular_);
  writer.write(path);
}

Watchers Watchers::load(const Path& path) {
  const auto file = std::make_shared<const TensorFile>(path, "watchers", format);
  Watchers watchers;
  watchers.offsets_ = file->tensor<uint64_t>("offsets");
  watchers.people_ = file->tensor<uint32_t>("people");
  watchers.popular_ = file->tensor<uint32_t>("popular");
  check_sound(watchers.offsets_, watchers.people_, watchers.popular_, path);
  watchers.owner_ = file;
  return watchers;
}

void WatchersBuilder::add(uint32_t person, uint32_t video) {
  if (person != person_) end_person();
  person_ = person;
  if (own_.size() >= 2 * counts_.size()) make_distinct();  // at least half are repeats
  own_.push_back(video);
}

void WatchersBuilder::make_distinct() {
  std::sort(own_.begin(), own_.end());
  own_.erase(std::unique(own_.begin(), own_.end()), own_.end());
}

void WatchersBuilder::end_person() {
  make_distinct();
  for (const uint32_t video : own_) ++counts_[video];
  videos_.insert(videos_.end(), own_.begin(), own_.end());
  people_.push_back(person_);
  ends_.push_back(videos_.size());
  own_.clear();
}

size_t WatchersBuilder::memory_bytes() const {
  return sizeof(uint32_t) * (counts_.capacity() + people_.capacity() + videos_.capacity() + own_.capacity()) +
         sizeof(uint64_t) * ends_.capacity();
}

Watchers WatchersBuilder::finish(const Graph& graph) {
  end_person();
  auto arrays = std::make_shared<Watchers::Arrays>();
  arrays->offsets.resize(counts_.size() + 1);
  std::inclusive_scan(counts_.begin(), counts_.end(), arrays->offsets.begin() + 1, std::plus<>(),
                      uint64_t{0});
  arrays->people.resize(videos_.size());
  std::vector<uint64_t> next(arrays->offsets.begin(), arrays->offsets.end() - 1);
  uint64_t at = 0;
  for (size_t person = 0; person < people_.size(); ++person) {
    for (; at < ends_[person]; ++at) arrays->people[next[videos_[at]]++] = people_[person];
  }
  std::vector<double> weight(counts_.size());
  for (uint32_t video = 0; video < graph.nodes() && video < weight.size(); ++video) {
    for (const float link : graph.weights(video)) weight[video] += link;
  }
  arrays->popular.resize(counts_.size());
  std::iota(arrays->popular.begin(), arrays->popular.end(), 0u);
  std::stable_sort(arrays->popular.begin(), arrays->popular.end(), [&](uint32_t a, uint32_t b) {
    return counts_[a] != counts_[b] ? counts_[a] > counts_[b] : weight[a] > weight[b];
  });
  Watchers watchers;
  watchers.offsets_ = arrays->offsets, watchers.people_ = arrays->people, watchers.popular_ = arrays->popular;
  watchers.owner_ = std::move(arrays);
  return watchers;
}

}  // namespace cowatch

// Who watched what: of each video the people with a watch of it that counts, in compressed sparse rows.
// Counts people who watched both of two videos, and knows the videos that most people watched.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/tensor_file.h"
#include "graph/graph.h"

namespace cowatch {

class Watchers {
 public:
  size_t videos() const { return offsets_.size() - 1; }
  uint64_t watches() const { return people_.size(); }  // pairs of a person and a video
  // Numbers of people, ascending.
  std::span<const uint32_t> people(uint32_t video) const {
    return people_.subspan(offsets_[video], offsets_[video + 1] - offsets_[video]);
  }
  // How many people watched both. O(fewer · log(more / fewer)) of the two numbers of people.
  uint64_t both(uint32_t a, uint32_t b) const;
  // All videos: by people who watched, then by the weight of all links in the graph, then by index.
  std::span<const uint32_t> by_popularity() const { return popular_; }

  void save(const Path& path, const Metadata& origin) const;  // kind "watchers"
  static Watchers load(const Path& path);                     // through a memory map

 private:
  friend class WatchersBuilder;
  struct Arrays {
    std::vector<uint64_t> offsets;
    std::vector<uint32_t> people, popular;
  };
  std::shared_ptr<const void> owner_;  // of what the spans show
  std::span<const uint64_t> offsets_;
  std::span<const uint32_t> people_, popular_;
};

// Takes what people watched; 8 bytes of memory a person and video, and 8 a video for the person under way,
// however often that person watches.
class WatchersBuilder {
 public:
  explicit WatchersBuilder(size_t videos) : counts_(videos) {}
  // One watch. A person's videos one after another, in any order and with repeats; people in ascending order.
  void add(uint32_t person, uint32_t video);
  Watchers finish(const Graph& graph);
  size_t memory_bytes() const;  // of what was added so far

 private:
  void make_distinct();
  void end_person();

  std::vector<uint32_t> counts_;  // people of each video
  std::vector<uint32_t> people_;  // who watched anything
  std::vector<uint64_t> ends_;    // of their videos
  std::vector<uint32_t> videos_;
  uint32_t person_ = 0;        // under way, and
  std::vector<uint32_t> own_;  // that person's videos
};

}  // namespace cowatch

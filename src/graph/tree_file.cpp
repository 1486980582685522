// The file of a tree: kind "tree" (docs/formats.md): the order and where clusters begin; the rest follows
// from them.
#include <algorithm>

#include "graph/tree.h"

namespace cowatch {
namespace {

constexpr int newest_tree = 1;

[[noreturn]] void refuse(const Path& path, const std::string& expected, const std::string& found) {
  throw Error(ErrorCode::damaged, "this is not a well-formed tree",
              {.where = path.string(),
               .expected = expected,
               .found = found,
               .remedy = "Delete the file and run `cowatch graph` (or `cowatch run`) again."});
}

std::string begins_name(size_t round) {
  return "begins_" + std::to_string(round);
}

// Clusters of a round must be non-empty ranges that cover all positions, and begin where clusters of the
// round before do.
void check_begins(const std::vector<uint32_t>& begins, const std::vector<uint32_t>* finer, size_t videos,
                  const Path& path, size_t round) {
  const std::string where = begins_name(round);
  if (begins.empty() || begins.front() != 0 || begins.back() != videos) {
    refuse(path, where + " from 0 to the number of videos", "others");
  }
  for (size_t c = 1; c < begins.size(); ++c) {
    if (begins[c] <= begins[c - 1]) refuse(path, where + " rising", "an empty or falling cluster");
  }
  if (finer != nullptr && !std::includes(finer->begin(), finer->end(), begins.begin(), begins.end())) {
    refuse(path, "clusters of round " + std::to_string(round) + " made of whole clusters of the round before",
           "one that cuts through");
  }
}

}  // namespace

void AffinityTree::save(const Path& path, const Metadata& origin) const {
  TensorFileWriter writer("tree", newest_tree);
  for (const auto& [key, value] : origin) writer.set(key, value);
  writer.set("rounds", std::to_string(rounds()));
  writer.add<uint32_t>("order", {order_.size()}, order_);
  for (size_t round = 1; round <= rounds(); ++round) {
    const auto& begins = begins_[round - 1];
    writer.add<uint32_t>(begins_name(round), {begins.size()}, begins);
  }
  writer.write(path);
}

AffinityTree AffinityTree::load(const Path& path) {
  const TensorFile file(path, "tree", newest_tree);
  const std::string text = file.get("rounds");
  const bool is_number = !text.empty() && text.size() < 3 && std::all_of(text.begin(), text.end(), ::isdigit);
  if (!is_number || std::stoi(text) > most_tree_rounds) {
    refuse(path, "a number of rounds of at most " + std::to_string(most_tree_rounds), "'" + text + "'");
  }
  AffinityTree tree;
  const auto order = file.tensor<uint32_t>("order");
  tree.order_.assign(order.begin(), order.end());
  constexpr uint32_t unset = ~uint32_t{0};
  tree.positions_.assign(order.size(), unset);
  for (uint32_t position = 0; position != order.size(); ++position) {
    const uint32_t video = order[position];
    if (video >= order.size() || tree.positions_[video] != unset) {
      refuse(path, "an order that names every video once",
             "video " + std::to_string(video) + " out of range or again");
    }
    tree.positions_[video] = position;
  }
  for (size_t round = 1; round <= std::stoul(text); ++round) {
    const auto begins = file.tensor<uint32_t>(begins_name(round));
    const auto* finer = tree.begins_.empty() ? nullptr : &tree.begins_.back();
    std::vector<uint32_t> copy(begins.begin(), begins.end());
    check_begins(copy, finer, order.size(), path, round);
    tree.begins_.push_back(std::move(copy));
  }
  tree.number_positions();
  return tree;
}

}  // namespace cowatch

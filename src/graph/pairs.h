// Co-watch pairs: how many people watched both videos of each pair, counted exactly, and the graph made of
// them.
//
// A watch counts when it is long enough (min_watch_ms, min_watch_share; an unknown length counts). Of a
// person the newest max_watches count, so that a bot cannot make edges, and a person adds at most 1 to a
// pair, when both videos lie within the window. Any other feedback (clicks, searches, likes) is counted by
// the same code.
//
// Counts are integers, so the result is the same for any order of input and any number of threads. Counting
// keeps within memory_bytes: people come in chunks, each chunk's pairs are counted row by row, and where more
// than one chunk is needed the sorted counts of each go to a file and are merged at the end, to the same
// bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "graph/graph.h"

namespace cowatch {

struct PairWatch {
  uint32_t user = 0, item = 0;
  int64_t time_ms = 0;
  int64_t watched_ms = -1, length_ms = -1;  // negative: not known
  double portion = -1;                      // watched / length when known by itself
};

// any: at any time; session: with no gap of more than session_gap_ms between neighbouring watches;
// positions: at most `positions` watches apart.
enum class PairWindow { any, session, positions };
// count: people; cosine: people / √(n_u · n_v); pmi: log(people · P / (n_u · n_v)), pairs at or below 0 are
// left out; decayed: Σ over people of 2^(-age / half-life), the age of a pair being that of its newer watch.
enum class PairWeight { count, cosine, pmi, decayed };
std::optional<PairWindow> pair_window_named(std::string_view name);
std::optional<PairWeight> pair_weight_named(std::string_view name);

struct PairSettings {
  uint32_t min_people = 2;
  PairWindow window = PairWindow::any;
  int64_t session_gap_ms = 30 * 60 * 1000;
  uint32_t positions = 5;
  int64_t min_watch_ms = 0;
  double min_watch_share = 0;
  uint32_t max_watches = 500;
  PairWeight weight = PairWeight::count;
  double half_life_days = 30;
  int64_t newest_ms = 0;  // the moment ages are measured from: the newest watch of all (weight decayed)
  uint32_t top_k = 0;     // strongest neighbours a video keeps; an edge stays if either end keeps it; 0: all
  uint32_t max_degree =
      0;  // strongest neighbours a video may have; an edge stays if both ends keep it; 0: any
  size_t memory_bytes = size_t{4} << 30;  // of counting; the finished graph comes on top
  Path spill_folder;  // where counts go past the limit; must exist; empty: the system's temporary folder
};

struct PairReport {
  uint64_t watches = 0;       // read
  uint64_t too_short = 0;     // below min_watch_ms or min_watch_share
  uint64_t beyond_limit = 0;  // older than a person's newest max_watches
  uint64_t repeats = 0;       // of one person, video and moment: one of them counts
  uint64_t people = 0;        // with at least one watch that counts
  uint64_t pairs = 0;         // with at least min_people
  uint64_t not_positive = 0;  // of them left out because their pmi is not above 0
  uint64_t pruned = 0;        // of them left out by top_k and max_degree
  uint64_t spilled_bytes = 0;
};

struct CountedPair {
  uint32_t u, v;  // u < v
  uint32_t people;
};

// Pairs in order of (u, v). `decay`, one for each pair in units of 2^-30, is filled with weight decayed only.
struct PairBlock {
  std::vector<CountedPair> pairs;
  std::vector<uint64_t> decay;
};

class PairCounter {
 public:
  // Throws bad_argument when memory_bytes is too little to count anything in.
  PairCounter(size_t items, const PairSettings& settings);
  ~PairCounter();
  PairCounter(PairCounter&&) noexcept;

  // A person's watches must come together, people in ascending order; a person's own watches in any order.
  void add(const PairWatch& watch);
  // Gives every pair with at least min_people to `take`, in blocks, in order. Once.
  void finish(const std::function<void(PairBlock&&)>& take);

  const std::vector<uint32_t>& people_of_item() const;  // how many people have a counting watch of it
  const PairReport& report() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

// The edges of the pairs counted, with the chosen weight, before pruning.
std::vector<Edge> pair_edges(PairCounter& counter, const PairSettings& settings, PairReport& report);

// Watches in any order → graph over `items` videos.
Graph pair_graph(size_t items, std::vector<PairWatch> watches, const PairSettings& settings,
                 PairReport* report = nullptr);

}  // namespace cowatch

// How long someone waits for a search: until a deadline, or until they go away. Long work looks at it now and then, and
// ends.
#pragma once

#include <atomic>
#include <chrono>

#include "base/error.h"

namespace cowatch {

struct Patience {
  using Clock = std::chrono::steady_clock;

  const std::atomic<bool>* gone = nullptr;  // borrowed; null: nobody goes away
  Clock::time_point deadline = Clock::time_point::max();

  bool left() const { return gone && gone->load(std::memory_order_relaxed); }
  bool ended() const { return left() || (deadline < Clock::time_point::max() && Clock::now() >= deadline); }
  // Throws interrupted when they went away, overloaded past the deadline.
  void check() const {
    if (!ended()) return;
    if (left()) throw Error(ErrorCode::interrupted, "the search was cancelled");
    throw Error(ErrorCode::overloaded, "the search did not end before its deadline",
                {.remedy = "Ask for less, or with a later deadline (?timeout=SECONDS, or the setting "
                           "vectors.deadline_ms)."});
  }
};

}  // namespace cowatch

// Threads that stand in for those that read, while all of these are held up.
#include "serve/readers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>

namespace cowatch::serve {
namespace {

TEST(Readers, are_stood_in_for_while_all_are_held_up) {
  Readers readers(2);
  std::atomic<int> reads = 0;
  std::atomic<int> reads_handed_on = 0;
  std::jthread stand_in([&] { readers.stand_in([&] { ++reads; }, [&] { reads_handed_on = reads.load(); }); });
  for (int round = 0; round < 3; ++round) {
    std::optional<Readers::Held> first, second;
    first.emplace(readers);
    second.emplace(readers);
    while (reads == 0) std::this_thread::yield();
    first.reset();
    second.reset();
    while (reads_handed_on == 0) std::this_thread::yield();
    reads = reads_handed_on = 0;
  }
  readers.stop();
}

TEST(Readers, end_whatever_they_wait_for) {
  for (int round = 0; round < 100; ++round) {
    Readers readers(1);
    std::jthread stand_in([&] { readers.stand_in([] {}, [] {}); }), other([&] { readers.stand_in([] {}, [] {}); });
    std::optional<Readers::Held> held;
    if (round % 2 == 0) held.emplace(readers);
    readers.stop();
  }
}

}  // namespace
}  // namespace cowatch::serve

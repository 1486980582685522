// Which of a server's threads read requests. As many do as there are processors: more of them would share a
// processor with each other, and a request that one has read would wait for the time slices of the others.
// The rest stand in while all of them are held up by work that takes long.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <thread>

namespace cowatch::serve {

class Readers {
 public:
  explicit Readers(size_t count) : count_(count) {}

  // While one of these lives its thread does work, and reads nothing.
  class Held {
   public:
    explicit Held(Readers& readers) : readers_(readers) {
      if (++readers_.held_ < readers_.count_) return;
      ++readers_.times_all_held_;
      readers_.times_all_held_.notify_all();
    }
    Held(const Held&) = delete;
    ~Held() {
      ++readers_.let_go_;
      --readers_.held_;
    }

   private:
    Readers& readers_;
  };

  // Of a thread that stands in: calls `read` again and again, which reads for a moment, while all are held up, and
  // `hand_on` when it ends: what the last moment left to do is for others, who may sleep. Returns after stop().
  template <typename Read, typename HandOn>
  void stand_in(const Read& read, const HandOn& hand_on) {
    while (!stopped_) {
      uint64_t before = 0;
      {
        const std::lock_guard lookout(lookout_);  // one is enough
        const uint32_t times = times_all_held_;
        if (held_ < count_ && !stopped_) times_all_held_.wait(times);
        before = let_go_;
        std::this_thread::sleep_for(patience);
      }
      if (held_ < count_ || let_go_ != before) continue;
      while (held_ >= count_ && let_go_ == before && !stopped_) read();
      hand_on();
    }
  }
  void stop() {
    stopped_ = true;
    ++times_all_held_;
    times_all_held_.notify_all();
  }

  static constexpr std::chrono::milliseconds patience{2};  // what takes less is not worth a thread more

 private:
  const size_t count_;
  std::atomic<size_t> held_{0};
  std::atomic<uint64_t> let_go_{0};
  std::atomic<uint32_t> times_all_held_{0};
  std::mutex lookout_;
  std::atomic<bool> stopped_{false};
};

}  // namespace cowatch::serve

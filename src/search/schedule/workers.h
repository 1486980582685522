// Threads that run what they are given, in the order in which it came.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace cowatch {

class Workers {
 public:
  Workers(size_t threads, int niceness);
  ~Workers();  // runs what it was given before
  void run(std::function<void()> work);

 private:
  void work(const std::stop_token& stop, int niceness);

  std::mutex mutex_;
  std::condition_variable_any given_;
  std::deque<std::function<void()>> waiting_;
  std::vector<std::jthread> threads_;
};

}  // namespace cowatch

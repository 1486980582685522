#include "search/schedule/workers.h"

#include "base/background.h"

namespace cowatch {

Workers::Workers(size_t threads, int niceness) {
  for (size_t i = 0; i < threads; ++i)
    threads_.emplace_back([=, this](const std::stop_token& stop) { work(stop, niceness); });
}

Workers::~Workers() {
  for (auto& thread : threads_) thread.request_stop();
  threads_.clear();
}

void Workers::run(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
  }
  given_.notify_one();
}

void Workers::work(const std::stop_token& stop, int niceness) {
  be_nice(niceness);
  std::unique_lock lock(mutex_);
  while (given_.wait(lock, stop, [&] { return !waiting_.empty(); })) {
    const auto work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

}  // namespace cowatch

#include "search/schedule/scheduler.h"

#include <algorithm>
#include <utility>

namespace cowatch {
namespace {

// Threads of its own go behind those that read requests, and search in them.
constexpr int worker_niceness = 5;
// An estimate must fit into the time left so often: what is answered is to be answered in time, also when the
// processors do other work meanwhile.
constexpr double caution = 2;

double seconds_between(Job::Clock::time_point begin, Job::Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

}  // namespace

Scheduler::Scheduler(size_t places, size_t longest_queue, size_t largest_batch)
    : places_(places),
      longest_queue_(longest_queue),
      largest_batch_(largest_batch),
      workers_(places, worker_niceness) {
  run_in({});
}

void Scheduler::drain() {
  std::array<std::deque<std::unique_ptr<Job>>, 3> left;
  {
    const std::lock_guard lock(mutex_);
    left.swap(queues_);
    status_.waiting = 0;
  }
  for (auto& queue : left)
    for (auto& job : queue) job->refuse();
  std::unique_lock lock(mutex_);
  idle_.wait(lock, [&] { return busy_ == 0; });
}

void Scheduler::run_in(Executor executor) {
  const std::lock_guard lock(mutex_);
  executor_ =
      executor ? std::move(executor) : [this](std::function<void()> work) { workers_.run(std::move(work)); };
  for (size_t again = std::exchange(asked_, 0); again > 0; --again) ask_for_turn();
}

void Scheduler::ask_for_turn() {
  ++asked_;
  executor_([this, asked = Job::Clock::now()] { turn(asked); });
}

double Scheduler::wait_before(Priority priority) const {
  size_t jobs = status_.running;
  for (size_t p = 0; p <= static_cast<size_t>(priority); ++p) jobs += queues_[p].size();
  return static_cast<double>(jobs) * times_.each() / static_cast<double>(places_);
}

double Scheduler::refused_for(Priority priority, Job::Clock::time_point deadline) const {
  const std::lock_guard lock(mutex_);
  const double wait = wait_before(priority), left = seconds_between(Job::Clock::now(), deadline);
  // Begun at once, a job may take what it takes: whoever asks too much of an idle server is answered, too.
  const bool at_once = busy_ < places_ && status_.waiting == 0;
  const bool in_time = at_once ? left > 0 : wait * caution + times_.each() <= left;
  if (in_time && status_.waiting < longest_queue_) return 0;
  ++status_.refused;
  return wait + times_.each();
}

bool Scheduler::submit(std::unique_ptr<Job>& job) {
  if (refused_for(job->priority, job->deadline) > 0) return false;
  const std::lock_guard lock(mutex_);
  ++status_.waiting;
  queues_[static_cast<size_t>(job->priority)].push_back(std::move(job));
  if (busy_ == places_) return true;
  ++busy_;
  ask_for_turn();
  return true;
}

Scheduler::Jobs Scheduler::next() {
  Jobs jobs;
  for (auto& queue : queues_) {
    if (queue.empty()) continue;
    const uint64_t batch = queue.front()->batch;
    const double left = seconds_between(Job::Clock::now(), queue.front()->deadline);
    const size_t most = batch == 0 ? 1 : std::min(largest_batch_, times_.fitting(left));
    for (auto at = queue.begin(); at != queue.end() && jobs.size() < most;) {
      if ((*at)->batch != batch) {
        ++at;
        continue;
      }
      jobs.push_back(std::move(*at));
      at = queue.erase(at);
    }
    break;
  }
  status_.waiting -= jobs.size();
  return jobs;
}

void Scheduler::turn(Job::Clock::time_point asked) {
  Jobs jobs;
  {
    const std::lock_guard lock(mutex_);
    if (asked_ == 0) return;  // asked of another executor again
    --asked_;
    jobs = next();
    status_.running += jobs.size();
  }
  run(std::move(jobs), asked);
}

void Scheduler::run(Jobs jobs, Job::Clock::time_point asked) {
  const size_t taken = jobs.size();
  const auto start = Job::Clock::now();
  size_t shed = 0, cancelled = 0;
  std::erase_if(jobs, [&](const std::unique_ptr<Job>& each) {
    if (each->cancelled()) return ++cancelled > 0;
    if (each->deadline >= start) return false;
    each->refuse();
    return ++shed > 0;
  });
  const size_t count = jobs.size();
  if (count > 0) {
    const auto first = std::move(jobs.front());
    jobs.erase(jobs.begin());
    first->run_with(jobs);
  }
  const double seconds = seconds_between(asked, Job::Clock::now());
  const std::lock_guard lock(mutex_);
  status_.running -= taken;
  status_.shed += shed;
  status_.cancelled += cancelled;
  status_.done += count;
  status_.batches += count > 0;
  if (count > 0) times_.add(count, seconds);
  if (status_.waiting > asked_) return ask_for_turn();
  if (--busy_ == 0) idle_.notify_all();
}

Scheduler::Status Scheduler::status() const {
  const std::lock_guard lock(mutex_);
  Status status = status_;
  status.job_seconds = times_.each();
  return status;
}

}  // namespace cowatch

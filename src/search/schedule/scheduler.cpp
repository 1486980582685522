#include "search/schedule/scheduler.h"

#include <algorithm>

#include "base/background.h"

namespace cowatch {
namespace {

constexpr double first_guess = 0.0005;  // seconds a job is taken to last before any was seen
// Under overload the processors must first go to those that read requests and refuse them.
constexpr int worker_niceness = 5;
constexpr double weight = 0.02;  // of the newest job in the average: some 50 jobs are remembered

double seconds_between(Job::Clock::time_point begin, Job::Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

}  // namespace

Scheduler::Scheduler(size_t workers, size_t longest_queue, size_t largest_batch)
    : workers_(workers), longest_queue_(longest_queue), largest_batch_(largest_batch) {
  status_.job_seconds = first_guess;
  for (size_t i = 0; i < workers; ++i)
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
}

Scheduler::~Scheduler() {
  for (auto& thread : threads_) thread.request_stop();
  ready_.notify_all();
  threads_.clear();
  for (auto& queue : queues_)
    for (auto& job : queue) job->refuse();
}

double Scheduler::wait_before(Priority priority) const {
  size_t jobs = status_.running;
  for (size_t p = 0; p <= static_cast<size_t>(priority); ++p) jobs += queues_[p].size();
  return static_cast<double>(jobs) * status_.job_seconds / static_cast<double>(workers_);
}

double Scheduler::refused_for(Priority priority, Job::Clock::time_point deadline) const {
  const std::lock_guard lock(mutex_);
  const double wait = wait_before(priority) + status_.job_seconds;
  const bool late =
      deadline != Job::Clock::time_point::max() && wait > seconds_between(Job::Clock::now(), deadline);
  if (!late && status_.waiting < longest_queue_) return 0;
  ++status_.refused;
  return std::max(wait, status_.job_seconds);
}

bool Scheduler::submit(std::unique_ptr<Job>& job) {
  if (refused_for(job->priority, job->deadline) > 0) return false;
  {
    const std::lock_guard lock(mutex_);
    ++status_.waiting;
    queues_[static_cast<size_t>(job->priority)].push_back(std::move(job));
  }
  ready_.notify_one();
  return true;
}

std::unique_ptr<Job> Scheduler::next(std::vector<std::unique_ptr<Job>>& others) {
  for (auto& queue : queues_) {
    if (queue.empty()) continue;
    auto job = std::move(queue.front());
    queue.pop_front();
    if (job->batch != 0) {
      for (auto at = queue.begin(); at != queue.end() && others.size() + 1 < largest_batch_;) {
        if ((*at)->batch == job->batch) {
          others.push_back(std::move(*at));
          at = queue.erase(at);
        } else {
          ++at;
        }
      }
    }
    status_.waiting -= 1 + others.size();
    return job;
  }
  return nullptr;
}

bool Scheduler::run_here(std::unique_ptr<Job>& job) {
  {
    const std::lock_guard lock(mutex_);
    if (status_.waiting > 0 || busy_ >= workers_) return false;
    ++busy_;
    ++status_.running;
  }
  std::vector<std::unique_ptr<Job>> jobs;
  jobs.push_back(std::move(job));
  run(std::move(jobs));
  return true;
}

void Scheduler::work(const std::stop_token& stop) {
  be_nice(worker_niceness);
  for (;;) {
    std::vector<std::unique_ptr<Job>> jobs, others;
    {
      std::unique_lock lock(mutex_);
      if (!ready_.wait(lock, stop, [&] { return status_.waiting > 0 && busy_ < workers_; })) return;
      if (stop.stop_requested()) return;
      jobs.push_back(next(others));
      for (auto& other : others) jobs.push_back(std::move(other));
      ++busy_;
      status_.running += jobs.size();
    }
    run(std::move(jobs));
  }
}

void Scheduler::run(std::vector<std::unique_ptr<Job>> jobs) {
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
  const double seconds = seconds_between(start, Job::Clock::now());
  bool more = false;
  {
    const std::lock_guard lock(mutex_);
    --busy_;
    status_.running -= taken;
    status_.shed += shed;
    status_.cancelled += cancelled;
    status_.done += count;
    status_.batches += count > 0;
    if (count > 0)
      status_.job_seconds += weight * (seconds / static_cast<double>(count) - status_.job_seconds);
    more = status_.waiting > 0;
  }
  if (more) ready_.notify_one();
}

Scheduler::Status Scheduler::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

}  // namespace cowatch
